/** What a certificate and its key must be before a client is greeted with them: asked when they load and whenever they change. */
import { mailDate } from '../mail/date.ts';
import type { Timestamp } from '../mail/time.ts';
import { serverName, speaksFor } from './server-name.ts';

export interface PairFacts {
  /** DNS names of the certificate, as `serverName` writes them. What else names a subject counts for nothing (RFC 9525 §6.3). */
  readonly names: readonly string[];
  readonly notBefore: Timestamp;
  readonly notAfter: Timestamp;
  /** When it was read: before, within or after its time. */
  readonly time: 'early' | 'valid' | 'expired';
  /** Of an RSA key, else undefined. */
  readonly rsaBits: number | undefined;
  readonly keyMatches: boolean;
  /** Issued for clients (RFC 5280 §4.2.1.12), or for anything. */
  readonly forClients: boolean;
  /** Users who are neither its owner nor in its group may read the key. */
  readonly keyExposed: boolean;
}

export interface PairFailure {
  readonly kind: 'failed';
  readonly file: 'certificate' | 'key';
  readonly why: string;
  readonly remedy: string;
}

/** `unread`: nobody asked for it to be read. */
export type PairReading =
  | { readonly kind: 'read'; readonly facts: PairFacts }
  | PairFailure
  | { readonly kind: 'unread' };

export interface PairFault {
  readonly path: readonly (string | number)[];
  /** With a warning it may be greeted with where there is nothing better; it never takes the place of one that is sound. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

/** NIST SP 800-57 part 1: fewer bits have not been enough since 2013. */
export const RSA_BITS_LEAST = 2048;

/** `names` as written in `certificates:`. */
export function pairFaults(names: readonly string[], reading: PairReading): readonly PairFault[] {
  if (reading.kind === 'unread') return [];
  if (reading.kind === 'failed')
    return [{ path: [reading.file], severity: 'error', message: reading.why, remedy: reading.remedy }];
  const { facts } = reading;
  const faults: PairFault[] = [];
  const say = (path: PairFault['path'], message: string, remedy: string, severity: PairFault['severity'] = 'error') =>
    faults.push({ path, severity, message, remedy });
  if (facts.keyExposed) say(['key'], 'every user of this machine may read the key', 'chmod o-rwx it');
  if (!facts.keyMatches)
    say(
      ['key'],
      'the key does not belong to the certificate',
      'name the two files that were made together; the certificate of the server stands first in its file',
    );
  if (facts.rsaBits !== undefined && facts.rsaBits < RSA_BITS_LEAST)
    say(
      ['certificate'],
      `its RSA key has ${facts.rsaBits} bits`,
      `expected ${RSA_BITS_LEAST} or more, or an ECDSA key on P-256`,
    );
  for (const [n, written] of names.entries()) {
    const name = serverName(written);
    if (name !== undefined && !facts.names.some((one) => speaksFor(one, name)))
      say(['names', n], `the certificate does not speak for "${written}"`, sayNames(facts.names));
  }
  if (facts.time === 'expired')
    say(['certificate'], `it expired on ${mailDate(facts.notAfter)}`, 'renew it', 'warning');
  if (facts.time === 'early')
    say(['certificate'], `it is not valid before ${mailDate(facts.notBefore)}`, 'wait, or set the clock', 'warning');
  return faults;
}

const sayNames = (names: readonly string[]): string =>
  names.length === 0 ? 'its subjectAltName holds no DNS name' : `it speaks for ${names.slice(0, 20).join(', ')}`;
