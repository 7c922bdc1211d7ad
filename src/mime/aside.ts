/** Lines of a multipart that belong to none of its parts: before the first, which readers do not show, and after the last (RFC 2046 §5.1.1). */
import { countInk } from './dashed-lines.ts';
import { HiddenFiles } from './hidden-files.ts';
import type { Notes } from './notes.ts';

/** A preamble is a note to readers without MIME. */
const PREAMBLE_MAX = 1000;

export class Aside {
  readonly #kind: 'preamble' | 'epilogue';
  /** The multipart's. */
  readonly #path: string;
  readonly #start: number;
  readonly #notes: Notes;
  readonly #hidden: HiddenFiles;
  #ink = 0;

  constructor(kind: 'preamble' | 'epilogue', path: string, start: number, notes: Notes) {
    this.#kind = kind;
    this.#path = path;
    this.#start = start;
    this.#notes = notes;
    this.#hidden = new HiddenFiles(path, start, notes);
  }

  write(octets: Uint8Array): void {
    this.#ink += countInk(octets, PREAMBLE_MAX);
    this.#hidden.write(octets);
  }

  end(end: number): void {
    this.#hidden.end();
    if (this.#ink === 0) return;
    if (this.#kind === 'epilogue') this.#notes.odd('epilogue-content', this.#path);
    else if (this.#ink > PREAMBLE_MAX) this.#notes.odd('preamble-content', this.#path);
    this.#notes.region({ part: this.#path, reading: 'identity', start: this.#start, end: Math.max(this.#start, end) });
  }
}
