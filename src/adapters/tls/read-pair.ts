/** The one reader of keys: a certificate and its key from their files, as a TLS context and as what may be told of them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { type PairFacts, type PairFailure, RSA_BITS_LEAST } from '../../config/certificate-pair.ts';
import { serverName } from '../../config/server-name.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { ClientIdentity } from '../../ports/client-identity.ts';
import { secureContext } from './secure-context.ts';

export interface Pair {
  readonly kind: 'read';
  readonly facts: PairFacts;
  /** The certificate with its chain: tells one pair from the next. */
  readonly text: string;
  /** Undefined where the facts forbid one. */
  readonly context: SecureContext | undefined;
  /** The same for clients whose certificates this authority signs. */
  contextUnder(clientCa: string): SecureContext;
  readonly identity: ClientIdentity;
}

/** Never throws for what the files are. */
export function readPair(certificateFile: string, keyFile: string, now: Timestamp): Pair | PairFailure {
  const certificateText = textOf('certificate', certificateFile);
  if (certificateText.kind === 'failed') return certificateText;
  const keyText = textOf('key', keyFile);
  if (keyText.kind === 'failed') return keyText;
  const certificate = certificateOf(certificateText.text);
  if (certificate.kind === 'failed') return certificate;
  const key = keyOf(keyText.text);
  if (key.kind === 'failed') return key;
  const facts = factsOf(certificate.x509, key.key, keyText.exposed, now);
  const { text } = certificateText;
  const identity = { certificate: text, key: keyText.text };
  const contextUnder = (clientCa: string): SecureContext => secureContext(text, keyText.text, clientCa);
  if (!facts.keyMatches || (facts.rsaBits ?? RSA_BITS_LEAST) < RSA_BITS_LEAST)
    return { kind: 'read', facts, text, context: undefined, contextUnder, identity };
  try {
    return { kind: 'read', facts, text, context: secureContext(text, keyText.text), contextUnder, identity };
  } catch (error) {
    return failed(
      'certificate',
      `TLS does not take it: ${messageOf(error)}`,
      'have it issued anew, with an ECDSA key on P-256 or RSA of 2048 bits',
    );
  }
}

function factsOf(x509: X509Certificate, key: KeyObject, keyExposed: boolean, now: Timestamp): PairFacts {
  const notBefore = x509.validFromDate.getTime();
  const notAfter = x509.validToDate.getTime();
  return {
    names: dnsNames(x509.subjectAltName ?? ''),
    notBefore,
    notAfter,
    time: now < notBefore ? 'early' : now > notAfter ? 'expired' : 'valid',
    rsaBits: x509.publicKey.asymmetricKeyDetails?.modulusLength,
    keyMatches: x509.checkPrivateKey(key),
    keyExposed,
    // No list of purposes at all forbids none.
    forClients: x509.keyUsage === undefined || x509.keyUsage.some((oid) => FOR_CLIENTS.has(oid)),
  };
}

/** id-kp-clientAuth; anyExtendedKeyUsage. */
const FOR_CLIENTS: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']);

/** `DNS:a.test, IP Address:192.0.2.1`; a name with a comma in it stands in quotes, and is no host name. */
const dnsNames = (alternatives: string): string[] =>
  alternatives
    .replace(/"(?:\\.|[^"\\])*"/g, '')
    .split(', ')
    .filter((one) => one.startsWith('DNS:'))
    .flatMap((one) => serverName(one.slice('DNS:'.length)) ?? []);

/** No chain is longer; what is, is another file. */
const BYTES_MAX = 1024 * 1024;

type Text = { readonly kind: 'text'; readonly text: string; readonly exposed: boolean };

function textOf(file: PairFailure['file'], path: string): Text | PairFailure {
  try {
    const { size, mode } = statSync(path);
    if (size > BYTES_MAX) return failed(file, `${path} is larger than 1 MiB`, `name the file of the ${file}`);
    return { kind: 'text', text: readFileSync(path, 'latin1'), exposed: (mode & 0o007) !== 0 };
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
      case 'ENOTDIR':
        // In the place of its path the key itself may have been written.
        return failed(
          file,
          file === 'key' ? 'there is no such file' : `there is no file ${path}`,
          `name the file of the ${file}`,
        );
      case 'EACCES':
        return failed(file, `${path} may not be read by us`, 'give it to a group of ours: chgrp and chmod 640');
      default:
        return failed(file, `${path} cannot be read: ${messageOf(error)}`, `name the file of the ${file}`);
    }
  }
}

function certificateOf(text: string): { readonly kind: 'x509'; readonly x509: X509Certificate } | PairFailure {
  try {
    return { kind: 'x509', x509: new X509Certificate(text) };
  } catch {
    return failed(
      'certificate',
      'the file holds no certificate in PEM',
      'expected one that begins with -----BEGIN CERTIFICATE-----',
    );
  }
}

function keyOf(text: string): { readonly kind: 'key'; readonly key: KeyObject } | PairFailure {
  try {
    return { kind: 'key', key: createPrivateKey(text) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE')
      return failed('key', 'the key is encrypted', 'write it without a passphrase: openssl pkey -in KEY -out PLAIN');
    // What OpenSSL says of it is kept back: nothing of a key is told.
    return failed(
      'key',
      'the file holds no private key in PEM',
      'expected one that begins with -----BEGIN PRIVATE KEY-----',
    );
  }
}

const failed = (file: PairFailure['file'], why: string, remedy: string): PairFailure => ({
  kind: 'failed',
  file,
  why,
  remedy,
});
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
