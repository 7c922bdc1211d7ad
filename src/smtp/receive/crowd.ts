/**
 * How many are in the house: open sessions and fresh connections, in all and by client network, counted for all session
 * threads together in memory they share.
 *
 * Networks are counted in slots by their hash, in two rows; the lesser count stands. Two networks that meet in one row's slot
 * almost never meet in the other's, and where they do, they share a bound: a collision makes it stricter, never wider. With a
 * thousand networks in the house a new one meets busy slots in both rows with a chance of one in a thousand. The hashes are
 * seeded, so that nobody can choose whom to meet.
 */
import type { Millis, Timestamp } from '../../mail/time.ts';

export interface CrowdLimits {
  /** Open sessions in all. */
  readonly sessions: number;
  readonly networkSessions: number;
  /** Connections in `window` in all. */
  readonly connections: number;
  readonly networkConnections: number;
  readonly window: Millis;
}

/** `full`: sessions in all; `too-many`: of this network; `too-fast`: connections of this network; `rush`: connections in all. */
export type Entry = 'ok' | 'full' | 'too-many' | 'too-fast' | 'rush';

export interface Crowd {
  /** Counts one who comes from `network` (`networkOf`; KNOWN), unless there are too many. Wall time: threads share no other. */
  enter(network: string, now: Timestamp): Entry;
  /** Once for each that entered. */
  leave(network: string): void;
  /** Three quarters of the house are taken. */
  readonly busy: boolean;
  readonly sessions: number;
}

/** In place of a network: upstreams we trust, behind whom stand many clients. Only the whole house bounds them. */
export const KNOWN = '';

/** What the threads share: made once a process, handed to each thread as it starts. */
export interface CrowdRoom {
  readonly shared: SharedArrayBuffer;
  readonly threads: number;
}

const SLOTS = 1 << 15; // 64 times as many as there are open sessions a network at the default bounds
const ROWS = 2;
/** Sessions in all, then the slots. */
const REGION = 1 + ROWS * SLOTS;
/** The window's number, what came in it, and in the one before. */
const RATE = 3;
const SEEDS = ROWS;
/** Trusted upstreams find room where strangers do not: a flood of these does not stop our own mail. */
const KNOWN_SHARE = 2;
const BUSY_SHARE = 0.75;

/** `seeds`: two dice. */
export function crowdRoom(threads: number, seeds: readonly [number, number]): CrowdRoom {
  const cells = SEEDS + RATE * (1 + ROWS * SLOTS) + threads * REGION;
  const shared = new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(shared).set(seeds);
  return { shared, threads };
}

/** Forgets the sessions of a thread that died. */
export function clearThread(room: CrowdRoom, thread: number): void {
  const cells = new Int32Array(room.shared);
  const region = regionOf(thread);
  for (let at = region; at < region + REGION; at++) Atomics.store(cells, at, 0);
}

/** The room as one thread sees it: it adds to a region of its own, and reads everybody's. */
export function crowdIn(room: CrowdRoom, thread: number, limits: CrowdLimits): Crowd {
  if (thread < 0 || thread >= room.threads)
    throw new RangeError(`Cannot count thread ${thread} as there must be a region for it: there are ${room.threads}`);
  return new SharedCrowd(room, thread, limits);
}

class SharedCrowd implements Crowd {
  readonly #cells: Int32Array;
  readonly #threads: number;
  readonly #own: number;
  readonly #limits: CrowdLimits;

  constructor(room: CrowdRoom, thread: number, limits: CrowdLimits) {
    this.#cells = new Int32Array(room.shared);
    this.#threads = room.threads;
    this.#own = regionOf(thread);
    this.#limits = limits;
  }

  enter(network: string, now: Timestamp): Entry {
    const { sessions, networkSessions, connections, networkConnections } = this.#limits;
    const slots = this.#slots(network);
    // Counted first and taken back when it was too much: two threads that look at once may both refuse, never both exceed.
    this.#add(slots, 1);
    const entry = ((): Entry => {
      if (this.sessions > sessions * (network === KNOWN ? KNOWN_SHARE : 1)) return 'full';
      if (network === KNOWN) return 'ok';
      if (this.#open(slots) > networkSessions) return 'too-many';
      const window = Math.floor(now / this.#limits.window);
      const part = now / this.#limits.window - window;
      const rates = slots.map((slot) => SEEDS + RATE * (1 + slot));
      if (Math.min(...rates.map((at) => this.#rate(at, window, part))) >= networkConnections) return 'too-fast';
      if (this.#rate(SEEDS, window, part) >= connections) return 'rush';
      // Only who is let in counts: a flood does not keep its whole network out for ever.
      for (const at of [SEEDS, ...rates]) Atomics.add(this.#cells, at + 1, 1);
      return 'ok';
    })();
    if (entry !== 'ok') this.#add(slots, -1);
    return entry;
  }

  leave(network: string): void {
    this.#add(this.#slots(network), -1);
  }

  get sessions(): number {
    return this.#sum(0);
  }

  get busy(): boolean {
    return this.sessions >= this.#limits.sessions * BUSY_SHARE;
  }

  /** One slot a row, numbered through. */
  #slots(network: string): readonly number[] {
    return [0, 1].map((row) => row * SLOTS + (hash(network, this.#cells[row]!) & (SLOTS - 1)));
  }

  #add(slots: readonly number[], count: 1 | -1): void {
    Atomics.add(this.#cells, this.#own, count);
    for (const slot of slots) Atomics.add(this.#cells, this.#own + 1 + slot, count);
  }

  #open(slots: readonly number[]): number {
    return Math.min(...slots.map((slot) => this.#sum(1 + slot)));
  }

  #sum(offset: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.#threads; thread++) sum += Atomics.load(this.#cells, regionOf(thread) + offset);
    return sum;
  }

  /**
   * What came in the window that slides: all of this one, and of the one before as much as still lies in it. Whoever first
   * sees a new window turns it; the few that another thread counts in that very moment may be lost.
   */
  #rate(at: number, window: number, part: number): number {
    const cells = this.#cells;
    const seen = Atomics.load(cells, at);
    // A clock that was set back or jumped ahead only forgets.
    if (seen !== (window | 0) && Atomics.compareExchange(cells, at, seen, window | 0) === seen) {
      const came = Atomics.exchange(cells, at + 1, 0);
      Atomics.store(cells, at + 2, seen === ((window - 1) | 0) ? came : 0);
    }
    return Atomics.load(cells, at + 1) + Atomics.load(cells, at + 2) * (1 - part);
  }
}

const regionOf = (thread: number): number => SEEDS + RATE * (1 + ROWS * SLOTS) + thread * REGION;

/** FNV-1a from a seed, stirred at the end: its low bits alone would not do. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
