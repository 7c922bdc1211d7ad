/** Content that came in chunks (RFC 3030): dots mean nothing there, and line ends are held to what DATA asks of them. */
import type { Flaw, Scanned } from './data-scanner.ts';

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;

/** For both `newline`s. A CR at the border of two chunks waits for its LF: borders are no part of the message. */
export class ChunkScanner {
  flaw: Flaw | undefined;
  readonly #mend: boolean;
  #afterCr = false;
  /** Nothing has come, or CR LF came last. */
  #atLineStart = true;

  constructor(newline: 'strict' | 'normalize') {
    this.#mend = newline === 'normalize';
  }

  take(segment: Buffer): Scanned {
    if (this.flaw === undefined && segment.indexOf(NUL) >= 0) this.flaw = 'nul-octet';
    const content = this.flaw === undefined ? this.#lines(segment) : NOTHING;
    return { content: this.flaw === undefined ? content : NOTHING, end: -1 };
  }

  /**
   * What is missing at the end: a message is lines, each ended by CR LF (RFC 5322 §2.1), and no next hop that is spoken to
   * by DATA could hear of one that is not. So that what is signed, hashed and kept is also what is sent, it is ended here.
   */
  finish(): Uint8Array {
    if (this.#afterCr && !this.#mend) this.flaw ??= 'bare-newline';
    if (this.flaw !== undefined) return NOTHING;
    return this.#afterCr || !this.#atLineStart ? NEWLINE : NOTHING;
  }

  #lines(segment: Buffer): Uint8Array {
    const pieces: Uint8Array[] = [];
    let start = 0; // of the piece that is still to be put out
    let at = 0;
    if (this.#afterCr && segment.length > 0) {
      this.#afterCr = false;
      this.#atLineStart = true;
      pieces.push(NEWLINE);
      if (segment[0] === LF) start = at = 1;
      else this.#bare();
    }
    // Each is looked for once it has been passed: no octet is searched twice.
    let cr = -2;
    let lf = -2;
    while (at < segment.length) {
      if (cr !== -1 && cr < at) cr = segment.indexOf(CR, at);
      if (lf !== -1 && lf < at) lf = segment.indexOf(LF, at);
      const next = cr < 0 ? lf : lf < 0 ? cr : Math.min(cr, lf);
      if (next < 0) {
        this.#atLineStart = false;
        break;
      }
      if (next === cr && cr === segment.length - 1) {
        this.#afterCr = true;
        pieces.push(segment.subarray(start, cr));
        start = segment.length;
        break;
      }
      if (next === cr && lf === cr + 1) at = lf + 1;
      else {
        this.#bare();
        pieces.push(segment.subarray(start, next), NEWLINE);
        start = at = next + 1;
      }
      this.#atLineStart = true;
    }
    if (start < segment.length) pieces.push(segment.subarray(start));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #bare(): void {
    if (!this.#mend) this.flaw ??= 'bare-newline';
  }
}

const NEWLINE = Buffer.from('\r\n');
const NOTHING = new Uint8Array(0);
