/** Counts events in a sliding window, within a thousandth of its length, in bounded memory. */
import type { Millis, Timestamp } from '../../mail/time.ts';

/** A window is cut into so many steps; events of one step are counted together and age with the latest of them. */
const STEPS = 1024;

/** The latest time of a step's events, and how many they were. */
export type Step = readonly [latest: Timestamp, events: number];

export class SlidingCount {
  /** In order of time. */
  #steps: [Timestamp, number][];
  /** The longest window asked for: nothing younger is let go. */
  #keep: Millis;

  constructor(steps: readonly Step[] = [], keep: Millis = 0) {
    this.#steps = steps.map(([latest, events]) => [latest, events]);
    this.#keep = keep;
  }

  add(at: Timestamp, window: Millis, amount: number): void {
    this.#keep = Math.max(this.#keep, window);
    const width = Math.max(1, Math.floor(window / STEPS));
    let place = this.#steps.length;
    while (place > 0 && this.#steps[place - 1]![0] > at) place -= 1;
    const before = this.#steps[place - 1];
    if (before !== undefined && Math.floor(before[0] / width) === Math.floor(at / width)) {
      before[0] = at;
      before[1] += amount;
    } else this.#steps.splice(place, 0, [at, amount]);
    const newest = this.#steps.at(-1)![0];
    const stale = this.#steps.findIndex(([latest]) => latest > newest - this.#keep);
    if (stale > 0) this.#steps.splice(0, stale);
  }

  /** How many fell into the window that ends at `at`; its far end is not part of it. */
  within(at: Timestamp, window: Millis): number {
    let total = 0;
    for (let place = this.#steps.length - 1; place >= 0; place -= 1) {
      const [latest, events] = this.#steps[place]!;
      if (latest <= at - window) break;
      if (latest <= at) total += events;
    }
    return total;
  }

  /** When the last event has left every window. */
  get expires(): Timestamp {
    return (this.#steps.at(-1)?.[0] ?? 0) + this.#keep;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }
  get keep(): Millis {
    return this.#keep;
  }
  copy(): SlidingCount {
    return new SlidingCount(this.#steps, this.#keep);
  }
}
