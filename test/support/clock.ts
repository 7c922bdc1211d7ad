/** A clock that stands still until a test moves it: sleepers wake in order, nothing waits for real. */
import type { Millis, Timestamp } from '../../src/mail/time.ts';
import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  readonly wakes: Millis;
  readonly wake: () => void;
}

export class FakeClock implements Clock {
  #wall: Timestamp;
  #elapsed: Millis = 0;
  #sleepers: Sleeper[] = [];

  constructor(now: Timestamp = Date.UTC(2026, 10, 22, 10)) {
    this.#wall = now;
  }
  now(): Timestamp {
    return this.#wall;
  }
  elapsed(): Millis {
    return this.#elapsed;
  }
  sleep(span: Millis, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        wakes: this.#elapsed + span,
        wake: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }
  /** How many are asleep: a test can wait until its subject has gone to sleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }
  /** Time passes; whoever is due wakes at its own moment and has run on, as far as promises carry, before the next. */
  async pass(span: Millis): Promise<void> {
    const until = this.#elapsed + span;
    for (;;) {
      const next = this.#sleepers.filter(({ wakes }) => wakes <= until).sort((a, b) => a.wakes - b.wakes)[0];
      if (next === undefined) break;
      this.#move(Math.max(next.wakes, this.#elapsed));
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      next.wake();
      await new Promise<void>((done) => setImmediate(done));
    }
    this.#move(until);
  }
  /** The wall clock jumps, as when an operator sets it; nobody wakes. */
  jump(to: Timestamp): void {
    this.#wall = to;
  }
  #move(to: Millis): void {
    this.#wall += to - this.#elapsed;
    this.#elapsed = to;
  }
}
