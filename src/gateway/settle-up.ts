/** Hands settlements to the store, all that wait in one call, and again until the store has them: what was done is not forgotten. */
import type { Millis } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';
import type { QueueStore, Settlement } from '../ports/queue.ts';

/** Between tries while the store is in trouble. */
const STORE_RETRY: Millis = 1000;

export class SettleUp {
  readonly #queue: Pick<QueueStore, 'settle'>;
  readonly #content: Pick<ContentStore, 'discard'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #never = new AbortController().signal;
  #waiting: { readonly settlement: Settlement; readonly done: () => void }[] = [];
  #working = false;

  constructor(queue: Pick<QueueStore, 'settle'>, content: Pick<ContentStore, 'discard'>, clock: Clock, log: Log) {
    this.#queue = queue;
    this.#content = content;
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
        for (const [n, came] of kept.entries()) if (came === 'lost') await this.#lost(settlements[n]!);
        return;
      } catch (error) {
        this.#log.error('queue.not_settled', { settlements: settlements.length, error: String(error) });
        await this.#clock.sleep(STORE_RETRY, this.#never);
      }
    }
  }

  /** Whoever holds it now settles it; what we would have said to the sender stays unsaid. */
  async #lost({ next, notifications }: Settlement): Promise<void> {
    this.#log.warn('queue.lease_lost', { entry: next.id });
    for (const { content } of notifications) await this.#content.discard(content);
  }
}
