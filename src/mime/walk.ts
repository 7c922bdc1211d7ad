/**
 * Reads a message once, as it comes: its tree of parts (RFC 2046), each part's octets decoded and looked at, and what is odd.
 * Where readers differ about a boundary, all of its readings are followed.
 */
import { BOUNDS } from './bounds.ts';
import { carriedMessage } from './carried.ts';
import { after, beforeBreak, begins, countInk, safeEnd, trimmedEnd } from './dashed-lines.ts';
import { Delimiters } from './delimiters.ts';
import { type EntityHeader, readEntityHeader } from './entity-header.ts';
import { HiddenFiles } from './hidden-files.ts';
import type { Inside } from './inside.ts';
import { type Leaf, openLeaf } from './leaf.ts';
import { LineWatch } from './line-watch.ts';
import { carriesMessage, MESSAGES } from './messages.ts';
import { Notes } from './notes.ts';

const LF = 10;
const CR = 13;
const DASH = 45;
const NOTHING: Buffer = Buffer.alloc(0);
/** A preamble is a note to readers without MIME. */
const PREAMBLE_MAX = 1000;

/** A multipart that is open, or a message within. */
interface Frame {
  /** Prefix of its children's paths. */
  readonly path: string;
  readonly boundaries: Set<string>;
  readonly multipart: boolean;
  readonly digest: boolean;
  /** None was named: the first line that looks like a delimiter names it. */
  guess: boolean;
  children: number;
  closed: boolean;
  /** Of a message: closes the part that it is. */
  readonly end: (end: number) => void;
}

/** Where the walk stands within a multipart's own lines. */
interface Aside {
  readonly kind: 'preamble' | 'epilogue';
  readonly frame: Frame;
  readonly start: number;
  readonly hidden: HiddenFiles;
  content: number;
}

/** Whose header section is read. */
interface Entity {
  readonly leafPath: string;
  readonly path: string;
  readonly start: number;
  readonly top: boolean;
  readonly digest: boolean;
}

/** The place of the part that carries a message, and in how many it is carried by now. */
interface Carried {
  readonly start: number;
  readonly bodyStart: number;
  readonly times: number;
}

/** `prefix`: paths begin with it; '' for the message itself. */
export class Walk {
  readonly #notes: Notes;
  readonly #lines: LineWatch | undefined;
  /** Octets that are not understood yet, and where they begin. */
  #carry: Buffer = NOTHING;
  #base = 0;
  #lineStart = true;
  #stopped = false;
  readonly #frames: Frame[] = [];
  #delimiters = new Delimiters([], false);
  /** Lines of a header section, while one is read. */
  #header: Uint8Array[] | undefined = [];
  #headerOctets = 0;
  #entity: Entity;
  #leaf: Leaf | undefined;
  #aside: Aside | undefined;
  /** Where all that is found is said to stand: the part that carries this message encoded. */
  readonly #carried: Carried | undefined;

  constructor(notes = new Notes(), prefix = '', depth = 0, carried?: Carried) {
    this.#notes = notes;
    this.#depthBelow = depth;
    this.#carried = carried;
    this.#lines = carried === undefined ? new LineWatch(notes) : undefined;
    this.#entity = { leafPath: join(prefix, 1), path: prefix, start: 0, top: true, digest: false };
    this.#notes.begin();
  }
  readonly #depthBelow: number;

  /** Nothing of the chunk is kept. */
  write(chunk: Uint8Array): void {
    this.#lines?.write(chunk);
    if (this.#stopped) {
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
    if (!this.#stopped) {
      const used = this.#read(this.#carry, true);
      this.#base += used;
      this.#carry = NOTHING;
      if (this.#header !== undefined) this.#headerEnds(this.#base);
      this.#endInner(this.#base);
    }
    this.#popTo(0, this.#base);
  }

  /** How many octets were understood. */
  #read(octets: Buffer, last: boolean): number {
    let at = 0;
    while (at < octets.length && !this.#stopped) {
      const next = this.#header !== undefined ? this.#readHeader(octets, at, last) : this.#readBody(octets, at, last);
      if (next === at) break;
      at = next;
    }
    return this.#stopped ? octets.length : at;
  }

  /** One line of a header section. */
  #readHeader(octets: Buffer, at: number, last: boolean): number {
    const lf = octets.indexOf(LF, at);
    if (lf < 0 && !last && octets.length - at < BOUNDS.headerOctets) return at;
    const end = lf < 0 ? octets.length : lf + 1;
    const line = octets.subarray(at, end);
    if (line[0] === DASH && line[1] === DASH) {
      const found = this.#match(octets, at, end);
      if (found !== undefined) {
        this.#headerEnds(this.#base + at);
        this.#delimiter(found, this.#base + at, this.#base + end);
        return end;
      }
    }
    if (line[0] === LF || (line[0] === CR && line[1] === LF)) {
      this.#header?.push(Uint8Array.from(line));
      this.#headerEnds(this.#base + end);
      return end;
    }
    this.#headerOctets += line.length;
    // That of the message itself is bounded where it arrives.
    const outermost = this.#entity.top && this.#entity.path === '';
    if (!outermost && !this.#notes.readsHeader(line.length)) {
      this.#stopped = true;
      return octets.length;
    }
    if (this.#headerOctets > BOUNDS.headerOctets && !outermost) {
      this.#notes.odd('endless-header', this.#entity.leafPath);
      this.#headerEnds(this.#base + at);
      return at + 1 > octets.length ? at : this.#readBody(octets, at, last);
    }
    this.#header?.push(Uint8Array.from(line));
    return end;
  }

  /** Content up to the next delimiter, or as far as it is surely content. */
  #readBody(octets: Buffer, from: number, last: boolean): number {
    if (!this.#frames.some(({ multipart }) => multipart)) {
      this.#content(octets.subarray(from));
      return octets.length;
    }
    let seek = from;
    let lineStart = this.#lineStart;
    for (;;) {
      const at = lineStart && begins(octets, seek) ? seek : after(octets, seek);
      lineStart = false;
      if (at < 0) {
        const keep = last ? octets.length : safeEnd(octets, from, this.#lineStart);
        this.#content(octets.subarray(from, keep));
        this.#lineStart = keep > from ? octets[keep - 1] === LF : this.#lineStart;
        return keep;
      }
      const lf = octets.indexOf(LF, at);
      if (lf < 0 && !last && octets.length - at < BOUNDS.delimiterLine) {
        const keep = Math.max(from, beforeBreak(octets, at));
        this.#content(octets.subarray(from, keep));
        if (keep > from) this.#lineStart = false;
        return keep;
      }
      const end = lf < 0 ? octets.length : lf + 1;
      const found = end - at > BOUNDS.delimiterLine ? this.#overlong(octets, at) : this.#match(octets, at, end);
      if (found !== undefined) {
        const bodyEnd = Math.max(from, beforeBreak(octets, at));
        this.#content(octets.subarray(from, bodyEnd));
        this.#delimiter(found, this.#base + bodyEnd, this.#base + end);
        this.#lineStart = true;
        return end;
      }
      // The line's own break may belong to the delimiter that follows.
      seek = Math.max(at + 2, end - 1);
    }
  }

  #content(octets: Uint8Array): void {
    if (octets.length === 0) return;
    if (this.#leaf !== undefined) this.#leaf.write(octets);
    else if (this.#aside !== undefined) {
      this.#aside.content += countInk(octets, PREAMBLE_MAX);
      this.#aside.hidden.write(octets);
    }
  }

  /** Which open multipart's delimiter the line is. */
  #match(octets: Buffer, at: number, end: number): { readonly frame: number; readonly close: boolean } | undefined {
    if (!this.#delimiters.mayBe(octets[at + 2], end - at - 2)) return undefined;
    const text = trimmedEnd(octets.toString('latin1', at + 2, end));
    if (text === '') return undefined;
    const guessing = this.#frames.findLast(({ guess }) => guess);
    if (guessing !== undefined && text !== '-' && !text.includes('  ')) {
      guessing.guess = false;
      guessing.boundaries.add(text);
      this.#framesChanged();
    }
    const found = this.#delimiters.match(text);
    // Where none is named, all lines that begin with dashes are looked at.
    if ((found !== undefined || guessing !== undefined) && !this.#notes.seesDelimiter()) {
      this.#stopped = true;
      return undefined;
    }
    if (found?.kind !== 'near') return found;
    this.#notes.odd('near-boundary', found.path);
    return undefined;
  }

  /** No delimiter to us; some reader may look at its beginning alone. */
  #overlong(octets: Buffer, at: number): undefined {
    if (!this.#delimiters.mayBe(octets[at + 2], BOUNDS.delimiterLine)) return;
    const near = this.#delimiters.begins(trimmedEnd(octets.toString('latin1', at + 2, at + BOUNDS.delimiterLine)));
    if (near !== undefined) this.#notes.odd('near-boundary', near.path);
  }

  #framesChanged(): void {
    const guessing = this.#frames.some(({ guess }) => guess);
    this.#delimiters = new Delimiters(this.#frames, guessing);
  }

  #delimiter({ frame: n, close }: { frame: number; close: boolean }, end: number, next: number): void {
    this.#endInner(end);
    this.#popTo(n + 1, end);
    const frame = this.#frames[n]!;
    if (close) {
      frame.closed = true;
      this.#aside = this.#asideOf('epilogue', frame, next);
      return;
    }
    if (frame.closed) this.#notes.odd('part-after-end', frame.path);
    frame.closed = false;
    if (!this.#notes.begin()) {
      this.#stopped = true;
      return;
    }
    frame.children++;
    const path = join(frame.path, frame.children);
    this.#begin({ leafPath: path, path, start: next, top: false, digest: frame.digest });
  }

  #begin(entity: Entity): void {
    this.#entity = entity;
    this.#header = [];
    this.#headerOctets = 0;
  }

  #headerEnds(bodyStart: number): void {
    const { leafPath, path, start, top, digest } = this.#entity;
    const octets = Buffer.concat(this.#header ?? []);
    this.#header = undefined;
    this.#lineStart = true;
    const header = readEntityHeader(octets, top, digest ? 'message/rfc822' : 'text/plain', (name) =>
      this.#notes.odd(name, leafPath),
    );
    if (header.type.startsWith('multipart/') && this.#opens(header, leafPath))
      this.#openMultipart(header, path, bodyStart);
    else if (MESSAGES.has(header.type) && this.#opens(header, leafPath))
      this.#openMessage(header, leafPath, start, bodyStart);
    else {
      const place = {
        path: leafPath,
        start: this.#carried?.start ?? start,
        bodyStart: this.#place(bodyStart),
      };
      this.#leaf = this.#carries(header)
        ? carriedMessage(
            header,
            place,
            this.#notes,
            new Walk(this.#notes, leafPath, this.#depth + 1, {
              start: place.start,
              bodyStart: place.bodyStart,
              times: (this.#carried?.times ?? 0) + 1,
            }),
          )
        : openLeaf(header, place, this.#notes);
    }
  }

  /** Whether it is a message that is read out of its encoding, or out of its file. */
  #carries({ type, extension, encoding: reading }: EntityHeader): boolean {
    if (!carriesMessage({ type, extension, reading })) return false;
    const carries = this.#depth < this.#notes.bounds.partDepth && (this.#carried?.times ?? 0) < BOUNDS.carried;
    if (!carries) this.#notes.met('too-deep');
    return carries;
  }

  /** Whether what is within can be read as it stands, and is not too deep. */
  #opens(header: EntityHeader, path: string): boolean {
    if (this.#depth >= this.#notes.bounds.partDepth) {
      this.#notes.met('too-deep');
      return false;
    }
    if (header.encoding === 'identity') return true;
    this.#notes.odd(MESSAGES.has(header.type) ? 'encoded-message' : 'encoded-multipart', path);
    return header.type.startsWith('multipart/');
  }

  get #depth(): number {
    return this.#depthBelow + this.#frames.length;
  }

  #openMultipart(header: EntityHeader, path: string, bodyStart: number): void {
    const boundaries = new Set(header.boundaries);
    for (const frame of this.#frames)
      for (const boundary of boundaries) if (frame.boundaries.has(boundary)) this.#notes.odd('reused-boundary', path);
    const frame: Frame = {
      path,
      boundaries,
      multipart: true,
      digest: header.type === 'multipart/digest',
      guess: boundaries.size === 0,
      children: 0,
      closed: false,
      end: (end) => {
        if (header.encoding !== 'identity')
          this.#notes.region({
            part: path,
            reading: header.encoding,
            start: this.#place(bodyStart),
            end: this.#place(end),
          });
        for (const reading of header.otherEncodings)
          this.#notes.region({ part: path, reading, start: this.#place(bodyStart), end: this.#place(end) });
      },
    };
    this.#push(frame);
    this.#aside = this.#asideOf('preamble', frame, bodyStart);
  }

  #openMessage(header: EntityHeader, path: string, start: number, bodyStart: number): void {
    const { type, name, extension, disposition, declaredEncoding: encoding, encoding: reading } = header;
    const open = {
      path,
      type,
      detected: '',
      name,
      extension,
      disposition,
      attachment: true,
      encoding,
      reading,
      sha256: '',
    };
    const place = { start: this.#place(start), bodyStart: this.#place(bodyStart) };
    this.#push({
      path,
      boundaries: new Set(),
      multipart: false,
      digest: false,
      guess: false,
      children: 1,
      closed: true,
      end: (end) =>
        this.#notes.parts.push({
          ...open,
          ...place,
          size: end - bodyStart,
          end: this.#place(end),
          archive: null,
          macros: false,
        }),
    });
    if (!this.#notes.begin()) this.#stopped = true;
    else this.#begin({ leafPath: join(path, 1), path, start: bodyStart, top: true, digest: false });
  }

  #place(at: number): number {
    return this.#carried?.bodyStart ?? at;
  }

  #push(frame: Frame): void {
    this.#frames.push(frame);
    this.#framesChanged();
    this.#notes.depth = Math.max(this.#notes.depth, this.#depth);
  }

  #asideOf(kind: Aside['kind'], frame: Frame, start: number): Aside {
    return { kind, frame, start, content: 0, hidden: new HiddenFiles(frame.path, start, this.#notes) };
  }

  /** The leaf, or the lines beside parts, end here. */
  #endInner(end: number): void {
    if (this.#header !== undefined) this.#headerEnds(end);
    this.#leaf?.end(end);
    this.#leaf = undefined;
    const aside = this.#aside;
    this.#aside = undefined;
    if (aside === undefined) return;
    aside.hidden.end();
    const { kind, frame, start, content } = aside;
    if (kind === 'epilogue' && content > 0) this.#notes.odd('epilogue-content', frame.path);
    if (kind === 'preamble' && content > PREAMBLE_MAX) this.#notes.odd('preamble-content', frame.path);
    if (content > 0) this.#notes.region({ part: frame.path, reading: 'identity', start, end: Math.max(start, end) });
  }

  #popTo(length: number, end: number): void {
    if (this.#frames.length <= length) return;
    const ended = this.#frames.splice(length).reverse();
    this.#framesChanged();
    for (const frame of ended) {
      if (frame.multipart && !frame.closed) this.#notes.odd('unclosed-multipart', frame.path);
      frame.end(end);
    }
  }
}

const bufferOf = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.length);
const join = (path: string, n: number): string => (path === '' ? `${n}` : `${path}.${n}`);
