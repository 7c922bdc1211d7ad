/** What a private key must be before mail is signed with it: asked when it loads and whenever its file changes. */
import { RSA_BITS_LEAST } from './certificate-pair.ts';

export type SigningAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

export interface KeyFacts {
  /** Undefined: a key of another kind, with which nobody signs mail (RFC 8301, RFC 8463). */
  readonly algorithm: SigningAlgorithm | undefined;
  /** Of an RSA key, else undefined. */
  readonly rsaBits: number | undefined;
  /** The public half as its record says it after `p=` (RFC 6376 §3.6.1, RFC 8463 §4.2); '' for a key of another kind. */
  readonly published: string;
}

/** `unread`: nobody asked for it to be read. Nothing of a private key stands in it. */
export type KeyReading =
  | { readonly kind: 'read'; readonly facts: KeyFacts }
  | { readonly kind: 'failed'; readonly absent: boolean; readonly why: string; readonly remedy: string }
  | { readonly kind: 'unread' };

export interface KeyFault {
  readonly why: string;
  readonly remedy: string;
}

export function keyFault(reading: KeyReading): KeyFault | undefined {
  switch (reading.kind) {
    case 'unread':
      return undefined;
    case 'failed':
      return reading;
    case 'read': {
      const { algorithm, rsaBits } = reading.facts;
      if (algorithm === undefined)
        return { why: 'it is a key of a kind that does not sign mail', remedy: 'make one: postern dkim create DOMAIN' };
      // RFC 8301 §3.2 has signers use 2048; verifiers need not look at more than 4096, and some do not.
      if (rsaBits !== undefined && (rsaBits < RSA_BITS_LEAST || rsaBits > RSA_BITS_MOST))
        return {
          why: `its RSA key has ${rsaBits} bits`,
          remedy: `expected ${RSA_BITS_LEAST} to ${RSA_BITS_MOST}: postern dkim create DOMAIN makes one`,
        };
      return undefined;
    }
  }
}

/** RFC 6376 §3.3.3: verifiers must take up to 2048, and beyond 4096 few do. */
export const RSA_BITS_MOST = 4096;
