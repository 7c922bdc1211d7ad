/** What an exchange of AUTH is (RFC 4954 §4): what the client answers to what, until there is something to be checked. */
import type { Credentials, Mechanism } from './session.ts';

export type SaslStep =
  /** Octets for the client, who answers them. */
  | { readonly kind: 'challenge'; readonly octets: Uint8Array }
  | { readonly kind: 'proof'; readonly credentials: Credentials }
  /** The client does not keep to the mechanism. */
  | { readonly kind: 'bad'; readonly why: string };

export interface Exchange {
  readonly mechanism: Mechanism;
  /** The response that may stand beside AUTH: undefined where the client waits for us to begin. */
  begin(initial: Uint8Array | undefined): Promise<SaslStep>;
  next(response: Uint8Array): Promise<SaslStep>;
}

/** Undefined where it is no base64 (RFC 4648 §4): nothing is guessed. `=` alone is a response of nothing (RFC 4954 §4). */
export function readResponse(text: string): Uint8Array | undefined {
  if (text === '=' || text === '') return new Uint8Array();
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}
