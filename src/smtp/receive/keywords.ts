/** What EHLO offers (RFC 5321 §4.1.1.1): our own table, so that nothing is offered that we do not keep. */
import type { Offers } from './parameters.ts';
import { XCLIENT_ATTRIBUTES } from './xclient.ts';

export interface KeywordState extends Omit<Offers, 'auth'> {
  readonly messageBytes: number;
  readonly recipients: number;
  readonly transactions: number;
  /** A TLS context is there and the session is not encrypted yet (RFC 3207 §4.2: not offered again). */
  readonly startTls: boolean;
  readonly xclient: boolean;
  /** None: nobody may log in now. */
  readonly mechanisms: readonly string[];
}

export function keywords(state: KeywordState): string[] {
  return [
    'PIPELINING', // RFC 2920
    `SIZE ${state.messageBytes}`, // RFC 1870
    '8BITMIME', // RFC 6152
    'ENHANCEDSTATUSCODES', // RFC 2034
    'CHUNKING', // RFC 3030; BINARYMIME never: no next hop could be spoken to by DATA then
    `LIMITS RCPTMAX=${state.recipients} MAILMAX=${state.transactions}`, // RFC 9422: what we do enforce, and no more
    ...(state.smtpUtf8 ? ['SMTPUTF8'] : []), // RFC 6531
    ...(state.dsn ? ['DSN'] : []), // RFC 3461
    ...(state.requireTls ? ['REQUIRETLS'] : []), // RFC 8689
    ...(state.startTls ? ['STARTTLS'] : []), // RFC 3207
    ...(state.mechanisms.length > 0 ? [`AUTH ${state.mechanisms.join(' ')}`] : []), // RFC 4954
    ...(state.xclient ? [`XCLIENT ${XCLIENT_ATTRIBUTES}`] : []),
  ];
}
