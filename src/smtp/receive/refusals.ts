/** What the wire refuses by itself: a reason for the record, a reply for the peer. The only list of them. */
import type { Reply } from '../../mail/reply.ts';

interface Refusal {
  readonly reply: Reply;
  /** The connection ends with the reply. */
  readonly close: boolean;
}

const refusal = (code: number, enhanced: string, text: string, close = false): Refusal => ({
  reply: { code, enhanced, text },
  close,
});

/** By reason, the word after `builtin:`. Texts are for the peer: what is wrong and how to mend it. */
export const WIRE_REFUSALS = {
  'unknown-command': refusal(500, '5.5.2', 'command not recognized'),
  'http-request': refusal(500, '5.5.2', 'this is SMTP', true),
  'not-implemented': refusal(502, '5.5.1', 'command not implemented'),
  syntax: refusal(501, '5.5.4', 'syntax error in arguments'),
  'command-too-long': refusal(500, '5.5.2', 'command line too long (RFC 5321 section 4.5.3.1.4)', true),
  // Closing is the one answer that does not depend on how the octets fell into segments.
  'bare-newline-command': refusal(
    500,
    '5.5.2',
    'bare CR or LF in a command, end lines with CR LF (RFC 5321 section 2.3.8)',
    true,
  ),
  'control-character': refusal(500, '5.5.2', 'control character in a command'),
  'not-utf8': refusal(500, '5.5.2', 'command is not valid UTF-8'),
  'bad-sequence': refusal(503, '5.5.1', 'bad sequence of commands'),
  'tls-required': refusal(530, '5.7.0', 'send STARTTLS first'), // RFC 3207 §4
  'auth-required': refusal(530, '5.7.0', 'log in first (AUTH)'), // RFC 4954 §6
  'auth-needs-tls': refusal(538, '5.7.11', 'passwords are taken over TLS only, send STARTTLS first'), // RFC 4954 §6
  'auth-mechanism': refusal(504, '5.5.4', 'this mechanism is not offered'), // RFC 4954 §4
  'auth-sequence': refusal(503, '5.5.1', 'AUTH stands once, and not within a transaction'), // RFC 4954 §4
  'auth-syntax': refusal(501, '5.5.2', 'the response is no base64 or no answer to what was asked'), // RFC 4954 §4
  'auth-cancelled': refusal(501, '5.7.0', 'cancelled as you wish'), // RFC 4954 §4
  'bad-sender': refusal(501, '5.1.7', 'bad sender address syntax'),
  'bad-recipient': refusal(501, '5.1.3', 'bad recipient address syntax'),
  'needs-smtputf8': refusal(553, '5.6.7', 'an address beyond ASCII needs SMTPUTF8 (RFC 6531)'), // RFC 6531 §3.5
  'unknown-parameter': refusal(555, '5.5.4', 'parameter not recognized'), // RFC 5321 §4.1.1.11
  binarymime: refusal(501, '5.5.4', 'BINARYMIME is not taken, send 8BITMIME or 7BIT'),
  'too-many-recipients': refusal(452, '4.5.3', 'too many recipients, send the rest in another transaction'), // RFC 5321 §4.5.3.1.10
  'no-recipients': refusal(554, '5.5.1', 'no valid recipients'), // RFC 5321 §3.3
  'early-data': refusal(
    503,
    '5.5.0',
    'message sent before 354, wait for the reply to DATA (RFC 2920 section 3.1)',
    true,
  ),
  'bad-chunk': refusal(501, '5.5.4', 'write BDAT octets [LAST], as nobody knows where this chunk ends, closing', true),
  'too-large': refusal(552, '5.3.4', 'message too large'), // RFC 1870 §6.1
  'no-room': refusal(452, '4.3.1', 'no room for the message now, please try again later'), // RFC 1870 §6.1
  'header-too-large': refusal(552, '5.3.4', 'header section too large'),
  'too-many-header-lines': refusal(552, '5.3.4', 'the header section has too many lines'),
  'header-field-too-large': refusal(552, '5.3.4', 'a header field is too large'),
  // Never folded instead: signatures would break.
  'line-too-long': refusal(552, '5.3.4', 'a line of the message is too long, encode it (RFC 2045 section 6.7 or 6.8)'),
  'bare-newline': refusal(550, '5.6.0', 'message holds a bare CR or LF, end lines with CR LF (RFC 5321 section 2.3.8)'),
  'nul-octet': refusal(550, '5.6.0', 'message holds a NUL octet (RFC 2045 section 2.8)'),
  'too-many-errors': refusal(421, '4.7.0', 'too many errors, closing', true),
  'too-many-transactions': refusal(421, '4.7.0', 'too many messages in one session, please open another', true), // RFC 9422 §4.1
  'too-many-commands': refusal(421, '4.7.0', 'too many commands without a message, closing', true),
  'too-many-in-all': refusal(421, '4.7.0', 'too many commands in one session, please connect again', true),
  'too-many-refused': refusal(421, '4.7.0', 'too many recipients were refused, closing', true),
  'greeting-refused': refusal(503, '5.5.1', 'this session was refused at its greeting, send QUIT'), // RFC 5321 §3.1
  'xclient-refused': refusal(550, '5.7.0', 'XCLIENT is not for you'),
  'proxy-required': refusal(421, '4.3.2', 'this port is reached through its balancer only, closing', true),
  timeout: refusal(421, '4.4.2', 'timeout, closing', true),
  'too-slow': refusal(421, '4.4.2', 'the message comes too slowly, closing', true),
  'session-too-long': refusal(421, '4.4.2', 'session lasted too long, closing', true),
  'shutting-down': refusal(421, '4.3.2', 'shutting down, please try again', true),
  // At connect, before there is a session (RFC 3463: X.3.2 is ours, X.7.0 theirs).
  'too-busy': refusal(421, '4.3.2', 'too busy, please try again later', true),
  'network-sessions': refusal(421, '4.7.0', 'too many connections from your network, please try again later', true),
  'network-rate': refusal(421, '4.7.0', 'too many new connections from your network, please try again later', true),
  'internal-error': refusal(421, '4.3.0', 'internal trouble, please try again', true),
} as const satisfies { readonly [reason: string]: Refusal };

export type WireReason = keyof typeof WIRE_REFUSALS;
