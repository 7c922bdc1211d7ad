/** TLSA records of our MX names (RFC 7672) held against the certificate that is shown. */
import { DANE_EE, DANE_TA, type TlsaRecord, tlsaData } from '../../smtp/send/tlsa.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import { leftAlone, look } from './listeners.ts';
import { mxNames } from './names.ts';
import { ask, type Practice, recordsOf, trouble } from './practice.ts';

export async function examineTlsa(practice: Practice): Promise<readonly Finding[]> {
  const names = await mxNames(practice);
  return (await Promise.all(names.map((name) => examineName(practice, name)))).flat();
}

async function examineName(practice: Practice, name: string): Promise<readonly Finding[]> {
  const answer = await ask(practice, `_25._tcp.${name}`, 'TLSA');
  if (answer.kind === 'failed')
    return [
      // Senders who keep to DANE put their mail off (RFC 7672 §2.1.1).
      warning('tlsa', trouble(answer), 'while it fails, senders who keep to DANE wait: does the zone validate?'),
    ];
  const records = recordsOf(answer, 'TLSA');
  if (records.length === 0) return [info('tlsa', `${name} has none: senders are free to encrypt or not`)];
  const findings: Finding[] = [];
  if (!answer.secure)
    findings.push(
      warning(
        'tlsa',
        `${name}: the answer is not signed (no AD), so that nobody heeds it`,
        'sign the zone with DNSSEC, and ask a resolver that validates',
      ),
    );
  const listener =
    practice.installation.listeners.find((one) => one.port === 25 && usable(practice, one)) ??
    practice.installation.listeners.find((one) => usable(practice, one));
  const came = listener && (await look(practice, listener, name));
  if (came?.kind !== 'shown') {
    const why = came === undefined ? 'no listener of ours can be looked at' : sayWhy(came);
    const saw = `${name} has TLSA records, not compared: ${why}`;
    const remedy = 'whoever keeps to DANE sends nothing without STARTTLS: see the listener, or take the records away';
    return [...findings, (came?.kind === 'plain' ? problem : warning)('tlsa', saw, remedy)];
  }
  return [...findings, ...compare(name, records, came.certificates.chain)];
}

const usable = (practice: Practice, listener: Parameters<typeof look>[1]): boolean =>
  listener.tls !== 'implicit' && leftAlone(practice, listener) === '';

const sayWhy = (came: { readonly kind: 'plain' } | { readonly kind: 'failed'; readonly why: string }): string =>
  came.kind === 'plain' ? 'STARTTLS is not offered' : came.why;

/** One that matches is enough (RFC 7671 §8): others may be those of the next key. */
export function compare(
  name: string,
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
): readonly Finding[] {
  const told = records.map((record) => ({ record, came: matches(record, chain) }));
  const say = (came: Match): string =>
    told
      .filter((one) => one.came === came)
      .map(({ record: { usage, selector, matching } }) => `${usage} ${selector} ${matching}`)
      .join(', ');
  const [yes, no, unknown] = [say('yes'), say('no'), say('not compared')];
  const open = unknown === '' ? [] : [info('tlsa', `${name}: not compared: ${unknown}`, NOT_COMPARED)];
  if (yes !== '')
    return [ok('tlsa', `${name}: ${yes} fits what is shown${no === '' ? '' : `; not ${no}, of another key`}`), ...open];
  if (no === '') return open;
  return [
    (unknown === '' ? problem : warning)(
      'tlsa',
      `${name}: ${no} does not fit the certificate that is shown`,
      'publish `3 1 1` of the key in use; publish the next key before it is used (RFC 7671 §8.1)',
    ),
    ...open,
  ];
}

const NOT_COMPARED = 'usage 2 wants the issuer in the chain; 0 and 1 count for nothing on port 25: publish `3 1 1`';

type Match = 'yes' | 'no' | 'not compared';

function matches({ usage, selector, matching, data }: TlsaRecord, chain: readonly Uint8Array[]): Match {
  const [server, ...issuers] = chain;
  if (server === undefined) return 'no';
  if (usage !== DANE_EE && usage !== DANE_TA) return 'not compared';
  if (usage === DANE_TA && issuers.length === 0) return 'not compared';
  if (selector > 1 || matching > 2) return 'not compared';
  const candidates = usage === DANE_EE ? [server] : issuers;
  return candidates.some((der) => tlsaData(der, selector, matching) === data.toLowerCase()) ? 'yes' : 'no';
}
