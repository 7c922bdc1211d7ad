/** What a client owes before it may send, by what its listener demands: TLS first (RFC 3207 §4), then a login (RFC 4954 §6). */
import type { WireReason } from './refusals.ts';

export interface Demands {
  readonly tls: boolean;
  readonly login: boolean;
}

/** `client`: what it has shown so far. */
export function owedBefore(verb: string, demands: Demands, client: Demands): WireReason | undefined {
  if (NEEDS_TLS.has(verb) && demands.tls && !client.tls) return 'tls-required';
  return verb === 'MAIL' && demands.login && !client.login ? 'auth-required' : undefined;
}

/** Of what RFC 3207 §4 refuses before STARTTLS, all that takes or tells something. */
const NEEDS_TLS: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN', 'AUTH', 'ETRN']);
