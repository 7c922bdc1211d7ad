/** What a client's certificate opens at a listener: trust of its own, or a provider's name that many share. */
import type { X509Certificate } from 'node:crypto';
import type { Listener } from '../../config/installation.ts';
import { clean } from '../../mail/reply.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { ClientJudgement, TlsOffer } from '../../smtp/receive/handshake.ts';

type Trusting = Pick<Listener, 'clientCertificates' | 'relayFor'>;

/** Undefined where certificates of clients mean nothing, and are not asked for. */
export function clientJudge({ clientCertificates, relayFor }: Trusting, now: () => Timestamp): TlsOffer['judge'] {
  if (clientCertificates === undefined && relayFor.length === 0) return undefined;
  const { ca = '', names = [], fingerprints = [] } = clientCertificates ?? {};
  return (shown, verified): ClientJudgement => {
    const known = fingerprints.includes(shown.fingerprint256.replaceAll(':', '').toLowerCase()) && inTime(shown, now());
    // With an authority of our own, `verified` is its word; a listener has either that or the public ones.
    const signed = verified && ca !== '';
    const named = names.length === 0 || names.some((name) => bears(shown, name));
    const relays = verified && ca === '' ? relayFor.filter(({ certificate }) => bears(shown, certificate)) : [];
    return {
      clientVerified: verified || known,
      clientName: verified || known ? nameOf(shown) : '',
      clientTrusted: known || (signed && named),
      clientRelays: relays.map(({ certificate }) => certificate),
    };
  };
}

/** The same of a certificate that is only named: as if it were valid, and of the authority that the listener believes. */
export function judgeNamed({ clientCertificates, relayFor }: Trusting, name: string): Partial<ClientJudgement> {
  if (clientCertificates === undefined && relayFor.length === 0) return {};
  const { ca = '', names = [] } = clientCertificates ?? {};
  const shown = name.toLowerCase();
  return {
    clientVerified: true,
    clientName: clean(name, NAME_MAX),
    clientTrusted: ca !== '' && (names.length === 0 || names.includes(shown)),
    clientRelays: ca === '' ? relayFor.map(({ certificate }) => certificate).filter((one) => one === shown) : [],
  };
}

const bears = (shown: X509Certificate, name: string): boolean =>
  shown.checkHost(name, { subject: 'default', wildcards: true }) !== undefined || nameOf(shown).toLowerCase() === name;

const inTime = ({ validFromDate, validToDate }: X509Certificate, now: Timestamp): boolean =>
  validFromDate.getTime() <= now && now <= validToDate.getTime();

/** The first name of a host in it, else its common name; bounded, as others wrote it. */
function nameOf(shown: X509Certificate): string {
  const host = /(?:^|, )DNS:([^,"]+)/.exec(shown.subjectAltName ?? '')?.[1];
  const common = /^CN=(.*)$/m.exec(shown.subject)?.[1];
  return clean(host ?? common ?? '', NAME_MAX);
}

const NAME_MAX = 200;
