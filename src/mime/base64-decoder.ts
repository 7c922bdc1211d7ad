/** Base64 (RFC 2045 §6.8) as clients take it: what is not of the alphabet is passed over, and what follows padding is decoded on. */
import type { DecodeFlaw, Decoder } from './decode.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const WHITE = 64;
const PAD = 65;
const FOREIGN = 66;
const VALUES = new Uint8Array(256).fill(FOREIGN);
for (const [value, character] of [...ALPHABET].entries()) VALUES[character.charCodeAt(0)] = value;
for (const character of ' \t\r\n') VALUES[character.charCodeAt(0)] = WHITE;
VALUES['='.charCodeAt(0)] = PAD;

/** What is no letter, in a group of four. */
const STRANGE = 1 << 24;
/** The letters' bits where they stand in a group, by their place in it. */
const placed = (shift: number): Int32Array =>
  Int32Array.from(VALUES, (value) => (value < WHITE ? value << shift : STRANGE));
const FIRST = placed(18);
const SECOND = placed(12);
const THIRD = placed(6);
const FOURTH = placed(0);

/** By tables and into a buffer that is used again: decoders that take strings leave three copies of each piece to the collector. */
export class Base64 implements Decoder {
  readonly flaws = new Set<DecodeFlaw>();
  /** Of a group of four that is not whole: how many letters, and what they say. */
  #letters = 0;
  #bits = 0;
  #padded = false;
  /** Padding that the last group may still have. */
  #wanted = 0;
  #room: Uint8Array = new Uint8Array(0);

  write(chunk: Uint8Array, out: (octets: Uint8Array) => void): void {
    const most = Math.ceil((chunk.length + 3) / 4) * 3;
    if (this.#room.length < most) this.#room = new Uint8Array(most);
    const octets = this.#room;
    let to = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#letters === 0) {
        const from = at;
        for (; at + 4 <= chunk.length; at += 4) {
          const bits = FIRST[chunk[at]!]! | SECOND[chunk[at + 1]!]! | THIRD[chunk[at + 2]!]! | FOURTH[chunk[at + 3]!]!;
          if (bits >= STRANGE) break;
          octets[to] = bits >> 16;
          octets[to + 1] = bits >> 8;
          octets[to + 2] = bits;
          to += 3;
        }
        if (at > from) this.#goesOn();
        if (at === chunk.length) break;
      }
      to = this.#take(VALUES[chunk[at]!]!, octets, to);
      at++;
    }
    if (to > 0) out(octets.subarray(0, to));
  }

  end(out: (octets: Uint8Array) => void): void {
    const octets = new Uint8Array(2);
    const length = this.#endGroup(octets, 0);
    // Six bits alone are no octet.
    if (this.#letters === 1) this.flaws.add('broken-base64');
    else if (length > 0) out(octets.subarray(0, length));
    this.#letters = 0;
    this.#bits = 0;
  }

  /** One octet that is not of a whole group; answers where the next one decoded goes. */
  #take(value: number, octets: Uint8Array, at: number): number {
    if (value === WHITE) return at;
    if (value === PAD) {
      // A run ends at its padding, and another may follow.
      this.#pad(this.#letters);
      const to = this.#endGroup(octets, at);
      this.#letters = 0;
      this.#bits = 0;
      return to;
    }
    this.#goesOn();
    if (value === FOREIGN) {
      this.flaws.add('broken-base64');
      return at;
    }
    this.#bits = (this.#bits << 6) | value;
    if (++this.#letters < 4) return at;
    octets[at] = this.#bits >> 16;
    octets[at + 1] = this.#bits >> 8;
    octets[at + 2] = this.#bits;
    this.#letters = 0;
    this.#bits = 0;
    return at + 3;
  }

  /** Neither white space nor padding has come. */
  #goesOn(): void {
    if (this.#padded) this.flaws.add('data-after-padding');
    this.#wanted = 0;
  }

  /** The octets that a group has which is not whole. */
  #endGroup(octets: Uint8Array, at: number): number {
    if (this.#letters < 2) return at;
    octets[at] = this.#bits >> (this.#letters === 3 ? 10 : 4);
    if (this.#letters === 2) return at + 1;
    octets[at + 1] = this.#bits >> 2;
    return at + 2;
  }

  /** Two letters have two `=` behind them, three have one; any other is misplaced. */
  #pad(letters: number): void {
    this.#padded = true;
    if (letters > 1) this.#wanted = 3 - letters;
    else if (letters === 0 && this.#wanted > 0) this.#wanted--;
    else this.flaws.add('broken-base64');
  }
}
