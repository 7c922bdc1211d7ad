/** Quoted-printable (RFC 2045 §6.7) as clients take it: octet by octet, so that no text costs more than another. */
import type { DecodeFlaw, Decoder } from './decode.ts';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const EQUALS = 61;
/** Blanks that may turn out to end a line. A line has 76 characters (RFC 2045 §6.7 (5)); of more, the first are text. */
const HELD_MAX = 998;
const HEX = new Int8Array(256).fill(-1);
for (const [value, digits] of [...'0123456789abcdef'].entries())
  for (const digit of [digits, digits.toUpperCase()]) HEX[digit.charCodeAt(0)] = value;

/** What the octets that are held may become. */
type State = 'text' | 'blanks' | 'blanks-cr' | 'escape' | 'escape-hex' | 'soft' | 'soft-cr';

export class QuotedPrintable implements Decoder {
  readonly flaws = new Set<DecodeFlaw>();
  #state: State = 'text';
  readonly #held = Buffer.alloc(HELD_MAX);
  #holds = 0;
  /** What is decoded of one piece; used again for the next. */
  #octets: Uint8Array = new Uint8Array(0);
  #to = 0;

  write(chunk: Uint8Array, out: (octets: Uint8Array) => void): void {
    this.#begin(chunk.length);
    for (let at = 0; at < chunk.length; at++) {
      if (this.#state === 'text') at = this.#plain(chunk, at);
      if (at < chunk.length) this.#take(chunk[at]!);
    }
    this.#hand(out);
  }

  end(out: (octets: Uint8Array) => void): void {
    this.#begin(0);
    // The line break before a delimiter is the delimiter's: an `=` or blanks at the end have lost theirs.
    if (this.#state === 'escape-hex') this.#broken();
    if (this.#state === 'blanks-cr') this.#octets[this.#to++] = CR;
    this.#drop();
    this.#hand(out);
  }

  #begin(length: number): void {
    const most = length + this.#holds + 2;
    if (this.#octets.length < most) this.#octets = new Uint8Array(most);
    this.#to = 0;
  }

  /** Text, and escapes that are whole, up to an octet that has to be thought about. */
  #plain(chunk: Uint8Array, from: number): number {
    const octets = this.#octets;
    let to = this.#to;
    let at = from;
    for (; at < chunk.length; at++) {
      const octet = chunk[at]!;
      if (octet === EQUALS) {
        const high = HEX[chunk[at + 1] ?? 0]!;
        const low = HEX[chunk[at + 2] ?? 0]!;
        if (high < 0 || low < 0) break;
        octets[to++] = (high << 4) | low;
        at += 2;
        continue;
      }
      if (octet === SPACE || octet === TAB) {
        const next = chunk[at + 1] ?? 0;
        if (next <= SPACE || next === EQUALS) break;
      }
      octets[to++] = octet;
    }
    this.#to = to;
    return at;
  }

  #hand(out: (octets: Uint8Array) => void): void {
    if (this.#to > 0) out(this.#octets.subarray(0, this.#to));
  }

  #take(octet: number): void {
    const blank = octet === SPACE || octet === TAB;
    switch (this.#state) {
      case 'text':
        if (octet === EQUALS || blank) this.#hold(octet);
        else this.#octets[this.#to++] = octet;
        return;
      case 'blanks':
        if (blank) this.#hold(octet);
        else if (octet === CR) this.#state = 'blanks-cr';
        else {
          // White space at the end of a line is no text (RFC 2045 §6.7 (3)).
          if (octet === LF) this.#drop();
          else this.#release();
          this.#take(octet);
        }
        return;
      case 'blanks-cr':
        if (octet === LF) this.#drop();
        else this.#release();
        this.#octets[this.#to++] = CR;
        this.#take(octet);
        return;
      case 'escape':
        if (HEX[octet]! >= 0) {
          this.#held[this.#holds++] = octet;
          this.#state = 'escape-hex';
          return;
        }
        this.#soft(octet, blank);
        return;
      case 'escape-hex': {
        const low = HEX[octet]!;
        if (low < 0) {
          this.#broken();
          this.#take(octet);
          return;
        }
        this.#octets[this.#to++] = (HEX[this.#held[1]!]! << 4) | low;
        this.#drop();
        return;
      }
      case 'soft':
        this.#soft(octet, blank);
        return;
      case 'soft-cr':
        if (octet === LF) {
          this.#drop();
          return;
        }
        this.#broken();
        this.#octets[this.#to++] = CR;
        this.#take(octet);
    }
  }

  /** Behind an `=` that no digit follows. */
  #soft(octet: number, blank: boolean): void {
    if (octet === LF) this.#drop();
    else if (octet === CR) this.#state = 'soft-cr';
    else if (blank && this.#holds < HELD_MAX) {
      this.#held[this.#holds++] = octet;
      this.#state = 'soft';
    } else {
      this.#broken();
      this.#take(octet);
    }
  }

  #hold(octet: number): void {
    if (this.#holds === HELD_MAX) this.#release();
    this.#held[this.#holds++] = octet;
    this.#state = octet === EQUALS ? 'escape' : 'blanks';
  }

  #drop(): void {
    this.#holds = 0;
    this.#state = 'text';
  }

  /** What is held was text. */
  #release(): void {
    for (let at = 0; at < this.#holds; at++) this.#octets[this.#to++] = this.#held[at]!;
    this.#drop();
  }

  /** An `=` that begins nothing stands for itself. */
  #broken(): void {
    this.flaws.add('broken-quoted-printable');
    this.#release();
  }
}
