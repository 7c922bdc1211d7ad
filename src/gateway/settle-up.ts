/** Hands settlements to the store, all that wait in one call, and again until it has each or will never take it: what was done is not forgotten. */
import type { Millis } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';
import type { QueueStore, Settlement } from '../ports/queue.ts';
import { StoreError } from '../ports/store-error.ts';

/** Between tries while the store is in trouble. */
const STORE_RETRY: Millis = 1000;

export class SettleUp {
  readonly #queue: Pick<QueueStore, 'settle'>;
  readonly #content: Pick<ContentStore, 'discard'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #waiting: { readonly settlement: Settlement; readonly done: () => void }[] = [];
  #working = false;

  constructor(queue: Pick<QueueStore, 'settle'>, content: Pick<ContentStore, 'discard'>, clock: Clock, log: Log) {
    this.#queue = queue;
    this.#content = content;
    this.#clock = clock;
    this.#log = log;
  }

  /** Resolves when the store has it, says that the lease was lost, or will never take it; or when we stop. */
  add(settlement: Settlement): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ settlement, done });
      if (this.#working) return;
      this.#working = true;
      // After this turn, so that what ends together is committed together.
      setImmediate(() => void this.#work());
    });
  }

  /** What the store has not taken by now is left to its leases. */
  stop(): void {
    this.#stopping.abort();
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
    while (!this.#stopping.signal.aborted) {
      try {
        const kept = await this.#queue.settle(settlements);
        for (const [n, came] of kept.entries()) if (came === 'lost') await this.#lost(settlements[n]!);
        return;
      } catch (error) {
        if (isForGood(error)) return this.#apart(settlements, error);
        this.#log.error('queue.not_settled', { settlements: settlements.length, error: String(error) });
        await this.#clock.sleep(STORE_RETRY, this.#stopping.signal).catch(() => {}); // stopped: looked at above
      }
    }
  }

  /** One that can never be taken keeps back none of the others. */
  async #apart(settlements: readonly Settlement[], error: Error): Promise<void> {
    const [one, ...others] = settlements;
    if (one === undefined || others.length > 0)
      return void (await Promise.all(settlements.map((each) => this.#keep([each]))));
    // Its lease runs out, and it is tried again: delivered twice at worst, never lost.
    this.#log.error('queue.settlement_refused', { entry: one.lease.entry.id, error: error.message });
    await this.#discard(one);
  }

  /** Whoever holds it now settles it; what we would have said to the sender stays unsaid. */
  async #lost(settlement: Settlement): Promise<void> {
    this.#log.warn('queue.lease_lost', { entry: settlement.next.id });
    await this.#discard(settlement);
  }

  async #discard({ notifications }: Settlement): Promise<void> {
    for (const { content } of notifications) await this.#content.discard(content);
  }
}

/** The same again would be refused the same way: something of it cannot be stored, or stands there already. */
const isForGood = (error: unknown): error is Error =>
  error instanceof RangeError || (error instanceof StoreError && error.kind === 'conflict');
