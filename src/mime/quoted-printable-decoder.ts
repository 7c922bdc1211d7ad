/**
 * Quoted-printable (RFC 2045 §6.7) as clients take it. What one piece tells by itself is decoded where it stands; the states are for what lies
 * across pieces, and for blanks without end.
 */
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
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === 'text') at = this.#plain(chunk, at);
      if (at < chunk.length && this.#take(chunk[at]!)) at++;
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

  /** All that can be told from the piece itself; up to an octet whose meaning stands in the next one, or too far behind. */
  #plain(chunk: Uint8Array, from: number): number {
    const octets = this.#octets;
    let to = this.#to;
    let at = from;
    let broken = false;
    while (at < chunk.length) {
      const octet = chunk[at]!;
      if (octet !== EQUALS && octet !== SPACE && octet !== TAB) {
        octets[to++] = octet;
        at++;
        continue;
      }
      if (octet === EQUALS) {
        if (at + 2 >= chunk.length) break;
        const high = HEX[chunk[at + 1]!]!;
        const low = HEX[chunk[at + 2]!]!;
        if (high >= 0 && low >= 0) {
          octets[to++] = (high << 4) | low;
          at += 3;
          continue;
        }
        // An `=` that begins nothing stands for itself.
        if (chunk[at + 1]! > SPACE) {
          broken = true;
          octets[to++] = EQUALS;
          at++;
          continue;
        }
      }
      const end = blanksEnd(chunk, at + 1);
      const next = chunk[end];
      if (next === undefined || end - at > HELD_MAX || (next === CR && end + 1 === chunk.length)) break;
      const ends = next === LF || (next === CR && chunk[end + 1] === LF);
      // Blanks before a line's end are no text (RFC 2045 §6.7 (3)); behind an `=` the end is none either (§6.7 (5)).
      if (ends) at = octet !== EQUALS ? end : next === CR ? end + 2 : end + 1;
      else {
        broken ||= octet === EQUALS;
        for (; at < end; at++) octets[to++] = chunk[at]!;
      }
    }
    if (broken) this.flaws.add('broken-quoted-printable');
    this.#to = to;
    return at;
  }

  #hand(out: (octets: Uint8Array) => void): void {
    if (this.#to > 0) out(this.#octets.subarray(0, this.#to));
  }

  /** False: the octet ends what was held and is none of it, to be read as text begins. */
  #take(octet: number): boolean {
    const blank = octet === SPACE || octet === TAB;
    switch (this.#state) {
      case 'text':
        this.#hold(octet);
        return true;
      case 'blanks':
        if (blank) this.#hold(octet);
        else if (octet === CR) this.#state = 'blanks-cr';
        else {
          // White space at the end of a line is no text (RFC 2045 §6.7 (3)).
          if (octet === LF) this.#drop();
          else this.#release();
          return false;
        }
        return true;
      case 'blanks-cr':
        if (octet === LF) this.#drop();
        else this.#release();
        this.#octets[this.#to++] = CR;
        return false;
      case 'escape':
        if (HEX[octet]! < 0) return this.#soft(octet, blank);
        this.#held[this.#holds++] = octet;
        this.#state = 'escape-hex';
        return true;
      case 'escape-hex': {
        const low = HEX[octet]!;
        if (low < 0) {
          this.#broken();
          return false;
        }
        this.#octets[this.#to++] = (HEX[this.#held[1]!]! << 4) | low;
        this.#drop();
        return true;
      }
      case 'soft':
        return this.#soft(octet, blank);
      case 'soft-cr':
        if (octet === LF) {
          this.#drop();
          return true;
        }
        this.#broken();
        this.#octets[this.#to++] = CR;
        return false;
    }
  }

  /** Behind an `=` that no digit follows. */
  #soft(octet: number, blank: boolean): boolean {
    if (octet === LF) this.#drop();
    else if (octet === CR) this.#state = 'soft-cr';
    else if (blank && this.#holds < HELD_MAX) {
      this.#held[this.#holds++] = octet;
      this.#state = 'soft';
    } else {
      this.#broken();
      return false;
    }
    return true;
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

function blanksEnd(chunk: Uint8Array, from: number): number {
  let at = from;
  while (chunk[at] === SPACE || chunk[at] === TAB) at++;
  return at;
}
