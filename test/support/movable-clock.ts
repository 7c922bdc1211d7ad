/** The real clock, until a test moves its wall: whoever sleeps towards a time that has come then wakes. */

import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Millis, Timestamp } from '../../src/mail/time.ts';
import type { Clock } from '../../src/ports/clock.ts';

export class MovableClock implements Clock {
  #ahead: Millis;
  readonly #sleepers = new Set<{ readonly until: Timestamp; readonly wake: AbortController }>();

  constructor(now: Timestamp) {
    this.#ahead = now - Date.now();
  }
  // Passed on by itself, as the system's is.
  readonly now = (): Timestamp => Date.now() + this.#ahead;
  elapsed(): Millis {
    return systemClock.elapsed();
  }
  async sleep(span: Millis, signal: AbortSignal): Promise<void> {
    const sleeper = { until: this.now() + span, wake: new AbortController() };
    this.#sleepers.add(sleeper);
    try {
      await systemClock.sleep(span, AbortSignal.any([signal, sleeper.wake.signal]));
    } catch (error) {
      if (signal.aborted) throw error;
    } finally {
      this.#sleepers.delete(sleeper);
    }
  }
  moveTo(at: Timestamp): void {
    this.#ahead = at - Date.now();
    for (const { until, wake } of this.#sleepers) if (until <= at) wake.abort();
  }
}
