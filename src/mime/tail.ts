/** The last octets of a stream: what stands at the end of an archive says what is in it. */

/** Small pieces are put together, so that they cost no more than their octets. */
const BLOCK = 64 * 1024;

/** Holds the last `max` octets, and less than two blocks more. */
export class Tail {
  readonly #max: number;
  readonly #full: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #filled = 0;
  /** What went by before is gone. */
  cut = false;

  constructor(max: number) {
    this.#max = max;
  }

  write(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; ) {
      if (this.#filled === this.#block.length) this.#next(octets.length - at);
      const taken = Math.min(this.#block.length - this.#filled, octets.length - at);
      this.#block.set(octets.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
    }
  }

  octets(): Buffer {
    return Buffer.concat([...this.#full, this.#block.subarray(0, this.#filled)]);
  }

  /** Most streams are short: the first blocks are no larger than they need be. */
  #next(wanted: number): void {
    if (this.#filled > 0) this.#full.push(this.#block);
    this.#block = Buffer.alloc(Math.min(BLOCK, Math.max(wanted, 2 * this.#block.length, 256)));
    this.#filled = 0;
    let kept = 0;
    for (const { length } of this.#full) kept += length;
    while (this.#full.length > 0 && kept - this.#full[0]!.length >= this.#max) {
      kept -= this.#full.shift()!.length;
      this.cut = true;
    }
  }
}
