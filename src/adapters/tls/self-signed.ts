/** A certificate that nobody vouches for: enough for senders who encrypt without asking whom they speak to (RFC 7435). */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { days, minutes, type Timestamp } from '../../mail/time.ts';
import {
  bitString,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  TRUE,
  tagged,
  time,
  utf8String,
} from './der.ts';

/** Senders do not look at it, so that nothing is won by a short life. */
const LIFE = days(3650);
const RENEW = days(30);

/**
 * Sees that `file` holds a key and a certificate for `hostname`, both in PEM, for a month at least. Threads and processes may
 * do so at once: all end with the same one.
 */
export function keepSelfSigned(file: string, hostname: string, now: Timestamp): 'kept' | 'made' {
  const held = standing(file, hostname, now);
  if (held === 'good') return 'kept';
  const aside = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  writeFileSync(aside, selfSigned(hostname, now), { mode: 0o600, flag: 'wx' });
  try {
    if (held === 'other') renameSync(aside, file);
    else linkSync(aside, file);
    return 'made';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'kept';
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function standing(file: string, hostname: string, now: Timestamp): 'good' | 'other' | 'missing' {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
    throw error;
  }
  try {
    const held = new X509Certificate(text);
    const lasts = held.validToDate.getTime() - now > RENEW;
    return lasts && held.checkHost(hostname) !== undefined ? 'good' : 'other';
  } catch {
    // Whatever it is, it is no certificate: one that works takes its place.
    return 'other';
  }
}

/** Key and certificate in one text, so that no reader ever sees one without the other. */
export function selfSigned(hostname: string, now: Timestamp): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = signed(unsigned(hostname, publicKey, now), privateKey);
  const lines = Buffer.from(certificate).toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `${privateKey.export({ type: 'pkcs8', format: 'pem' })}-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2')); // RFC 5758 §3.2

const signed = (body: Uint8Array, key: KeyObject): Uint8Array =>
  sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, key)));

/** TBSCertificate (RFC 5280 §4.1). */
function unsigned(hostname: string, key: KeyObject, now: Timestamp): Uint8Array {
  const name = subject(hostname);
  const serial = randomBytes(16);
  serial[0]! |= 0x40; // positive, and never begins with a zero (RFC 5280 §4.1.2.2)
  serial[0]! &= 0x7f;
  return sequence(
    tagged(0xa0, integer(Buffer.of(2))), // version 3
    integer(serial),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(now - minutes(60)), time(now + LIFE)), // an hour for clocks that are behind
    name,
    key.export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        extension('2.5.29.17', sequence(tagged(0x82, Buffer.from(hostname, 'latin1')))), // subjectAltName, dNSName
        extension('2.5.29.19', sequence(), TRUE), // basicConstraints: no authority
        extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // extKeyUsage: serverAuth
      ),
    ),
  );
}

/** A common name holds 64 characters at most (RFC 5280 appendix A.1); nobody reads it for a host's name (RFC 9525 §2). */
const subject = (hostname: string): Uint8Array =>
  sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(hostname.length <= 64 ? hostname : 'Postern'))));

const extension = (id: string, value: Uint8Array, ...critical: readonly Uint8Array[]): Uint8Array =>
  sequence(objectIdentifier(id), ...critical, octetString(value));
