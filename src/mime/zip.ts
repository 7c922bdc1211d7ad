/** The names in a zip archive: by its local headers as they come by, and by its central directory (APPNOTE 4.3). */
import { inflateRawSync } from 'node:zlib';
import { ENTRIES_MAX, entryNames, type Listing, Names } from './archive-listing.ts';
import { extensionOf } from './file-name.ts';
import type { ArchiveEntry } from './inside.ts';
import { Tail } from './tail.ts';

/** The end of the archive is kept for the directory in it: ten thousand names. */
const TAIL_MAX = 1024 * 1024;
/** Archives within are opened to this depth, each to these octets packed and unpacked. */
const DEPTH_MAX = 3;
const PACKED_MAX = 256 * 1024;
const UNPACKED_MAX = 1024 * 1024;
/** What an attempt costs beside its octets. */
const ATTEMPT = 16 * 1024;
const NESTED: ReadonlySet<string> = new Set('zip jar docm xlsm pptm docx xlsx apk war'.split(' '));
/** Archives within that are not opened. */
const CLOSED: ReadonlySet<string> = new Set('7z rar gz tgz tar bz2 tbz xz zst lzh arj ace cab iso img vhd'.split(' '));

const LOCAL = Buffer.from('PK\x03\x04', 'latin1');
const CENTRAL = Buffer.from('PK\x01\x02', 'latin1');
const END = Buffer.from('PK\x05\x06', 'latin1');
const UNICODE_PATH = 0x7075;
const NO_ROOM = Buffer.alloc(0);
const STORED = 0;
const DEFLATED = 8;

/** Of all archives of a message. */
export interface Unpacking {
  /** What may still be unpacked. */
  left: number;
  /** Headers that may still be read: each names an entry. */
  names: number;
  /** Where the end of one was kept: every attachment might be an archive, and forty rooms would be as much as the message. */
  room: Buffer;
}

export class ZipListing implements Listing {
  readonly #tail: Tail;
  readonly #unpacking: Unpacking;
  readonly #depth: number;
  #found = false;
  macros = false;

  constructor(unpacking: Unpacking, depth = 1) {
    this.#unpacking = unpacking;
    this.#depth = depth;
    this.#tail = new Tail(TAIL_MAX, unpacking.room);
    unpacking.room = NO_ROOM;
  }

  get isZip(): boolean {
    return this.#found;
  }

  write(octets: Uint8Array): void {
    this.#tail.write(octets);
  }

  end(): ReturnType<Listing['end']> {
    const listed = this.#list(this.#tail.octets());
    const { room } = this.#tail;
    if (room.length > this.#unpacking.room.length) this.#unpacking.room = room;
    return listed;
  }

  #list(octets: Buffer): ReturnType<Listing['end']> {
    const names = new Names();
    let partial = false;
    const end = octets.lastIndexOf(END);
    const central = end < 0 ? [] : readCentral(octets, names, this.#unpacking);
    this.#found = end >= 0 && central.length > 0;
    // The directory begins before what was kept.
    if (this.#tail.cut && end >= 0 && end + 16 <= octets.length && octets.readUInt32LE(end + 12) > end)
      names.cut = true;
    const locals = readLocals(octets, names, this.#unpacking);
    const named = new Map(central.map((entry) => [entry.name, entry]));
    // Whoever unpacks by local headers sees what the directory does not name, and the other way round.
    const hidden = locals.filter(({ name }) => !named.has(name));
    if (hidden.length > 0 || (end < 0 && octets.length > 0) || central.length + hidden.length === 0) partial = true;
    if (locals.some((local) => contradicts(local, named.get(local.name)))) partial = true;
    if (end >= 0 && end + 12 <= octets.length && central.length < claimed(octets, end)) partial = true;
    const seen = new Set(locals.map(({ name }) => name));
    // All of it is here, and what the directory names is not; or an archive within went by before what was kept.
    if (central.some(({ name }) => !seen.has(name) && (!this.#tail.cut || NESTED.has(extensionOf(name)))))
      partial = true;
    for (const entry of [...central, ...hidden]) {
      names.add({ name: entry.name, size: entry.size, encrypted: entry.encrypted });
      if (CLOSED.has(extensionOf(entry.name))) partial = true;
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
      for (const extension of listed.extensions) names.ending(extension);
      names.cut ||= listed.cut;
      for (const entry of listed.entries) names.add({ ...entry, name: `${local.name}/${entry.name}`.slice(-400) });
    }
    const { entries, extensions, cut } = names;
    const encrypted = [...entries, ...locals].some((entry) => entry.encrypted);
    return { encrypted, entries, partial: partial || names.more, extensions, cut };
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

/** Local header and directory tell two stories of one entry. A local header may leave sizes to what follows the octets. */
const contradicts = (local: Named, central: Named | undefined): boolean =>
  central !== undefined &&
  (local.encrypted !== central.encrypted ||
    local.method !== central.method ||
    (local.packed !== 0 && local.packed !== central.packed));

/** How many entries there are, by the end of the directory; not said in one word where there are 65535 or more. */
function claimed(octets: Buffer, end: number): number {
  const count = octets.readUInt16LE(end + 10);
  return count === 0xffff ? ENTRIES_MAX : count;
}

/** By another name that Info-ZIP's field for Unicode gives it (APPNOTE §4.6.9), and by what ends at a NUL: unpackers differ. */
function* readings(octets: Buffer, at: number, length: number, extraLength: number): Iterable<string> {
  yield* entryNames(octets.subarray(at, at + length));
  const end = Math.min(octets.length, at + length + extraLength);
  for (let field = at + length; field + 9 <= end; field += 4 + octets.readUInt16LE(field + 2)) {
    if (octets.readUInt16LE(field) !== UNICODE_PATH) continue;
    yield* entryNames(octets.subarray(field + 9, Math.min(end, field + 4 + octets.readUInt16LE(field + 2))));
  }
}

/** False: no more headers are read, of whatever archive of the message. */
function mayRead(names: Names, unpacking: Unpacking): boolean {
  unpacking.names--;
  if (unpacking.names < 0) names.cut = true;
  return unpacking.names >= 0;
}

function readCentral(octets: Buffer, names: Names, unpacking: Unpacking): readonly Named[] {
  const found: Named[] = [];
  for (let at = octets.indexOf(CENTRAL); at >= 0 && at + 46 <= octets.length; at = octets.indexOf(CENTRAL, at + 4)) {
    if (!mayRead(names, unpacking)) break;
    const length = octets.readUInt16LE(at + 28);
    const method = octets.readUInt16LE(at + 10);
    if (length === 0 || at + 46 + length > octets.length) continue;
    if (found.length > ENTRIES_MAX) {
      names.beyond(octets.subarray(at + 46, at + 46 + length));
      continue;
    }
    for (const name of new Set(readings(octets, at + 46, length, octets.readUInt16LE(at + 30))))
      found.push({
        name,
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
function readLocals(octets: Buffer, names: Names, unpacking: Unpacking): readonly Named[] {
  const found: Named[] = [];
  for (let at = octets.indexOf(LOCAL); at >= 0 && at + 30 <= octets.length; ) {
    if (!mayRead(names, unpacking)) break;
    const length = octets.readUInt16LE(at + 26);
    const body = at + 30 + length + octets.readUInt16LE(at + 28);
    const method = octets.readUInt16LE(at + 8);
    const packed = octets.readUInt32LE(at + 18);
    const whole = length > 0 && at + 30 + length <= octets.length;
    if (whole && found.length > ENTRIES_MAX) names.beyond(octets.subarray(at + 30, at + 30 + length));
    else if (whole)
      for (const name of new Set(readings(octets, at + 30, length, octets.readUInt16LE(at + 28))))
        found.push({
          name,
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
  if (method === STORED) {
    unpacking.left -= body.length;
    return body;
  }
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
