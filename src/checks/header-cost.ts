/** What a header section would cost to verify, told before mailauth reads it: its parsing grows with the square of some counts. */
import { HEADER_LINES_MAX, HEADER_OCTETS_MAX, parseHeaderSection } from '../mail/header.ts';

/** Of a field that signs. Real ones take 1 KiB, with a copy of all they sign (`z=`) some 4. */
const SIGNATURE_OCTETS_MAX = 8 * 1024;
/** In such a field: each name in `h=` is looked for in the whole section. Real ones name some thirty, each twice. */
const SIGNATURE_COLONS_MAX = 300;
/** In such a field, line ends included: those who fold write eight or ten. */
const SIGNATURE_BLANKS_MAX = 200;
/** Of a field that mailauth takes apart whatever is signed: real ones take a few hundred. */
const READ_OCTETS_MAX = 16 * 1024;
const READ = new Set(['from', 'return-path', 'content-type']);
const SIGNING = new Set(['dkim-signature', 'arc-seal', 'arc-message-signature']);

/** Why signatures over this section are not verified; undefined when they may be. */
export function unverifiable(header: Uint8Array): string | undefined {
  if (header.length >= HEADER_OCTETS_MAX) return `the header section takes ${HEADER_OCTETS_MAX} octets or more`;
  if (countOf(header, LF) > HEADER_LINES_MAX) return `the header section has more than ${HEADER_LINES_MAX} lines`;
  const { fields, length } = parseHeaderSection(header);
  let from = 0;
  for (const { name, start, end } of fields) {
    // What is no field to us may be one to mailauth, or the rest of one.
    const why = tooMuch(header.subarray(from, start)) ?? tooMuchOf(name.toLowerCase(), header.subarray(start, end));
    if (why !== undefined) return why;
    from = end;
  }
  return tooMuch(header.subarray(from, length));
}

function tooMuchOf(name: string, field: Uint8Array): string | undefined {
  if (SIGNING.has(name)) return tooMuch(field);
  return READ.has(name) && field.length > READ_OCTETS_MAX
    ? `${name} takes more than ${READ_OCTETS_MAX} octets`
    : undefined;
}

function tooMuch(part: Uint8Array): string | undefined {
  if (part.length > SIGNATURE_OCTETS_MAX) return `a signature takes more than ${SIGNATURE_OCTETS_MAX} octets`;
  if (countOf(part, COLON) > SIGNATURE_COLONS_MAX) return `a signature has more than ${SIGNATURE_COLONS_MAX} colons`;
  let blanks = 0;
  for (const octet of part) {
    blanks = octet === SPACE || octet === TAB || octet === CR || octet === LF ? blanks + 1 : 0;
    if (blanks > SIGNATURE_BLANKS_MAX) return `a signature has more than ${SIGNATURE_BLANKS_MAX} blanks on end`;
  }
  return undefined;
}

function countOf(octets: Uint8Array, octet: number): number {
  let count = 0;
  for (let at = octets.indexOf(octet); at >= 0; at = octets.indexOf(octet, at + 1)) count++;
  return count;
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
