/** The one reader of keys that sign mail: from their files, as keys and as what may be told of them. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyFacts, KeyReading, SigningAlgorithm } from '../../config/signing-key.ts';
import { readSecret } from '../files/secret-file.ts';

export interface KeyFile {
  readonly reading: KeyReading;
  /** Undefined where none could be read. */
  readonly key: KeyObject | undefined;
}

/** Never throws for what the file is. */
export function readSigningKey(path: string): KeyFile {
  const secret = readSecret(path);
  if (secret.kind === 'wrong') {
    const { why, remedy, absent = false } = secret;
    return { reading: { kind: 'failed', absent, why, remedy }, key: undefined };
  }
  try {
    const key = createPrivateKey(secret.text);
    return { reading: { kind: 'read', facts: factsOf(key) }, key };
  } catch {
    // What OpenSSL says of it is kept back: nothing of a key is told. It has several words for a passphrase it was not given.
    const encrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(secret.text);
    const why = encrypted ? 'the key is encrypted' : 'the file holds no private key in PEM';
    const remedy = encrypted
      ? 'write it without a passphrase: openssl pkey -in KEY -out PLAIN'
      : 'expected one that begins with -----BEGIN PRIVATE KEY-----: postern dkim create DOMAIN makes one';
    return { reading: { kind: 'failed', absent: false, why, remedy }, key: undefined };
  }
}

export function factsOf(key: KeyObject): KeyFacts {
  const algorithm = algorithmOf(key);
  const published = algorithm === undefined ? '' : publishedOf(createPublicKey(key), algorithm);
  return { algorithm, rsaBits: key.asymmetricKeyDetails?.modulusLength, published };
}

export function algorithmOf({ asymmetricKeyType }: KeyObject): SigningAlgorithm | undefined {
  if (asymmetricKeyType === 'rsa') return 'rsa-sha256';
  return asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : undefined;
}

/** Of an Ed25519 key its 32 octets alone (RFC 8463 §4.2), which end its DER form. */
function publishedOf(key: KeyObject, algorithm: SigningAlgorithm): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return (algorithm === 'rsa-sha256' ? der : der.subarray(-ED25519_OCTETS)).toString('base64');
}

const ED25519_OCTETS = 32;
