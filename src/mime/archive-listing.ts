/** What the listings of archives have in common. */
import type { Archive } from './inside.ts';

/** A listing in the making. */
export interface Listing {
  write(octets: Uint8Array): void;
  end(): Pick<Archive, 'encrypted' | 'entries' | 'partial'>;
}

const ENTRY_NAME_MAX = 200;
const INVISIBLE = /[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Of a long name the end: it says what it is. */
export function entryName(octets: Uint8Array): string {
  let from = Math.max(0, octets.length - 4 * ENTRY_NAME_MAX);
  // Not in the middle of a character of UTF-8.
  while (from > 0 && from < octets.length && (octets[from]! & 0xc0) === 0x80) from++;
  const bytes = Buffer.from(octets.subarray(from));
  const text = bytes.toString('utf8');
  const read = text.includes('\ufffd') ? bytes.toString('latin1') : text;
  return read.replace(INVISIBLE, '').slice(-ENTRY_NAME_MAX);
}
