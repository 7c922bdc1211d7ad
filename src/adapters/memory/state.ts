/** What is remembered, in memory: the live engine of one process, and the copy-on-write layers over it. */
import type { Millis, Timestamp } from '../../mail/time.ts';
import { STATE_KEYS_MAX, type StateScope, type StateStore } from '../../ports/state.ts';
import { SlidingCount } from './sliding-count.ts';

export type Remembered =
  | { readonly kind: 'value'; readonly value: string; readonly expires: Timestamp }
  | { readonly kind: 'count'; readonly count: SlidingCount };

/** Told of every key that changed, so that an engine can write it behind; undefined: it was deleted or forgotten. */
export type Watcher = (space: string, key: string, now: Remembered | undefined) => void;

export class MemoryState implements StateStore {
  readonly scope: StateScope;
  /** In order of writing: the first was written longest ago. `undefined` hides what lies below. */
  readonly #keys = new Map<string, Remembered | undefined>();
  readonly #below: MemoryState | undefined;
  readonly #watch: Watcher;
  readonly #keysMax: number;

  constructor(
    scope: StateScope = 'live',
    below: MemoryState | undefined = undefined,
    watch: Watcher = () => {},
    keysMax: number = STATE_KEYS_MAX,
  ) {
    this.scope = scope;
    this.#below = below;
    this.#watch = watch;
    this.#keysMax = keysMax;
  }

  async get(space: string, key: string, at: Timestamp): Promise<string | undefined> {
    const found = this.#find(name(space, key));
    return found?.kind === 'value' && found.expires > at ? found.value : undefined;
  }

  async put(space: string, key: string, value: string, expires: Timestamp): Promise<void> {
    this.set(space, key, { kind: 'value', value, expires });
  }

  async delete(space: string, key: string): Promise<void> {
    this.set(space, key, undefined);
  }

  async hit(space: string, key: string, at: Timestamp, window: Millis, amount: number): Promise<number> {
    const full = name(space, key);
    const own = this.#keys.get(full);
    const found = this.#find(full);
    const known = found?.kind === 'count' ? found.count : undefined;
    if (amount === 0) return known?.within(at, window) ?? 0;
    const count = known === undefined ? new SlidingCount() : found === own ? known : known.copy();
    count.add(at, window, amount);
    this.set(space, key, { kind: 'count', count });
    return count.within(at, window);
  }

  fork(scope: 'candidate' | 'scratch'): StateStore {
    return new MemoryState(scope, this);
  }

  /** Writes a key as it is: `put`, `delete` and `hit` end here, and an engine fills itself with it. */
  set(space: string, key: string, next: Remembered | undefined): void {
    const full = name(space, key);
    this.#keys.delete(full);
    if (next !== undefined || this.#below !== undefined) this.#keys.set(full, next);
    this.#watch(space, key, next);
    if (this.#keys.size > this.#keysMax) this.#forgetOldest();
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Lets go of what has expired, so that room is left for what has not. */
  sweep(at: Timestamp): void {
    for (const [full, found] of this.#keys) {
      if (found === undefined) continue;
      const expires = found.kind === 'value' ? found.expires : found.count.expires;
      if (expires <= at) this.#forget(full);
    }
  }

  #find(full: string): Remembered | undefined {
    if (this.#keys.has(full)) return this.#keys.get(full);
    return this.#below === undefined ? undefined : this.#below.#find(full);
  }

  #forgetOldest(): void {
    for (const full of this.#keys.keys()) {
      this.#forget(full);
      return;
    }
  }

  #forget(full: string): void {
    this.#keys.delete(full);
    const cut = full.indexOf(SEPARATOR);
    this.#watch(full.slice(0, cut), full.slice(cut + 1), undefined);
  }
}

const SEPARATOR = '\0';
const name = (space: string, key: string): string => `${space}${SEPARATOR}${key}`;
