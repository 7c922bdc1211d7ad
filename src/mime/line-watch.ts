/** Over-long lines and NUL octets, wherever they stand. */
import type { Notes } from './notes.ts';

/** Octets of a line without its CRLF (RFC 5322 §2.1.1). */
const LINE_MAX = 998;
const LF = 10;

export class LineWatch {
  readonly #notes: Notes;
  /** Octets since the last line break. */
  #since = 0;
  #long = false;
  #nul = false;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  write(chunk: Uint8Array): void {
    if (!this.#nul && chunk.indexOf(0) >= 0) {
      this.#nul = true;
      this.#notes.odd('nul', '');
    }
    if (this.#long) return;
    let at = 0;
    // From the furthest place a line break may be, back to one: most of the octets are never looked at.
    while (at + LINE_MAX + 2 - this.#since <= chunk.length) {
      const furthest = at + LINE_MAX + 1 - this.#since;
      const found = furthest < at ? -1 : chunk.subarray(at, furthest + 1).lastIndexOf(LF);
      if (found < 0) {
        this.#long = true;
        this.#notes.odd('long-line', '');
        return;
      }
      at += found + 1;
      this.#since = 0;
    }
    const rest = chunk.subarray(at).lastIndexOf(LF);
    this.#since = rest < 0 ? this.#since + chunk.length - at : chunk.length - at - rest - 1;
  }
}
