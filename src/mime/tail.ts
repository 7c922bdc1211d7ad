/** The last octets of a stream: what stands at the end of an archive says what is in it. */

const FIRST = 256;

/** Holds the last `max` octets in one buffer, twice as long at most: octets are moved once for each that comes. */
export class Tail {
  readonly #max: number;
  #room: Buffer;
  #filled = 0;
  /** What went by before is gone. */
  cut = false;

  /** `room`: where it may begin, used before by another whose time is over. */
  constructor(max: number, room: Buffer = Buffer.alloc(0)) {
    this.#max = max;
    this.#room = room;
  }

  write(octets: Uint8Array): void {
    let taken = octets;
    if (octets.length > this.#max) {
      taken = octets.subarray(octets.length - this.#max);
      this.#filled = 0;
      this.cut = true;
    }
    if (this.#filled + taken.length > this.#room.length) this.#widen(taken.length);
    this.#room.set(taken, this.#filled);
    this.#filled += taken.length;
  }

  /** They stand until more is written, or the room is given to another. */
  octets(): Buffer {
    this.#keep(this.#max);
    return this.#room.subarray(0, this.#filled);
  }

  get room(): Buffer {
    return this.#room;
  }

  /** Most streams are short: the room is no larger than it need be. */
  #widen(wanted: number): void {
    const most = 2 * this.#max;
    if (this.#filled + wanted > most) this.#keep(this.#max);
    const length = Math.min(most, Math.max(FIRST, this.#filled + wanted, 2 * this.#room.length));
    if (length <= this.#room.length) return;
    const room = Buffer.allocUnsafeSlow(length);
    this.#room.copy(room, 0, 0, this.#filled);
    this.#room = room;
  }

  #keep(last: number): void {
    if (this.#filled <= last) return;
    this.#room.copyWithin(0, this.#filled - last, this.#filled);
    this.#filled = last;
    this.cut = true;
  }
}
