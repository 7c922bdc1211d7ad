/** Which open multipart a line belongs to (RFC 2046 §5.1.1), at the same cost however many boundaries somebody opened. */

/** A multipart as its delimiters know it. */
export interface Bounded {
  readonly path: string;
  readonly boundaries: ReadonlySet<string>;
}

export interface Delimiter {
  readonly kind: 'delimiter';
  readonly frame: number;
  readonly close: boolean;
}

/** It begins like a delimiter and goes on: some readers take it for one. */
export interface NearDelimiter {
  readonly kind: 'near';
  readonly path: string;
}

const LF = 10;
const CR = 13;

export class Delimiters {
  /** By boundary, the innermost multipart that has it. */
  readonly #frames = new Map<string, number>();
  readonly #first = new Uint8Array(256);
  /** In order; `root`: the shortest boundary that this one begins with. */
  readonly #sorted: { readonly text: string; readonly root: string; readonly path: string }[] = [];
  readonly #any: boolean;
  #shortest = Number.POSITIVE_INFINITY;

  /** From the outermost in. `any`: a line that begins otherwise is wanted too. */
  constructor(frames: readonly Bounded[], any: boolean) {
    this.#any = any;
    frames.forEach(({ boundaries }, n) => {
      for (const boundary of boundaries) this.#frames.set(boundary, n);
    });
    for (const [text, n] of [...this.#frames].sort(([a], [b]) => (a < b ? -1 : 1))) {
      this.#first[text.charCodeAt(0)] = 1;
      this.#shortest = Math.min(this.#shortest, text.length);
      const before = this.#sorted.at(-1);
      const own = { text, root: text, path: frames[n]!.path };
      this.#sorted.push(before !== undefined && text.startsWith(before.root) ? { ...before, text } : own);
    }
  }

  /** Whether a line of `length` octets that goes on with `first` behind its dashes can be anything. Most are told by that. */
  mayBe(first: number | undefined, length: number): boolean {
    return this.#any ? first !== CR && first !== LF : length >= this.#shortest && this.#first[first ?? 0] === 1;
  }

  /** `text`: what stands behind the two dashes, without white space at its end. */
  match(text: string): Delimiter | NearDelimiter | undefined {
    const open = this.#frames.get(text);
    const closed = text.endsWith('--') ? this.#frames.get(text.slice(0, -2)) : undefined;
    if (open !== undefined && (closed === undefined || open >= closed))
      return { kind: 'delimiter', frame: open, close: false };
    if (closed !== undefined) return { kind: 'delimiter', frame: closed, close: true };
    return this.begins(text);
  }

  /** Some boundary begins the text, or is it. */
  begins(text: string): NearDelimiter | undefined {
    // The last boundary that is not behind the text: if any begins it, that one begins with the same.
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.text <= text) low = middle + 1;
      else high = middle;
    }
    const last = this.#sorted[low - 1];
    return last !== undefined && text.startsWith(last.root) ? { kind: 'near', path: last.path } : undefined;
  }
}
