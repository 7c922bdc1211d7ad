/** The names in a zip archive: by its local headers as they come by, and by its central directory (APPNOTE 4.3). */
import { inflateRawSync } from 'node:zlib';
import { entryName, type Listing } from './archive-listing.ts';
import { extensionOf } from './file-name.ts';
import type { ArchiveEntry } from './inside.ts';

const ENTRIES_MAX = 1000;
/** The end of the archive is kept for the directory in it: ten thousand names. Taken in steps, so that little is copied. */
const TAIL_MAX = 1024 * 1024;
/** Archives within are opened to this depth, each to these octets packed and unpacked. */
const DEPTH_MAX = 3;
const PACKED_MAX = 256 * 1024;
const UNPACKED_MAX = 1024 * 1024;
/** What an attempt costs beside its octets. */
const ATTEMPT = 16 * 1024;
const NESTED: ReadonlySet<string> = new Set('zip jar docm xlsm pptm docx xlsx apk war'.split(' '));

const LOCAL = Buffer.from('PK\x03\x04', 'latin1');
const CENTRAL = Buffer.from('PK\x01\x02', 'latin1');
const END = Buffer.from('PK\x05\x06', 'latin1');
const STORED = 0;
const DEFLATED = 8;

/** What may still be unpacked, of all archives of a message. */
export interface Unpacking {
  left: number;
}

export class ZipListing implements Listing {
  readonly #tail = new Tail(TAIL_MAX);
  readonly #unpacking: Unpacking;
  readonly #depth: number;
  #found = false;
  macros = false;

  constructor(unpacking: Unpacking, depth = 1) {
    this.#unpacking = unpacking;
    this.#depth = depth;
  }

  get isZip(): boolean {
    return this.#found;
  }

  write(octets: Uint8Array): void {
    this.#tail.write(octets);
  }

  end(): ReturnType<Listing['end']> {
    const octets = this.#tail.octets();
    const entries: ArchiveEntry[] = [];
    let partial = false;
    const end = octets.lastIndexOf(END);
    const central = end < 0 ? [] : readCentral(octets);
    this.#found = end >= 0 && central.length > 0;
    const locals = readLocals(octets);
    const names = new Set(central.map(({ name }) => name));
    // Whoever unpacks by local headers sees what the directory does not name, and the other way round.
    const hidden = locals.filter(({ name }) => !names.has(name));
    if (this.#tail.cut && central.length === 0) partial = true;
    if (hidden.length > 0 || (end < 0 && octets.length > 0) || central.length + hidden.length === 0) partial = true;
    for (const entry of [...central, ...hidden]) {
      if (entries.length >= ENTRIES_MAX) {
        partial = true;
        break;
      }
      entries.push({ name: entry.name, size: entry.size, encrypted: entry.encrypted });
      if (/(?:^|\/)vbaproject\.bin$/i.test(entry.name) || /xl\/macrosheets\//i.test(entry.name)) this.macros = true;
    }
    for (const local of locals) {
      if (!NESTED.has(extensionOf(local.name)) || local.encrypted) continue;
      const within = this.#depth >= DEPTH_MAX ? undefined : unpacked(octets, local, this.#unpacking);
      if (within === undefined) {
        partial = true;
        continue;
      }
      const nested = new ZipListing(this.#unpacking, this.#depth + 1);
      nested.write(within);
      const listed = nested.end();
      this.macros ||= nested.macros;
      partial ||= listed.partial;
      for (const entry of listed.entries.slice(0, Math.max(0, ENTRIES_MAX - entries.length)))
        entries.push({ ...entry, name: `${local.name}/${entry.name}`.slice(-400) });
    }
    return { encrypted: entries.some(({ encrypted }) => encrypted), entries, partial };
  }
}

interface Named extends ArchiveEntry {
  readonly method: number;
  readonly packed: number;
  /** Where its octets begin; local headers only. */
  readonly at: number;
}

/** Bit 0: encrypted; bit 13: its names too; method 99: AES. */
const isEncrypted = (flags: number, method: number): boolean => (flags & 0x2001) !== 0 || method === 99;

function readCentral(octets: Buffer): readonly Named[] {
  const found: Named[] = [];
  for (let at = octets.indexOf(CENTRAL); at >= 0 && at + 46 <= octets.length; at = octets.indexOf(CENTRAL, at + 4)) {
    const length = octets.readUInt16LE(at + 28);
    const method = octets.readUInt16LE(at + 10);
    if (length === 0 || at + 46 + length > octets.length || found.length > ENTRIES_MAX) continue;
    found.push({
      name: entryName(octets.subarray(at + 46, at + 46 + length)),
      size: octets.readUInt32LE(at + 24),
      packed: octets.readUInt32LE(at + 20),
      encrypted: isEncrypted(octets.readUInt16LE(at + 8), method),
      method,
      at: -1,
    });
  }
  return found;
}

/** Each where the one before ends; where that is not said, at the next mark. */
function readLocals(octets: Buffer): readonly Named[] {
  const found: Named[] = [];
  for (let at = octets.indexOf(LOCAL); at >= 0 && at + 30 <= octets.length; ) {
    const length = octets.readUInt16LE(at + 26);
    const body = at + 30 + length + octets.readUInt16LE(at + 28);
    const method = octets.readUInt16LE(at + 8);
    const packed = octets.readUInt32LE(at + 18);
    if (length > 0 && at + 30 + length <= octets.length && found.length <= ENTRIES_MAX)
      found.push({
        name: entryName(octets.subarray(at + 30, at + 30 + length)),
        size: octets.readUInt32LE(at + 22),
        packed,
        encrypted: isEncrypted(octets.readUInt16LE(at + 6), method),
        method,
        at: body,
      });
    at = octets.indexOf(LOCAL, Math.max(at + 4, Math.min(body + packed, octets.length)));
  }
  return found;
}

/** The octets of an archive within an archive; undefined: too large, or packed otherwise. */
function unpacked(octets: Buffer, { method, packed, at }: Named, unpacking: Unpacking): Buffer | undefined {
  const length = packed === 0 ? PACKED_MAX : packed;
  if (length > PACKED_MAX || at < 0 || unpacking.left <= 0) return undefined;
  unpacking.left -= ATTEMPT;
  const body = octets.subarray(at, at + length);
  if (method === STORED) return body;
  if (method !== DEFLATED) return undefined;
  try {
    const inflated = inflateRawSync(body, { maxOutputLength: UNPACKED_MAX });
    unpacking.left -= inflated.length;
    return inflated;
  } catch {
    unpacking.left -= UNPACKED_MAX;
    return undefined;
  }
}

/** The last octets of a stream, up to twice `max` while it comes. However small its pieces, they are kept in large ones. */
class Tail {
  readonly #max: number;
  #before: Uint8Array = new Uint8Array(0);
  #filling: Uint8Array = new Uint8Array(0);
  #filled = 0;
  cut = false;

  constructor(max: number) {
    this.#max = max;
  }

  write(octets: Uint8Array): void {
    let at = 0;
    while (at < octets.length) {
      if (this.#filled === this.#filling.length) this.#grow(octets.length - at);
      const taken = octets.subarray(at, at + this.#filling.length - this.#filled);
      this.#filling.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
    }
  }

  octets(): Buffer {
    return Buffer.concat([this.#before, this.#filling.subarray(0, this.#filled)]);
  }

  #grow(wanted: number): void {
    if (this.#filled < this.#max) {
      const larger = new Uint8Array(Math.min(this.#max, Math.max(2 * this.#filled, this.#filled + wanted, BLOCK_MIN)));
      larger.set(this.#filling);
      this.#filling = larger;
      return;
    }
    this.cut ||= this.#before.length > 0;
    const emptied = this.#before.length === this.#max ? this.#before : new Uint8Array(this.#max);
    this.#before = this.#filling;
    this.#filling = emptied;
    this.#filled = 0;
  }
}

/** Most parts are small. */
const BLOCK_MIN = 1024;
