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
  /** By space; within it in order of writing: the first was written longest ago. `undefined` hides what lies below. */
  readonly #spaces = new Map<string, Map<string, Remembered | undefined>>();
  #size = 0;
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
    const found = this.#find(space, key);
    return found?.kind === 'value' && found.expires > at ? found.value : undefined;
  }

  async put(space: string, key: string, value: string, expires: Timestamp): Promise<void> {
    this.set(space, key, { kind: 'value', value, expires });
  }

  async delete(space: string, key: string): Promise<void> {
    this.set(space, key, undefined);
  }

  async hit(space: string, key: string, at: Timestamp, window: Millis, amount: number): Promise<number> {
    const own = this.#spaces.get(space)?.get(key);
    const found = this.#find(space, key);
    const known = found?.kind === 'count' ? found.count : undefined;
    if (amount === 0) return known?.within(at, window) ?? 0;
    const count = known === undefined ? new SlidingCount() : found === own ? known : known.copy();
    count.add(at, window, amount);
    this.set(space, key, { kind: 'count', count });
    return count.within(at, window);
  }

  async entries(space: string, at: Timestamp): Promise<readonly (readonly [string, string])[]> {
    const keys = new Set<string>();
    for (let layer: MemoryState | undefined = this; layer !== undefined; layer = layer.#below)
      for (const key of layer.#spaces.get(space)?.keys() ?? []) keys.add(key);
    return [...keys].flatMap((key) => {
      const found = this.#find(space, key);
      return found?.kind === 'value' && found.expires > at ? [[key, found.value] as const] : [];
    });
  }

  fork(scope: 'candidate' | 'scratch'): StateStore {
    return new MemoryState(scope, this);
  }

  /** Writes a key as it is: `put`, `delete` and `hit` end here, and an engine fills itself with it. */
  set(space: string, key: string, next: Remembered | undefined): void {
    const keys = this.#spaces.get(space) ?? new Map<string, Remembered | undefined>();
    this.#spaces.set(space, keys);
    if (keys.delete(key)) this.#size--;
    if (next !== undefined || this.#below !== undefined) {
      keys.set(key, next);
      this.#size++;
    }
    this.#watch(space, key, next);
    if (this.#size > this.#keysMax) this.#forgetOldest();
  }

  get size(): number {
    return this.#size;
  }

  /** Lets go of what has expired, so that room is left for what has not. */
  sweep(at: Timestamp): void {
    for (const [space, keys] of this.#spaces)
      for (const [key, found] of keys) {
        if (found === undefined) continue;
        const expires = found.kind === 'value' ? found.expires : found.count.expires;
        if (expires <= at) this.#forget(space, key);
      }
  }

  #find(space: string, key: string): Remembered | undefined {
    const keys = this.#spaces.get(space);
    if (keys?.has(key) === true) return keys.get(key);
    return this.#below === undefined ? undefined : this.#below.#find(space, key);
  }

  /** In the space that holds most: whoever floods one pushes nothing out of another. */
  #forgetOldest(): void {
    const [fullest] = [...this.#spaces].sort(([, a], [, b]) => b.size - a.size);
    const [oldest] = fullest?.[1].keys() ?? [];
    if (fullest !== undefined && oldest !== undefined) this.#forget(fullest[0], oldest);
  }

  #forget(space: string, key: string): void {
    if (this.#spaces.get(space)?.delete(key) === true) this.#size--;
    this.#watch(space, key, undefined);
  }
}
