/** The decoded text of one message as `rx_body()` asks for it: made when the first pattern is looked for, each pattern once. */
import type { Find } from './environment.ts';

/**
 * Characters in which patterns are looked for, of all texts together. The machine behind them is linear and slow: a counted
 * repetition over these takes it tens of milliseconds. What people write is a tenth of it.
 */
const TEXT_MAX = 128 * 1024;

export class MessageText {
  readonly #make: () => readonly string[];
  readonly #found = new Map<string, boolean>();
  #texts: readonly string[] | undefined;

  /** `make`: first what must not be cut. */
  constructor(make: () => readonly string[]) {
    this.#make = make;
  }

  /** Rules are asked for every recipient, and again whenever a check ends; the text stays the same. */
  has(pattern: string, find: Find): boolean {
    const known = this.#found.get(pattern);
    if (known !== undefined) return known;
    this.#texts ??= bounded(this.#make());
    const found = this.#texts.some((text) => find(pattern, text));
    this.#found.set(pattern, found);
    return found;
  }
}

function bounded(texts: readonly string[]): string[] {
  let left = TEXT_MAX;
  return texts.map((text) => {
    const taken = text.slice(0, left);
    left -= taken.length;
    return taken;
  });
}
