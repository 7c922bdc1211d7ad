/**
 * Reads a message once, as it comes, and cuts it: header sections by lines, content up to what may be a delimiter (RFC 2046 §5.1.1). What is
 * made of it is `part-tree.ts`. Where readers differ about a boundary, all of its readings are followed.
 */
import { BOUNDS } from './bounds.ts';
import { after, beforeBreak, begins, safeEnd, trimmedEnd } from './dashed-lines.ts';
import type { Delimiter } from './delimiters.ts';
import type { Inside } from './inside.ts';
import { LineWatch } from './line-watch.ts';
import { Notes } from './notes.ts';
import { PartTree, type Root } from './part-tree.ts';

const LF = 10;
const CR = 13;
const DASH = 45;
const NOTHING: Buffer = Buffer.alloc(0);

export class Walk {
  readonly #notes: Notes;
  readonly #lines: LineWatch | undefined;
  readonly #tree: PartTree;
  /** Octets that are not understood yet, and where they begin. */
  #carry: Buffer = NOTHING;
  #base = 0;
  #lineStart = true;

  constructor(notes = new Notes(), root: Root = { prefix: '' }) {
    this.#notes = notes;
    this.#lines = root.carried === undefined ? new LineWatch(notes) : undefined;
    this.#tree = new PartTree(notes, root, (within) => new Walk(notes, within));
  }

  /** Nothing of the chunk is kept. */
  write(chunk: Uint8Array): void {
    this.#lines?.write(chunk);
    if (this.#tree.stopped) {
      this.#base += chunk.length;
      return;
    }
    const octets = this.#carry.length === 0 ? bufferOf(chunk) : Buffer.concat([this.#carry, chunk]);
    const used = this.#read(octets, false);
    // A copy, so that the chunk is not kept for its last octets.
    this.#carry = used === octets.length ? NOTHING : Buffer.from(octets.subarray(used));
    this.#base += used;
  }

  end(): Inside {
    this.finish();
    return this.#notes.inside();
  }

  /** The end of the octets; what is known stands in the notes. */
  finish(): void {
    if (!this.#tree.stopped) {
      this.#base += this.#read(this.#carry, true);
      this.#carry = NOTHING;
    }
    this.#tree.finish(this.#base);
  }

  /** How many octets were understood. */
  #read(octets: Buffer, last: boolean): number {
    let at = 0;
    while (at < octets.length && !this.#tree.stopped) {
      const next = this.#tree.inHeader ? this.#readHeader(octets, at, last) : this.#readBody(octets, at, last);
      if (next === at) break;
      at = next;
    }
    return this.#tree.stopped ? octets.length : at;
  }

  /** One line of a header section. */
  #readHeader(octets: Buffer, at: number, last: boolean): number {
    const lf = octets.indexOf(LF, at);
    if (lf < 0 && !last && octets.length - at < BOUNDS.headerOctets) return at;
    const end = lf < 0 ? octets.length : lf + 1;
    const line = octets.subarray(at, end);
    if (line[0] === DASH && line[1] === DASH) {
      const found = this.#delimiterAt(octets, at, end);
      if (found !== undefined) {
        this.#headerEnds(this.#base + at);
        this.#tree.delimiter(found, this.#base + at, this.#base + end);
        return end;
      }
    }
    if (line[0] === LF || (line[0] === CR && line[1] === LF)) {
      this.#headerEnds(this.#base + end, line);
      return end;
    }
    if (this.#tree.headerLine(line)) return this.#tree.stopped ? octets.length : end;
    this.#headerEnds(this.#base + at);
    return at + 1 > octets.length ? at : this.#readBody(octets, at, last);
  }

  #headerEnds(bodyStart: number, blank?: Uint8Array): void {
    this.#tree.headerEnds(bodyStart, blank);
    this.#lineStart = true;
  }

  /** Content up to the next delimiter, or as far as it is surely content. */
  #readBody(octets: Buffer, from: number, last: boolean): number {
    if (!this.#tree.hasDelimiters) {
      this.#tree.content(octets.subarray(from));
      return octets.length;
    }
    let seek = from;
    let lineStart = this.#lineStart;
    for (;;) {
      const at = lineStart && begins(octets, seek) ? seek : after(octets, seek);
      lineStart = false;
      if (at < 0) {
        const keep = last ? octets.length : safeEnd(octets, from, this.#lineStart);
        this.#tree.content(octets.subarray(from, keep));
        this.#lineStart = keep > from ? octets[keep - 1] === LF : this.#lineStart;
        return keep;
      }
      const lf = octets.indexOf(LF, at);
      if (lf < 0 && !last && octets.length - at < BOUNDS.delimiterLine) {
        const keep = Math.max(from, beforeBreak(octets, at));
        this.#tree.content(octets.subarray(from, keep));
        if (keep > from) this.#lineStart = false;
        return keep;
      }
      const end = lf < 0 ? octets.length : lf + 1;
      const found = end - at > BOUNDS.delimiterLine ? this.#overlong(octets, at) : this.#delimiterAt(octets, at, end);
      if (found !== undefined) {
        const bodyEnd = Math.max(from, beforeBreak(octets, at));
        this.#tree.content(octets.subarray(from, bodyEnd));
        this.#tree.delimiter(found, this.#base + bodyEnd, this.#base + end);
        this.#lineStart = true;
        return end;
      }
      // The line's own break may belong to the delimiter that follows.
      seek = Math.max(at + 2, end - 1);
    }
  }

  #delimiterAt(octets: Buffer, at: number, end: number): Delimiter | undefined {
    if (!this.#tree.mayDelimit(octets[at + 2], end - at - 2)) return undefined;
    return this.#tree.delimits(trimmedEnd(octets.toString('latin1', at + 2, end)));
  }

  /** No delimiter to us; some reader may look at its beginning alone. */
  #overlong(octets: Buffer, at: number): undefined {
    if (!this.#tree.mayDelimit(octets[at + 2], BOUNDS.delimiterLine)) return;
    this.#tree.begunLike(trimmedEnd(octets.toString('latin1', at + 2, at + BOUNDS.delimiterLine)));
  }
}

const bufferOf = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.length);
