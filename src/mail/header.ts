/** The header section of a message: fields with their places and unfolded values. Reads octets as they are, never repairs. */

/**
 * The most a header section may take, however it came: what everybody reads, verifies and edits of a message. Real mail
 * stays under 64 KiB; `limits.header` may ask for less, never for more.
 */
export const HEADER_OCTETS_MAX = 128 * 1024;

/**
 * The most lines a header section may have, however it came: what reads it by lines may take the square of their number. A
 * thousand recipients, one a line, fit; `limits.header_lines` may ask for less, never for more.
 */
export const HEADER_LINES_MAX = 2000;

export interface HeaderField {
  /** As written; compare in lower case. */
  readonly name: string;
  /** Octets of the section: `[start, end)` with the final CRLF. */
  readonly start: number;
  readonly end: number;
  /** The value unfolded (CRLF removed before white space, RFC 5322 §2.2.3) and trimmed; octets above 127 as UTF-8, else Latin-1. */
  readonly value: string;
}

export interface HeaderSection {
  readonly fields: readonly HeaderField[];
  /** Octets of the section with its blank line; the body starts there. */
  readonly length: number;
  /** Stretches that are no field: lines without a name, with what is folded beneath them. Others may read fields out of them. */
  readonly strays: readonly Omit<HeaderField, 'name'>[];
  /** What is wrong with it, in words. */
  readonly flaws: readonly string[];
}

const FLAWS_MAX = 10; // enough to tell a person what is wrong; a body taken for a header would give thousands
const CR = 13;
const LF = 10;

/** Parses up to the blank line (or the end). */
export function parseHeaderSection(octets: Uint8Array): HeaderSection {
  const fields: HeaderField[] = [];
  const strays: Omit<HeaderField, 'name'>[] = [];
  const flaws: string[] = [];
  const flaw = (what: string): void => {
    if (flaws.length < FLAWS_MAX) flaws.push(what);
  };
  const text = latin1.decode(octets);
  let start = 0;
  let line = 0;
  while (start < octets.length) {
    const end = fieldEnd(octets, start);
    if (isBlank(octets, start)) return { fields, strays, length: lineEnd(octets, start), flaws };
    line++;
    const field = readField(octets, text, start, end);
    if (field === undefined) {
      strays.push({ start, end, value: readValue(octets, text, start, end) });
      flaw(`line ${line} is neither a field nor a continuation`);
    } else {
      fields.push(field);
      if (field.value.includes('\n') || field.value.includes('\r')) flaw(`${field.name} holds a bare CR or LF`);
    }
    for (let at = start; at < end - 1; at++) if (octets[at] === LF) line++;
    start = end;
  }
  return { fields, strays, length: octets.length, flaws };
}

/** A field folded at white space to at most 78 columns where it can be (RFC 5322 §2.1.1); no final CRLF. */
export function foldField(name: string, value: string): string {
  // A line break from outside would start a field of its own.
  const words = value
    .replace(/[\r\n\0]+/g, ' ')
    .trim()
    .split(/(?=[ \t])/);
  let folded = '';
  let line = `${name}:`;
  words.forEach((word, index) => {
    const piece = index === 0 ? ` ${word}` : word;
    // The first word stays beside the name: a line of white space alone is obsolete (RFC 5322 §4.2).
    if (index > 0 && line.length + piece.length > FOLD_AT && piece.trim() !== '') {
      folded += `${line}\r\n`;
      line = '';
    }
    line += piece;
  });
  return folded + line;
}

const FOLD_AT = 78; // RFC 5322 §2.1.1

/** The octet after a line's LF, or the end. */
function lineEnd(octets: Uint8Array, start: number): number {
  const end = octets.indexOf(LF, start);
  return end < 0 ? octets.length : end + 1;
}

/** The octet after a field's last line: those that follow and start with white space belong to it. */
function fieldEnd(octets: Uint8Array, start: number): number {
  let end = lineEnd(octets, start);
  while (octets[end] === 32 || octets[end] === 9) end = lineEnd(octets, end);
  return end;
}

const isBlank = (octets: Uint8Array, start: number): boolean =>
  octets[start] === LF || (octets[start] === CR && octets[start + 1] === LF);

function readField(octets: Uint8Array, text: string, start: number, end: number): HeaderField | undefined {
  let colon = start;
  // ftext is printable ASCII without the colon (RFC 5322 §3.6.8).
  while (colon < end && octets[colon]! > 32 && octets[colon]! < 127 && octets[colon] !== 58) colon++;
  const nameEnd = colon;
  // White space before the colon is obsolete, and still a field (RFC 5322 §4.5).
  while (octets[colon] === 32 || octets[colon] === 9) colon++;
  if (nameEnd === start || octets[colon] !== 58) return undefined;
  return { name: text.slice(start, nameEnd), start, end, value: readValue(octets, text, colon + 1, end) };
}

function readValue(octets: Uint8Array, text: string, start: number, end: number): string {
  const ascii = !hasHighOctet(octets, start, end);
  const raw = ascii ? text.slice(start, end) : decodeOctets(octets.subarray(start, end));
  const oneLine = octets.indexOf(LF, start) >= end - 1;
  return trimBlanks(oneLine ? raw.replace(/\r?\n$/, '') : raw.replace(/\r?\n(?=[ \t]|$)/g, ''));
}

/** One octet, one character: indices are octets, and it is right for all fields without octets above 127. */
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeOctets(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    // Not UTF-8: shown octet by octet. The label latin1 would be windows-1252, which moves 0x80 to 0x9f.
    return Array.from(octets, (octet) => String.fromCharCode(octet)).join('');
  }
}

function hasHighOctet(octets: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (octets[at]! > 127) return true;
  return false;
}

/** Spaces and tabs alone: what other white space stands in a value is part of it. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && (text[start] === ' ' || text[start] === '\t')) start++;
  while (end > start && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text.slice(start, end);
}
