/** An SMTP reply: a code, an enhanced status code and a text (RFC 5321 §4.2, RFC 3463). */

export interface Reply {
  /** Three digits, 200 to 599. */
  readonly code: number;
  /** RFC 3463 `class.subject.detail`, or '' where none belongs (the greeting, EHLO, 354: RFC 2034 §4). */
  readonly enhanced: string;
  /** Plain text of one or more lines; cleaned and bounded only when it is written. */
  readonly text: string;
}

const REPLY_LINE_MAX = 512; // octets with code and CRLF (RFC 5321 §4.5.3.1.5)
const REPLY_LINES_MAX = 50; // EHLO, the longest of ours, has about fifteen
const PEER_TEXT_MAX = 1000; // of a peer's reply: what fits a record and a DSN (RFC 3464 §2.3.6)

/**
 * The lines of a reply as they go on the wire, each at most 512 octets with its CRLF (RFC 5321 §4.5.3.1.5), the enhanced
 * code on each (RFC 2034 §4), control characters and anything beyond printable ASCII replaced.
 */
export function formatReply(reply: Reply): string {
  const prefix = reply.enhanced === '' ? '' : `${reply.enhanced} `;
  if (SIMPLE.test(reply.text)) return `${reply.code} ${prefix}${reply.text}\r\n`; // most are: nothing to split or clean
  const room = REPLY_LINE_MAX - 'nnn '.length - prefix.length - '\r\n'.length;
  const lines = reply.text
    .split(/\r\n|\r|\n/)
    .flatMap((line) => wrap(printable(line), room))
    .slice(0, REPLY_LINES_MAX);
  const last = lines.length - 1;
  return lines.map((line, index) => `${reply.code}${index < last ? '-' : ' '}${prefix}${line}\r\n`).join('');
}

/**
 * `550 5.7.1 text` from a peer's lines: code, enhanced code where there is one, text joined. Bounded. What is no reply
 * reads as 451, so that it is tried again, with a text that says so.
 */
export function parseReply(lines: readonly string[]): Reply {
  const code = /^([2-5]\d\d)(?:[ -]|$)/.exec(lines.at(-1) ?? '')?.[1];
  if (code === undefined)
    return { code: 451, enhanced: '', text: clean(`not a reply: ${lines.join(' ')}`, PEER_TEXT_MAX) };
  // The class of the enhanced code is the reply's first digit (RFC 2034 §4); any other is text.
  const enhancedCode = new RegExp(`^(${code[0]}\\.\\d{1,3}\\.\\d{1,3})(?: |$)`);
  let enhanced = '';
  const texts: string[] = [];
  for (const line of lines.slice(0, REPLY_LINES_MAX)) {
    const text = /^\d{3}(?:[ -]|$)/.test(line) ? line.slice(4) : line;
    const found = enhancedCode.exec(text);
    enhanced ||= found?.[1] ?? '';
    texts.push(found === null ? text : text.slice(found[0].length));
  }
  return { code: Number(code), enhanced, text: clean(texts.join(' ').trim(), PEER_TEXT_MAX) };
}

/**
 * Text from outside made safe to stand in a reply, a log line or a terminal: control characters shown as `\x1b`, those
 * that turn the direction of writing as `\u202e`; at most `limit` characters.
 */
export function clean(text: string, limit: number): string {
  const shown = text.slice(0, limit + 1).replace(UNSAFE, showUnsafe);
  return shown.length <= limit ? shown : `${shown.slice(0, Math.max(0, limit - CUT.length))}${CUT}`.slice(0, limit);
}

const CUT = '...';
/** C0, DEL, C1, bidirectional controls, line and paragraph separators, lone surrogates. */
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

const showUnsafe = (letter: string): string => {
  const code = letter.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** Fits a line whatever the enhanced code. */
const SIMPLE = /^[\x20-\x7e]{0,400}$/;
const printable = (line: string): string => line.replace(/\t/g, ' ').replace(/[^\x20-\x7e]/gu, '?');

/** Lines of at most `room` characters, cut between words where there are any. */
function wrap(line: string, room: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const blank = rest.lastIndexOf(' ', room);
    lines.push(rest.slice(0, blank > 0 ? blank : room));
    rest = rest.slice(blank > 0 ? blank + 1 : room);
  }
  return [...lines, rest];
}
