/** The names in a RAR archive, block by block, of versions 1.5 to 4 and of 5: what is packed is passed over. */
import { entryName, type Listing, Names } from './archive-listing.ts';
import type { ArchiveEntry } from './inside.ts';
import { unicodeName } from './rar-name.ts';

/** A header holds a name and some numbers. */
const HEADER_MAX = 8 * 1024;

/** A block: where its header ends, what follows it, and what it says. */
interface Block {
  readonly headerOctets: number;
  readonly dataOctets: number;
  readonly entries?: readonly ArchiveEntry[];
  /** The headers that follow need a password. */
  readonly locked?: boolean;
  readonly last?: boolean;
}

export class RarListing implements Listing {
  readonly #names = new Names();
  #octets: Buffer = Buffer.alloc(0);
  /** Octets of content still to be passed over. */
  #skip = 0;
  #read: ((octets: Buffer) => Block | undefined) | undefined;
  #locked = false;
  #ended = false;
  #partial = false;

  write(octets: Uint8Array): void {
    if (this.#ended) return;
    const passed = Math.min(this.#skip, octets.length);
    this.#skip -= passed;
    if (passed === octets.length) return;
    this.#octets = Buffer.concat([this.#octets, octets.subarray(passed)]);
    if (this.#read === undefined) {
      if (this.#octets.length < 8) return;
      const five = this.#octets[6] === 1;
      this.#octets = this.#octets.subarray(five ? 8 : 7);
      this.#read = five ? blockOf5 : blockOf4;
    }
    let at = 0;
    while (!this.#ended && at < this.#octets.length) {
      const block = this.#read(this.#octets.subarray(at, at + HEADER_MAX));
      if (block === undefined) break;
      this.#take(block);
      at += block.headerOctets;
      const here = Math.min(block.dataOctets, this.#octets.length - at);
      at += here;
      this.#skip = block.dataOctets - here;
    }
    // A copy, so that what is passed is not kept for it.
    this.#octets = this.#ended ? Buffer.alloc(0) : Buffer.from(this.#octets.subarray(at));
    if (this.#octets.length >= HEADER_MAX) this.#stop();
  }

  end(): ReturnType<Listing['end']> {
    const { entries, extensions, cut, more } = this.#names;
    const short = !this.#ended && (this.#skip > 0 || this.#octets.length > 0 || entries.length === 0);
    return {
      encrypted: this.#locked || entries.some(({ encrypted }) => encrypted),
      entries,
      partial: this.#partial || this.#locked || short || more,
      extensions,
      cut,
    };
  }

  #take({ entries, locked, last, headerOctets }: Block): void {
    if (locked === true) this.#locked = true;
    if (locked === true || last === true) this.#ended = true;
    if (headerOctets === 0) this.#stop();
    for (const entry of entries ?? []) this.#names.add(entry);
  }

  /** More than is listed. */
  #stop(): void {
    this.#partial = true;
    this.#ended = true;
  }
}

const NO_BLOCK: Block = { headerOctets: 0, dataOctets: 0 };
const HIGH = 2 ** 32;

/** `technote.txt` of RAR 4. Undefined: the header is not whole yet. */
function blockOf4(octets: Buffer): Block | undefined {
  if (octets.length < 7) return undefined;
  const type = octets[2]!;
  const flags = octets.readUInt16LE(3);
  const headerOctets = octets.readUInt16LE(5);
  if (headerOctets < 7 || type < 0x72 || type > 0x7b) return NO_BLOCK;
  if (octets.length < headerOctets) return undefined;
  if (type === 0x7b) return { headerOctets, dataOctets: 0, last: true };
  if (type === 0x73) return { headerOctets, dataOctets: 0, locked: (flags & 0x80) !== 0 };
  if (type !== 0x74) {
    const dataOctets = (flags & 0x8000) !== 0 && headerOctets >= 11 ? octets.readUInt32LE(7) : 0;
    return { headerOctets, dataOctets };
  }
  if (headerOctets < 40) return headerOctets < 32 ? NO_BLOCK : fileOf4(octets, flags, headerOctets, false);
  return fileOf4(octets, flags, headerOctets, (flags & 0x100) !== 0);
}

/** `large`: sizes have upper halves. */
function fileOf4(octets: Buffer, flags: number, headerOctets: number, large: boolean): Block {
  const at = large ? 40 : 32;
  const written = octets.subarray(at, Math.min(headerOctets, at + octets.readUInt16LE(26)));
  const nul = written.indexOf(0);
  const plain = nul < 0 ? written : written.subarray(0, nul);
  const second = nul < 0 || (flags & 0x200) === 0 ? undefined : unicodeName(plain, written.subarray(nul + 1));
  const name = entryName(plain);
  const unpackedTo = second === undefined ? name : entryName(Buffer.from(second));
  const told = {
    size: octets.readUInt32LE(11) + (large ? octets.readUInt32LE(36) * HIGH : 0),
    encrypted: (flags & 0x04) !== 0,
  };
  return {
    headerOctets,
    dataOctets: octets.readUInt32LE(7) + (large ? octets.readUInt32LE(32) * HIGH : 0),
    entries: [...new Set([unpackedTo, name])].map((one) => ({ name: one, ...told })),
  };
}

/** RAR 5.0 archive format, "General archive block format". Undefined: the header is not whole yet. */
function blockOf5(octets: Buffer): Block | undefined {
  const numbers = new Numbers(octets, 4);
  const size = numbers.next();
  const start = numbers.at;
  if (size === undefined) return octets.length < 4 + NUMBER_MAX ? undefined : NO_BLOCK;
  const headerOctets = start + size;
  if (size === 0 || headerOctets > HEADER_MAX) return NO_BLOCK;
  if (octets.length < headerOctets) return undefined;
  const type = numbers.next();
  const flags = numbers.next();
  if (type === undefined || flags === undefined) return NO_BLOCK;
  const extra = (flags & 1) !== 0 ? (numbers.next() ?? 0) : 0;
  const dataOctets = (flags & 2) !== 0 ? (numbers.next() ?? 0) : 0;
  if (type === 4) return { headerOctets, dataOctets, locked: true };
  if (type === 5) return { headerOctets, dataOctets, last: true };
  if (type !== 2) return { headerOctets, dataOctets };
  const fileFlags = numbers.next() ?? 0;
  const unpacked = numbers.next() ?? 0;
  numbers.next(); // attributes
  numbers.at += ((fileFlags & 2) !== 0 ? 4 : 0) + ((fileFlags & 4) !== 0 ? 4 : 0);
  numbers.next(); // compression
  numbers.next(); // host
  const length = numbers.next() ?? 0;
  const name = octets.subarray(numbers.at, Math.min(headerOctets, numbers.at + length));
  const encrypted = isEncrypted(octets.subarray(Math.max(0, headerOctets - extra), headerOctets));
  return { headerOctets, dataOctets, entries: [{ name: entryName(name), size: unpacked, encrypted }] };
}

/** Among the records behind a file's header, one of type 1. */
function isEncrypted(extra: Buffer): boolean {
  const numbers = new Numbers(extra, 0);
  while (numbers.at < extra.length) {
    const size = numbers.next();
    if (size === undefined || size === 0) return false;
    const next = numbers.at + size;
    if (numbers.next() === 1) return true;
    numbers.at = next;
  }
  return false;
}

/** Seven bits an octet, the lowest first. */
const NUMBER_MAX = 10;

class Numbers {
  readonly #octets: Buffer;
  at: number;

  constructor(octets: Buffer, at: number) {
    this.#octets = octets;
    this.at = at;
  }

  /** Undefined: it does not end here. */
  next(): number | undefined {
    let value = 0;
    for (let n = 0; n < NUMBER_MAX; n++) {
      const octet = this.#octets[this.at + n];
      if (octet === undefined) return undefined;
      value += (octet & 127) * 128 ** n;
      if (octet < 128) {
        this.at += n + 1;
        return value;
      }
    }
    return undefined;
  }
}
