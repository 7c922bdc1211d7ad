/** The header section of a message: fields with their places, unfolded and decoded values. Reads octets as they are, never repairs. */

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
  /** Lines that are neither a field nor a continuation. */
  readonly flaws: readonly string[];
}

/** Parses up to the blank line (or the end). */
export function parseHeaderSection(_octets: Uint8Array): HeaderSection {
  throw new Error('to come');
}
/** RFC 2047 encoded words decoded; what cannot be decoded stays as it is. */
export function decodeWords(_value: string): string {
  throw new Error('to come');
}
/** The addresses of an address-list field (RFC 5322 §3.4), groups flattened. Bad parts give no address. */
export function parseAddressList(
  _value: string,
): readonly { readonly display: string; readonly address: string; readonly domain: string }[] {
  throw new Error('to come');
}
/** A field folded at white space to at most 78 columns where it can be (RFC 5322 §2.1.1); no final CRLF. */
export function foldField(_name: string, _value: string): string {
  throw new Error('to come');
}
