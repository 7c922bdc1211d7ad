/** Certificates held against TLSA records (RFC 6698, RFC 7672): does what a host shows fit what its zone says? */
import { createHash, X509Certificate } from 'node:crypto';

export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  /** Lower-case hex. */
  readonly data: string;
}

/** DANE-TA and DANE-EE: the others count for nothing on port 25 (RFC 7672 §3.1.3). */
export const DANE_TA = 2;
export const DANE_EE = 3;

/** One that can be compared; what is not is as if it were not there (RFC 7672 §2.2). */
export const isUsable = ({ usage, selector, matching, data }: TlsaRecord): boolean =>
  (usage === DANE_TA || usage === DANE_EE) &&
  selector <= 1 &&
  matching <= 2 &&
  data.length === (LENGTHS[matching] ?? data.length);

/** Hex digits of SHA-256 and SHA-512. */
const LENGTHS: { readonly [matching: number]: number } = { 1: 64, 2: 128 };

/** What a record has to say of this certificate (RFC 6698 §2.1.2 and §2.1.3), lower-case hex. */
export function tlsaData(der: Uint8Array, selector: number, matching: number): string {
  const selected = selector === 0 ? der : new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
  if (matching === 0) return Buffer.from(selected).toString('hex');
  return createHash(matching === 1 ? 'sha256' : 'sha512')
    .update(selected)
    .digest('hex');
}

/**
 * Why the chain, server first, fits none of the records; '' where one does. DANE-EE asks for nothing but the key: names and
 * times do not count (RFC 7672 §3.1.1). DANE-TA asks for a chain up to that issuer, valid `at`, and one of the names (§3.1.2).
 */
export function daneDistrust(
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
  names: readonly string[],
  at: number,
): string {
  const [server] = chain;
  if (server === undefined) return 'no certificate was shown';
  const fits = (der: Uint8Array, usage: number): boolean =>
    records.some(
      (record) =>
        record.usage === usage && tlsaData(der, record.selector, record.matching) === record.data.toLowerCase(),
    );
  if (fits(server, DANE_EE)) return '';
  const anchor = chain.findIndex((der) => fits(der, DANE_TA));
  if (anchor < 0) return 'the certificate fits none of the TLSA records';
  const certificates = chain.slice(0, anchor + 1).map((der) => new X509Certificate(der));
  for (const [n, certificate] of certificates.entries()) {
    if (at < Date.parse(certificate.validFrom) || at > Date.parse(certificate.validTo))
      return 'a certificate of the chain is not valid now';
    const issuer = certificates[n + 1];
    if (issuer === undefined) break;
    if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey))
      return 'the chain does not lead to the issuer that the TLSA records name';
  }
  // The anchor itself may be the server's own certificate; its name counts all the same.
  return names.some((name) => certificates[0]!.checkHost(name, { subject: 'never' }) !== undefined)
    ? ''
    : `the certificate is not for ${names.join(' or ')}`;
}
