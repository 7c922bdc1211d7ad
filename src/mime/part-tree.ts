/**
 * The tree of a message's parts (RFC 2046) as far as it has been read: what is open, whose octets come now, and what ends with whom.
 * Where the lines are cut is `walk.ts`.
 */
import { Aside } from './aside.ts';
import { BOUNDS } from './bounds.ts';
import { carriedMessage } from './carried.ts';
import { type Delimiter, Delimiters } from './delimiters.ts';
import { type EntityHeader, readEntityHeader } from './entity-header.ts';
import { type Leaf, openLeaf } from './leaf.ts';
import { carriesMessage, MESSAGES } from './messages.ts';
import type { Notes } from './notes.ts';

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

/** Whose header section is read. */
interface Entity {
  readonly leafPath: string;
  readonly path: string;
  readonly start: number;
  readonly top: boolean;
  readonly digest: boolean;
}

/** The place of the part that carries a message, and in how many it is carried by now. */
export interface Carried {
  readonly start: number;
  readonly bodyStart: number;
  readonly times: number;
}

export interface Root {
  /** Paths begin with it; '' for the message itself. */
  readonly prefix: string;
  /** Of what lies around it. */
  readonly depth?: number;
  /** Where all that is found is said to stand: the part that carries this message encoded. */
  readonly carried?: Carried;
}

/** Reads a message that another one carries. */
export type WalkWithin = (root: Root) => { write(octets: Uint8Array): void; finish(): void };

export class PartTree {
  /** A bound was met: nothing that follows is understood. */
  stopped = false;
  readonly #notes: Notes;
  readonly #depthBelow: number;
  readonly #carried: Carried | undefined;
  readonly #within: WalkWithin;
  readonly #frames: Frame[] = [];
  #delimiters = new Delimiters([], false);
  /** Lines of a header section, while one is read. */
  #header: Uint8Array[] | undefined = [];
  #headerOctets = 0;
  #entity: Entity;
  #leaf: Leaf | undefined;
  #aside: Aside | undefined;

  constructor(notes: Notes, { prefix, depth = 0, carried }: Root, within: WalkWithin) {
    this.#notes = notes;
    this.#depthBelow = depth;
    this.#carried = carried;
    this.#within = within;
    this.#entity = { leafPath: join(prefix, 1), path: prefix, start: 0, top: true, digest: false };
    this.#notes.begin();
  }

  /** The octets that come are a header section's. */
  get inHeader(): boolean {
    return this.#header !== undefined;
  }

  /** Some multipart is open: lines must be looked at. */
  get hasDelimiters(): boolean {
    return this.#frames.some(({ multipart }) => multipart);
  }

  /** A line of the header section with its break. False: the section is too large, and ends before it. */
  headerLine(line: Uint8Array): boolean {
    this.#headerOctets += line.length;
    // That of the message itself is bounded where it arrives.
    const outermost = this.#entity.top && this.#entity.path === '';
    if (!outermost && !this.#notes.readsHeader(line.length)) {
      this.stopped = true;
      return true;
    }
    if (this.#headerOctets > BOUNDS.headerOctets && !outermost) {
      this.#notes.odd('endless-header', this.#entity.leafPath);
      return false;
    }
    this.#header?.push(Uint8Array.from(line));
    return true;
  }

  content(octets: Uint8Array): void {
    if (octets.length === 0) return;
    if (this.#leaf !== undefined) this.#leaf.write(octets);
    else this.#aside?.write(octets);
  }

  /** Whether a line of `length` octets that goes on with `first` behind its dashes may be a delimiter. */
  mayDelimit(first: number | undefined, length: number): boolean {
    return this.#delimiters.mayBe(first, length);
  }

  /** Which open multipart's delimiter it is: `text` stands behind the dashes. */
  delimits(text: string): Delimiter | undefined {
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
      this.stopped = true;
      return undefined;
    }
    if (found?.kind !== 'near') return found;
    this.#notes.odd('near-boundary', found.path);
    return undefined;
  }

  /** A line that is too long for a delimiter begins so. */
  begunLike(beginning: string): void {
    const near = this.#delimiters.begins(beginning);
    if (near !== undefined) this.#notes.odd('near-boundary', near.path);
  }

  /** The end of the octets; what is known stands in the notes. */
  finish(end: number): void {
    if (!this.stopped) {
      if (this.#header !== undefined) this.headerEnds(end, undefined);
      this.#endInner(end);
    }
    this.#popTo(0, end);
  }

  #framesChanged(): void {
    const guessing = this.#frames.some(({ guess }) => guess);
    this.#delimiters = new Delimiters(this.#frames, guessing);
  }

  /** What stood before the delimiter ends at `end`; behind it, at `next`, the next part begins, or what follows the last. */
  delimiter({ frame: n, close }: Delimiter, end: number, next: number): void {
    this.#endInner(end);
    this.#popTo(n + 1, end);
    const frame = this.#frames[n]!;
    if (close) {
      frame.closed = true;
      this.#aside = new Aside('epilogue', frame.path, next, this.#notes);
      return;
    }
    if (frame.closed) this.#notes.odd('part-after-end', frame.path);
    frame.closed = false;
    if (!this.#notes.begin()) {
      this.stopped = true;
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

  /** What the section says begins. */
  headerEnds(bodyStart: number, blank: Uint8Array | undefined): void {
    const { leafPath, path, start, top, digest } = this.#entity;
    const octets = Buffer.concat([...(this.#header ?? []), ...(blank === undefined ? [] : [blank])]);
    this.#header = undefined;
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
            this.#within({
              prefix: leafPath,
              depth: this.#depth + 1,
              carried: {
                start: place.start,
                bodyStart: place.bodyStart,
                times: (this.#carried?.times ?? 0) + 1,
              },
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
    this.#aside = new Aside('preamble', frame.path, bodyStart, this.#notes);
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
    if (!this.#notes.begin()) this.stopped = true;
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

  /** The leaf, or the lines beside parts, end here. */
  #endInner(end: number): void {
    if (this.#header !== undefined) this.headerEnds(end, undefined);
    this.#leaf?.end(end);
    this.#leaf = undefined;
    this.#aside?.end(end);
    this.#aside = undefined;
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

const join = (path: string, n: number): string => (path === '' ? `${n}` : `${path}.${n}`);
