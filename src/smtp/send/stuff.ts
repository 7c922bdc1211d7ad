/** Dot-stuffing (RFC 5321 §4.5.2) in bulk; what is not lines ended by CRLF does not leave the house (§2.3.8). */

const CR = 13;
const LF = 10;
const DOT = 46;
const ONE_DOT = Buffer.from('.');
/** The end of the message, alone and after a last line that lacks its CRLF. */
const END = Buffer.from('.\r\n');
const LINE_AND_END = Buffer.from('\r\n.\r\n');

/** It is content, not a fault that passes: no other attempt will find it otherwise. */
export class NotLines extends RangeError {
  override readonly name = 'NotLines';
}

export class Stuffer {
  #atLineStart = true;
  #afterCr = false;

  /** The chunk in pieces, with a dot before each line that begins with one. Throws `NotLines` where a CR or LF stands alone. */
  feed(chunk: Uint8Array): Uint8Array[] {
    if (chunk.length === 0) return [];
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const pieces: Uint8Array[] = [];
    let start = 0; // of the piece that is still to be put out
    let at = 0; // where the current line goes on
    if (this.#afterCr) {
      if (octets[0] !== LF) throw loneOctet('CR');
      this.#atLineStart = true;
      at = 1;
    }
    this.#afterCr = false;
    while (at < octets.length) {
      if (this.#atLineStart && octets[at] === DOT) {
        pieces.push(octets.subarray(start, at), ONE_DOT);
        start = at;
      }
      const lf = octets.indexOf(LF, at);
      const cr = octets.indexOf(CR, at);
      if (lf < 0) {
        if (cr >= 0 && cr !== octets.length - 1) throw loneOctet('CR');
        this.#afterCr = cr >= 0;
        this.#atLineStart = false;
        break;
      }
      if (cr !== lf - 1) throw loneOctet(cr < 0 || cr > lf ? 'LF' : 'CR');
      this.#atLineStart = true;
      at = lf + 1;
    }
    pieces.push(octets.subarray(start));
    return pieces;
  }

  end(): Uint8Array {
    if (this.#afterCr) throw loneOctet('CR');
    return this.#atLineStart ? END : LINE_AND_END;
  }
}

const loneOctet = (which: 'CR' | 'LF') =>
  new NotLines(`Cannot send a message as its lines must end with CRLF: a ${which} stands alone`);
