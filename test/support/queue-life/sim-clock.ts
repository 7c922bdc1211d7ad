/** A clock for thousands of short lives: it stands still until it is moved, and who died sleeps for ever. */
import type { Millis, Timestamp } from '../../../src/mail/time.ts';
import type { Clock } from '../../../src/ports/clock.ts';

interface Sleeper {
  readonly wakes: Millis;
  readonly wake: () => void;
  readonly alive: () => boolean;
}

export class SimClock {
  #wall: Timestamp;
  #elapsed: Millis = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(now: Timestamp) {
    this.#wall = now;
  }

  get now(): Timestamp {
    return this.#wall;
  }

  /** As one process sees it. */
  for(alive: () => boolean): Clock {
    return {
      now: () => this.#wall,
      elapsed: () => this.#elapsed,
      sleep: (span, signal) =>
        new Promise((resolve, reject) => {
          if (signal.aborted) return reject(signal.reason);
          const sleeper = { wakes: this.#elapsed + span, wake: resolve, alive };
          this.#sleepers.add(sleeper);
          const abort = () => {
            if (this.#sleepers.delete(sleeper)) reject(signal.reason);
          };
          signal.addEventListener('abort', abort, { once: true });
        }),
    };
  }

  /** The wall clock jumps; nobody wakes. */
  jump(by: Millis): void {
    this.#wall += by;
  }

  /** Moves to the next who wakes within `span` and answers what is left of it; undefined where nobody does, and all has passed. */
  step(span: Millis): Millis | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (!sleeper.alive()) this.#sleepers.delete(sleeper);
      else if (next === undefined || sleeper.wakes < next.wakes) next = sleeper;
    if (next === undefined || next.wakes > this.#elapsed + span) {
      this.#move(span);
      return undefined;
    }
    const passed = Math.max(0, next.wakes - this.#elapsed);
    this.#move(passed);
    this.#sleepers.delete(next);
    next.wake();
    return span - passed;
  }

  #move(by: Millis): void {
    this.#wall += by;
    this.#elapsed += by;
  }
}
