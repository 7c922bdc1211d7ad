/** What the listings of archives have in common. */
import type { Archive } from './inside.ts';

/** A listing in the making. */
export interface Listing {
  write(octets: Uint8Array): void;
  end(): Pick<Archive, 'encrypted' | 'entries' | 'partial'>;
}

const ENTRY_NAME_MAX = 200;
const INVISIBLE = /[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

export function entryName(octets: Uint8Array): string {
  const bytes = Buffer.from(octets.subarray(0, 4 * ENTRY_NAME_MAX));
  const text = bytes.toString('utf8');
  const read = text.includes('\ufffd') ? bytes.toString('latin1') : text;
  // The end says what it is.
  return read.replace(INVISIBLE, '').slice(-ENTRY_NAME_MAX);
}
