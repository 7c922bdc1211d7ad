/** What the listings of archives have in common. */
import { extensionOf } from './file-name.ts';
import type { Archive, ArchiveEntry } from './inside.ts';

/** A listing in the making. */
export interface Listing {
  write(octets: Uint8Array): void;
  end(): Omit<Archive, 'format'>;
}

/** Names that are listed; of those beyond only the endings are read. */
export const ENTRIES_MAX = 1000;
const BEYOND_MAX = 10_000;
const ENDINGS_MAX = 300;
/** Octets of a name that show its ending. */
const ENDING_OCTETS = 80;

/** What a listing has found so far. */
export class Names {
  readonly entries: ArchiveEntry[] = [];
  readonly #endings = new Set<string>();
  #beyond = 0;
  /** Names were not read. */
  cut = false;

  get full(): boolean {
    return this.entries.length >= ENTRIES_MAX;
  }

  /** More than is listed. */
  get more(): boolean {
    return this.#beyond > 0 || this.cut;
  }

  get extensions(): readonly string[] {
    return [...this.#endings];
  }

  add(entry: ArchiveEntry): void {
    this.ending(extensionOf(entry.name));
    if (this.full) this.#beyond++;
    else this.entries.push(entry);
  }

  /** A name beyond those that are listed. */
  beyond(name: Uint8Array): void {
    if (++this.#beyond > BEYOND_MAX) this.cut = true;
    else for (const one of entryNames(name.subarray(-ENDING_OCTETS))) this.ending(extensionOf(one));
  }

  ending(extension: string): void {
    if (extension === '' || this.#endings.has(extension)) return;
    if (this.#endings.size < ENDINGS_MAX) this.#endings.add(extension);
    else this.cut = true;
  }
}

/** As it stands, and as those read it to whom NUL ends a name. */
export function entryNames(octets: Uint8Array): readonly string[] {
  const nul = octets.indexOf(0);
  const whole = entryName(octets);
  return nul <= 0 ? [whole] : [whole, entryName(octets.subarray(0, nul))];
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
  // Blanks at the end are dropped where it is unpacked.
  return read.replace(INVISIBLE, '').trimEnd().slice(-ENTRY_NAME_MAX);
}
