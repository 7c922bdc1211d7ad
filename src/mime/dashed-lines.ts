/** Where lines begin that may be delimiters, and where the octets before them end (RFC 2046 §5.1.1). */

const LF = 10;
const CR = 13;
const DASH = 45;

export const begins = (octets: Uint8Array, at: number): boolean => octets[at] === DASH && octets[at + 1] === DASH;

const DELIMITER = Buffer.from('\n--');
/** Where the next line that begins with two dashes starts; negative: nowhere. */
export function after(octets: Buffer, from: number): number {
  const found = octets.indexOf(DELIMITER, from);
  return found < 0 ? -1 : found + 1;
}

/** The line break before a delimiter is the delimiter's (RFC 2046 §5.1.1). */
export function beforeBreak(octets: Uint8Array, at: number): number {
  if (octets[at - 1] !== LF) return at;
  return octets[at - 2] === CR ? at - 2 : at - 1;
}

/** All but a last line break, with one dash perhaps: a delimiter may follow it. */
export function safeEnd(octets: Uint8Array, from: number, lineStart: boolean): number {
  let end = octets.length;
  if (lineStart && end - from < 2 && (end === from || octets[from] === DASH)) return from;
  if (octets[end - 1] === DASH && octets[end - 2] === LF) end--;
  if (octets[end - 1] === LF) end--;
  if (octets[end - 1] === CR) end--;
  return Math.max(from, end);
}

export function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(0, end);
}

/** Octets that are no white space, to a number that is enough to know. */
export function countInk(octets: Uint8Array, most: number): number {
  let count = 0;
  for (let at = 0; at < octets.length && count <= most; at++) if (octets[at]! > 32) count++;
  return count;
}
