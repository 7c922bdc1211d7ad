/** Turns at something that is not there for us alone: so many at once, so many a second, and a line that is not endless. */
import type { Clock } from '../ports/clock.ts';

/** Who comes when so many wait would not be served in time. */
const WAITING_MAX = 1000;

export class Turns {
  readonly #rate: number;
  readonly #clock: Pick<Clock, 'elapsed' | 'sleep'>;
  #free: number;
  readonly #waiting = new Set<() => void>();
  /** By the monotonic clock: when the next may begin. */
  #next = 0;

  /** `rate`: beginnings a second. */
  constructor(atOnce: number, rate: number, clock: Pick<Clock, 'elapsed' | 'sleep'>) {
    this.#free = atOnce;
    this.#rate = rate;
    this.#clock = clock;
  }

  /** What the work answers; undefined where its turn did not come while there was time, or never will. */
  async within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#place(signal))) return undefined;
    try {
      return (await this.#paced(signal)) ? await work() : undefined;
    } finally {
      const [first] = this.#waiting;
      if (first === undefined) this.#free += 1;
      else first();
    }
  }

  #place(signal: AbortSignal): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= WAITING_MAX || signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (mine: boolean) => {
        signal.removeEventListener('abort', stop);
        this.#waiting.delete(begin);
        resolve(mine);
      };
      const begin = () => done(true);
      const stop = () => done(false);
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.add(begin);
    });
  }

  async #paced(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#rate === Number.POSITIVE_INFINITY) return true;
    const now = this.#clock.elapsed();
    const mine = Math.max(now, this.#next);
    this.#next = mine + 1000 / this.#rate;
    if (mine <= now) return true;
    return this.#clock.sleep(mine - now, signal).then(
      () => true,
      () => false,
    );
  }
}
