/** Finds the end of a message and takes the stuffed dots out, whatever way the octets fell into segments (RFC 5321 §4.5.2). */

/** Why the octets cannot be taken as they came. */
export type Flaw = 'bare-newline' | 'nul-octet';

export interface Scanned {
  /** Content octets of this segment, unstuffed; empty once there is a flaw. May share memory with the segment. */
  readonly content: Uint8Array;
  /** Octets of the segment that belong to the message with its end, or -1 while the end has not come. */
  readonly end: number;
}

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

// Only CR LF ends a line, only CR LF . CR LF ends the message (RFC 5321 §4.1.1.4): states say what came last.
const TEXT = 0;
const AFTER_CR = 1;
const LINE = 2; // after CR LF, or at the very start: DATA ended with one
const LINE_DOT = 3;
const LINE_DOT_CR = 4;
const LOOSE_LINE = 5; // after a bare CR or LF that was mended: a dot here never ends the message
const LOOSE_DOT = 6;

const LONG = 24; // octets; two searches cost about as much as walking that far

/** For `newline: strict`: a bare CR or LF is a flaw, and nothing after it is content; the end is still looked for. */
export class StrictScanner {
  flaw: Flaw | undefined;
  #state = LINE;
  /** The last line was long: the next one probably is, and finding its end costs less than walking there. */
  #long = true;

  /** Unstuffs in place: the segment's octets are the scanner's from here on. */
  take(segment: Buffer): Scanned {
    const length = segment.length;
    let state = this.#state;
    let out = 0;
    let shifted = false;
    // A NUL is found before the leaps that would pass it over.
    let leaping = this.flaw === undefined && segment.indexOf(NUL) < 0;
    let long = this.#long;
    let begun = 0;
    for (let index = 0; index < length; index++) {
      // Whole short lines, one after the other, as long as nothing is unusual: states ask far more of each octet.
      while (leaping && !long && (state === LINE || state === TEXT)) {
        if (state === LINE && segment[index] === DOT) {
          if (index + 1 === length || segment[index + 1] === CR) break;
          shifted = true;
          index++;
        }
        state = TEXT;
        let octet = segment[index];
        for (; index < length && octet !== CR && octet !== LF; octet = segment[++index]) {
          if (shifted) segment[out] = octet!;
          out++;
        }
        if (octet !== CR || segment[index + 1] !== LF) break;
        if (shifted) {
          segment[out] = CR;
          segment[out + 1] = LF;
        }
        out += 2;
        index += 2;
        state = LINE;
        long = index - begun > LONG;
        begun = index;
        if (index === length) break;
      }
      if (index === length) break;
      if (state === TEXT && leaping && long) {
        const cr = segment.indexOf(CR, index);
        const lf = segment.indexOf(LF, index);
        const upto = cr < 0 ? length : cr;
        leaping = lf < 0 ? upto >= length - 1 : lf === cr + 1 && cr >= 0;
        if (leaping) {
          if (shifted) segment.copyWithin(out, index, upto);
          out += upto - index;
          index = upto;
          if (index === length) break;
        }
      }
      const octet = segment[index]!;
      if (state === TEXT) {
        if (octet === CR) state = AFTER_CR;
        else if (octet === LF) this.#spoil('bare-newline');
        else if (octet === NUL) this.#spoil('nul-octet');
      } else if (state === AFTER_CR) {
        if (octet === LF) {
          state = LINE;
          long = index - begun > LONG;
          begun = index;
        } else {
          this.#spoil('bare-newline');
          if (octet !== CR) state = TEXT;
        }
      } else if (state === LINE) {
        if (octet === DOT) {
          state = LINE_DOT;
          shifted = true;
          continue;
        }
        if (octet === CR) state = AFTER_CR;
        else {
          state = TEXT;
          if (octet === LF) this.#spoil('bare-newline');
          else if (octet === NUL) this.#spoil('nul-octet');
        }
      } else if (state === LINE_DOT) {
        // "If there are other characters on the line, the first character is deleted" (RFC 5321 §4.5.2).
        if (octet === CR) {
          state = LINE_DOT_CR;
          continue;
        }
        state = TEXT;
        if (octet === LF) this.#spoil('bare-newline');
        else if (octet === NUL) this.#spoil('nul-octet');
      } else {
        if (octet === LF) {
          this.#state = LINE;
          return { content: this.#content(segment, out), end: index + 1 };
        }
        this.#spoil('bare-newline');
        state = octet === CR ? AFTER_CR : TEXT;
      }
      if (shifted) segment[out] = octet;
      out++;
    }
    this.#state = state;
    this.#long = long;
    return { content: this.#content(segment, out), end: -1 };
  }

  #content(segment: Uint8Array, length: number): Uint8Array {
    return this.flaw === undefined ? segment.subarray(0, length) : NOTHING;
  }

  #spoil(flaw: Flaw): void {
    this.flaw ??= flaw;
  }
}

/** For `newline: normalize`: a bare CR or LF becomes CR LF (never passed on); the end stays strict. */
export class NormalizingScanner {
  flaw: Flaw | undefined;
  #state = LINE;

  take(segment: Buffer): Scanned {
    // Every octet makes at most two, and up to two were withheld from the segment before.
    const out = Buffer.allocUnsafe(2 * segment.length + 4);
    let length = 0;
    const put = (octet: number): void => {
      out[length++] = octet;
    };
    const newline = (): void => {
      out[length++] = CR;
      out[length++] = LF;
    };
    let state = this.#state;
    const leaping = segment.indexOf(NUL) < 0;
    for (let index = 0; index < segment.length; index++) {
      if (state === TEXT && leaping) {
        const cr = segment.indexOf(CR, index);
        const lf = segment.indexOf(LF, index);
        const upto = Math.min(cr < 0 ? segment.length : cr, lf < 0 ? segment.length : lf);
        length += segment.copy(out, length, index, upto);
        index = upto;
        if (index === segment.length) break;
      }
      const octet = segment[index]!;
      if (state === LINE_DOT_CR) {
        if (octet === LF) {
          this.#state = LINE;
          return { content: this.#content(out, length), end: index + 1 };
        }
        put(DOT); // the dot stood alone on a line that was not ended by CR LF: content
        newline();
        state = LOOSE_LINE;
      } else if (state === AFTER_CR) {
        newline();
        state = octet === LF ? LINE : LOOSE_LINE;
        if (octet === LF) continue;
      }
      if (state === LINE_DOT) {
        if (octet === CR) {
          state = LINE_DOT_CR;
          continue;
        }
        if (octet === LF) put(DOT);
        state = TEXT;
      } else if (state === LOOSE_DOT) {
        if (octet === CR || octet === LF) put(DOT);
        state = TEXT;
      } else if (octet === DOT && state !== TEXT) {
        state = state === LINE ? LINE_DOT : LOOSE_DOT;
        continue;
      }
      if (octet === CR) state = AFTER_CR;
      else if (octet === LF) {
        newline();
        state = LOOSE_LINE;
      } else {
        if (octet === NUL) this.flaw ??= 'nul-octet';
        put(octet);
        state = TEXT;
      }
    }
    this.#state = state;
    return { content: this.#content(out, length), end: -1 };
  }

  #content(out: Uint8Array, length: number): Uint8Array {
    return this.flaw === undefined ? out.subarray(0, length) : NOTHING;
  }
}

const NOTHING = new Uint8Array(0);
