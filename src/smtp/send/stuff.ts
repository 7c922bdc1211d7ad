/** Dot-stuffing (RFC 5321 §4.5.2) in bulk; what is not lines ended by CRLF does not leave the house (§2.3.8). */

const CR = 13;
const LF = 10;
const DOT = 46;
/** The end of the message, alone and after a last line that lacks its CRLF. */
const END = Buffer.from('.\r\n');
const LINE_AND_END = Buffer.from('\r\n.\r\n');

const NOTHING = Buffer.alloc(0);
const NEWLINE = Buffer.from('\r\n');

/** It is content, not a fault that passes: no other attempt will find it otherwise. */
export class NotLines extends RangeError {
  override readonly name = 'NotLines';
}

const LONG = 24; // octets of a line; two searches cost about as much as walking that far

/** How the message is told from what follows it: by a dot on a line of its own, or by its length (RFC 3030). */
export type Framing = 'dot' | 'chunk';

export class Stuffer {
  readonly #framing: Framing;
  #atLineStart = true;
  #afterCr = false;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** The chunk, framed by a dot with one before each line that begins with one. Throws `NotLines` where a CR or LF stands alone. */
  feed(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return chunk;
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const { length } = octets;
    const dots: number[] = [];
    let at = 0; // where the current line goes on
    if (this.#afterCr) {
      if (octets[0] !== LF) throw loneOctet('CR');
      this.#atLineStart = true;
      at = 1;
    }
    this.#afterCr = false;
    let long = true;
    while (at < length) {
      if (this.#framing === 'dot' && this.#atLineStart && octets[at] === DOT) dots.push(at);
      const end: number = long ? firstNewline(octets, at) : walkToNewline(octets, at);
      this.#atLineStart = false;
      if (end === length) break;
      if (octets[end] === LF) throw loneOctet('LF');
      if (end === length - 1) {
        this.#afterCr = true;
        break;
      }
      if (octets[end + 1] !== LF) throw loneOctet('CR');
      this.#atLineStart = true;
      long = end - at > LONG;
      at = end + 2;
    }
    return dots.length === 0 ? octets : stuffed(octets, dots);
  }

  end(): Uint8Array {
    if (this.#afterCr) throw loneOctet('CR');
    if (this.#framing === 'chunk') return this.#atLineStart ? NOTHING : NEWLINE;
    return this.#atLineStart ? END : LINE_AND_END;
  }
}

/** The first CR or LF from `at` on, or the length. */
function walkToNewline(octets: Uint8Array, at: number): number {
  let end = at;
  for (; end < octets.length; end++) if (octets[end] === CR || octets[end] === LF) break;
  return end;
}

function firstNewline(octets: Buffer, at: number): number {
  const lf = octets.indexOf(LF, at);
  const cr = octets.indexOf(CR, at);
  if (lf < 0) return cr < 0 ? octets.length : cr;
  return cr < 0 ? lf : Math.min(cr, lf);
}

function stuffed(octets: Buffer, dots: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(octets.length + dots.length);
  let from = 0;
  let length = 0;
  for (const dot of [...dots, octets.length]) {
    if (dot - from > LONG) length += octets.copy(out, length, from, dot);
    else for (let at = from; at < dot; at++) out[length++] = octets[at]!;
    if (dot < octets.length) out[length++] = DOT;
    from = dot;
  }
  return out;
}

const loneOctet = (which: 'CR' | 'LF') =>
  new NotLines(`Cannot send a message as its lines must end with CRLF: a ${which} stands alone`);
