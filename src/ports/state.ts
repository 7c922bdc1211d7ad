/** What is remembered between transactions: greylist, rates, health. Each engine has a scope, so that a rehearsal writes nothing real. */
import type { Millis, Timestamp } from '../mail/time.ts';

/** Keys remembered in all; beyond it the one written longest ago in the fullest space is forgotten. About 200 octets each in memory. */
export const STATE_KEYS_MAX = 500_000;

/** `live` is the real thing; `candidate` and `scratch` lie over it copy-on-write. */
export type StateScope = 'live' | 'candidate' | 'scratch';

export interface StateStore {
  readonly scope: StateScope;
  /** The value under a key, unless it has expired at `at`. */
  get(space: string, key: string, at: Timestamp): Promise<string | undefined>;
  put(space: string, key: string, value: string, expires: Timestamp): Promise<void>;
  delete(space: string, key: string): Promise<void>;
  /**
   * Counts `amount` events under the key at `at` and answers how many fell into the sliding window that ends there,
   * the new ones included. `amount` 0 only asks; a negative one takes back what was counted a moment ago.
   */
  hit(space: string, key: string, at: Timestamp, window: Millis, amount: number): Promise<number>;
  /** The values of a space that have not expired, by key: for spaces of few. */
  entries(space: string, at: Timestamp): Promise<readonly (readonly [key: string, value: string])[]>;
  /** A copy-on-write layer over this one. */
  fork(scope: 'candidate' | 'scratch'): StateStore;
}
