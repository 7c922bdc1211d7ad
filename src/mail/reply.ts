/** An SMTP reply: a code, an enhanced status code and a text (RFC 5321 §4.2, RFC 3463). */

export interface Reply {
  /** Three digits, 200 to 599. */
  readonly code: number;
  /** RFC 3463 `class.subject.detail`, or '' where none belongs (the greeting, EHLO, 354: RFC 2034 §4). */
  readonly enhanced: string;
  /** Plain text of one or more lines; cleaned and bounded only when it is written. */
  readonly text: string;
}

/**
 * The lines of a reply as they go on the wire, each at most 512 octets with its CRLF (RFC 5321 §4.5.3.1.5), the enhanced
 * code on each (RFC 2034 §4), control characters and anything beyond printable ASCII replaced.
 */
export function formatReply(_reply: Reply): string {
  throw new Error('to come');
}
/** `550 5.7.1 text` from a peer's lines: code, enhanced code where there is one, text joined. Bounded. */
export function parseReply(_lines: readonly string[]): Reply {
  throw new Error('to come');
}
/** Text from outside made safe to stand in a reply, a log line or a terminal: control characters shown as `\x1b`, at most `limit` characters. */
export function clean(_text: string, _limit: number): string {
  throw new Error('to come');
}
