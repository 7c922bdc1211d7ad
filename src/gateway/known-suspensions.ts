/** What a dispatcher knows of suspensions, and what they and its expiry keep an entry from. */
import { type Millis, minutes, type Timestamp } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { isExpired } from '../queue/schedule.ts';
import { inForce, type Suspension, suspendedBy } from '../queue/suspension.ts';
import type { EntryEvent } from '../queue/transition.ts';

/** How old what we know may be. */
const KNOWN: Millis = 1000;
/** What is suspended by its recipient or user, which the store does not go by, is looked at again after this. */
export const SUSPENDED_AGAIN: Millis = minutes(10);

export class KnownSuspensions {
  readonly #queue: Pick<QueueStore, 'suspensions'>;
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>;
  #all: readonly Suspension[] = [];
  /** Monotonic. */
  #knownAt: Millis | undefined;

  constructor(queue: Pick<QueueStore, 'suspensions'>, clock: Pick<Clock, 'now' | 'elapsed'>) {
    this.#queue = queue;
    this.#clock = clock;
  }

  get all(): readonly Suspension[] {
    return this.#all;
  }

  async look(): Promise<void> {
    if (this.#knownAt !== undefined && this.#clock.elapsed() < this.#knownAt + KNOWN) return;
    this.#all = inForce(await this.#queue.suspensions(), this.#clock.now());
    this.#knownAt = this.#clock.elapsed();
  }

  by(entry: QueueEntry): Suspension | undefined {
    return suspendedBy(entry, this.#all);
  }

  /** What keeps an entry from being tried now, whoever leased it; `again`: when it is looked at once more. */
  hindrance(entry: QueueEntry, now: Timestamp, again: Millis = SUSPENDED_AGAIN): EntryEvent | undefined {
    if (isExpired(entry, now)) return { kind: 'expired' };
    const by = this.by(entry);
    if (by === undefined) return undefined;
    return by.of === 'recipient' || by.of === 'user' ? { kind: 'putBack', due: now + again } : { kind: 'putBack' };
  }
}
