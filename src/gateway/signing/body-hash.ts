/** The hash of a body as relaxed canonicalization reads it (RFC 6376 §3.4.4), taken as the octets pass. */
import { createHash } from 'node:crypto';
import { easeRelaxed } from '../../checks/relaxed-body.ts';

export class BodyHash {
  readonly #hash = createHash('sha256');
  /** Pieces of a line whose end has not come; `limits.line` bounds it. */
  #line: Uint8Array[] = [];
  /** Empty lines that count only when something follows. */
  #empty = 0;
  #some = false;

  push(chunk: Uint8Array): void {
    const end = chunk.lastIndexOf(LF) + 1;
    if (end > 0) this.#take(Buffer.concat([...this.#line.splice(0), chunk.subarray(0, end)]));
    if (end < chunk.length) this.#line.push(Uint8Array.from(chunk.subarray(end))); // the chunk does not last
  }

  /** In base64. */
  end(): string {
    // A last line that is not ended is taken as one that is.
    if (this.#line.length > 0) this.#take(Buffer.concat([...this.#line.splice(0), CRLF]));
    // The line end of the last line with something in it; a body of nothing has none.
    if (this.#some) this.#hash.update(CRLF);
    return this.#hash.digest('base64');
  }

  /** Whole lines. The end of the last one with something in it is kept back, as are empty ones below it. */
  #take(lines: Buffer): void {
    const eased = easeRelaxed(lines, Buffer.allocUnsafe);
    let end = eased.length;
    let ends = 0;
    for (; end >= 2 && eased[end - 1] === LF && eased[end - 2] === CR; end -= 2) ends += 1;
    if (end > 0) {
      for (; this.#empty > 0; this.#empty -= EMPTY.length / 2)
        this.#hash.update(EMPTY.subarray(0, Math.min(this.#empty * 2, EMPTY.length)));
      this.#empty = 0;
      this.#hash.update(eased.subarray(0, end));
      this.#some = true;
    }
    this.#empty += ends;
  }
}

const LF = 10;
const CR = 13;
const CRLF = Buffer.from('\r\n');
const EMPTY = Buffer.from('\r\n'.repeat(1024));
