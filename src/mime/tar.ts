/** The names in a tar archive, header by header (POSIX ustar). */
import { entryName, type Listing } from './archive-listing.ts';
import type { ArchiveEntry } from './inside.ts';

const BLOCK = 512;
const ENTRIES_MAX = 1000;

export class TarListing implements Listing {
  readonly #entries: ArchiveEntry[] = [];
  #block = Buffer.alloc(0);
  /** Octets of content still to be passed over. */
  #skip = 0;
  #partial = false;

  write(octets: Uint8Array): void {
    let at = 0;
    while (at < octets.length) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, octets.length - at);
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
    return { encrypted: false, entries: this.#entries, partial: this.#partial || this.#skip > BLOCK };
  }

  #header(block: Buffer): void {
    if (block[0] === 0) return;
    const size = Number.parseInt(block.toString('latin1', 124, 136).replace(/\0.*$/s, '').trim() || '0', 8);
    if (!Number.isSafeInteger(size) || size < 0) {
      this.#partial = true;
      return;
    }
    this.#skip = Math.ceil(size / BLOCK) * BLOCK;
    if (this.#entries.length >= ENTRIES_MAX) this.#partial = true;
    else {
      const end = block.indexOf(0);
      this.#entries.push({
        name: entryName(block.subarray(0, end < 0 || end > 100 ? 100 : end)),
        size,
        encrypted: false,
      });
    }
  }
}
