/** Hands settlements to the store, all that wait in one call, and again until the store has them: what was done is not forgotten. */
import type { Millis } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { QueueStore, Settlement } from '../ports/queue.ts';

/** Between tries while the store is in trouble. */
const STORE_RETRY: Millis = 1000;

export class SettleUp {
  readonly #queue: Pick<QueueStore, 'settle'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #never = new AbortController().signal;
  #waiting: { readonly settlement: Settlement; readonly done: () => void }[] = [];
  #working = false;

  constructor(queue: Pick<QueueStore, 'settle'>, clock: Clock, log: Log) {
    this.#queue = queue;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves when the store has it, or says that the lease was lost. */
  add(settlement: Settlement): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ settlement, done });
      if (this.#working) return;
      this.#working = true;
      // After this turn, so that what ends together is committed together.
      setImmediate(() => void this.#work());
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#keep(batch.map(({ settlement }) => settlement));
      for (const { done } of batch) done();
    }
    this.#working = false;
  }

  async #keep(settlements: readonly Settlement[]): Promise<void> {
    for (;;) {
      try {
        const kept = await this.#queue.settle(settlements);
        kept.forEach((came, n) => {
          if (came === 'lost') this.#log.warn('queue.lease_lost', { entry: settlements[n]!.next.id });
        });
        return;
      } catch (error) {
        this.#log.error('queue.not_settled', { settlements: settlements.length, error: String(error) });
        await this.#clock.sleep(STORE_RETRY, this.#never);
      }
    }
  }
}
