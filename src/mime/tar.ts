/** The names in a tar archive, header by header (POSIX ustar), long ones as GNU and pax write them: before the header they are for. */
import { entryName, type Listing, Names } from './archive-listing.ts';

const BLOCK = 512;
/** A member that is a long name: longer ones are passed over, and the short one stands. */
const LONG_NAME_MAX = 8192;

export class TarListing implements Listing {
  readonly #names = new Names();
  #block = Buffer.alloc(0);
  /** Octets of content still to be passed over. */
  #skip = 0;
  #partial = false;
  /** The member that is read for the name in it. */
  #reading: { readonly pax: boolean; left: number; readonly pieces: Buffer[] } | undefined;
  #longName: Buffer | undefined;

  write(octets: Uint8Array): void {
    let at = 0;
    while (at < octets.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, octets.length - at);
        this.#keep(octets.subarray(at, at + passed));
        this.#skip -= passed;
        at += passed;
        continue;
      }
      const wanted = BLOCK - this.#block.length;
      this.#block = Buffer.concat([this.#block, octets.subarray(at, at + wanted)]);
      at += wanted;
      if (this.#block.length === BLOCK) {
        this.#header(this.#block);
        this.#block = Buffer.alloc(0);
      }
    }
  }

  end(): ReturnType<Listing['end']> {
    const { entries, extensions, cut, more } = this.#names;
    return { encrypted: false, entries, partial: this.#partial || more || this.#skip > BLOCK, extensions, cut };
  }

  #header(block: Buffer): void {
    if (block[0] === 0) return;
    const size = Number.parseInt(block.toString('latin1', 124, 136).replace(/\0.*$/s, '').trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0) {
      this.#partial = true;
      return;
    }
    this.#skip = Math.ceil(size / BLOCK) * BLOCK;
    const kind = String.fromCharCode(block[156]!);
    if ('Lx'.includes(kind) && size > 0) {
      if (size <= LONG_NAME_MAX) this.#reading = { pax: kind === 'x', left: size, pieces: [] };
      else this.#partial = true;
      return;
    }
    const name = this.#longName ?? shortName(block);
    this.#longName = undefined;
    if ('gKV'.includes(kind)) return;
    if (this.#names.full) this.#names.beyond(name);
    else this.#names.add({ name: entryName(name), size, encrypted: false });
  }

  #keep(octets: Uint8Array): void {
    const reading = this.#reading;
    if (reading === undefined) return;
    const taken = Buffer.from(octets.subarray(0, reading.left));
    reading.pieces.push(taken);
    reading.left -= taken.length;
    if (reading.left > 0) return;
    this.#reading = undefined;
    const all = Buffer.concat(reading.pieces);
    if (!reading.pax) this.#longName = upToNul(all);
    else {
      // `LENGTH path=NAME\n` among other records.
      const path = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(all.toString('latin1'))?.[1];
      if (path !== undefined) this.#longName = Buffer.from(path, 'latin1');
    }
  }
}

const upToNul = (octets: Buffer): Buffer => {
  const end = octets.indexOf(0);
  return end < 0 ? octets : octets.subarray(0, end);
};

/** The name, behind the prefix that POSIX puts 345 octets in. */
function shortName(block: Buffer): Buffer {
  const name = upToNul(block.subarray(0, 100));
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? upToNul(block.subarray(345, 500)) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}
