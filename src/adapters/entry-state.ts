/** What every queue engine knows of an entry's state: when it falls due, when it is over, and what may not be stored. */
import type { Timestamp } from '../mail/time.ts';
import type { Settlement } from '../ports/queue.ts';
import { StoreError } from '../ports/store-error.ts';
import type { EntryState, QueueEntry } from '../queue/entry.ts';

/** When somebody may take the entry: a waiting one when it is due, a leased one when its lease runs out, others never. */
export function dueAt(state: EntryState): Timestamp | undefined {
  if (state.kind === 'waiting') return state.due;
  if (state.kind === 'leased') return state.until;
  return undefined;
}

/** The entry leaves the queue: it ended, or lies in quarantine. */
export function hasEnded(state: EntryState): boolean {
  return state.kind !== 'waiting' && state.kind !== 'leased' && state.kind !== 'held';
}

export function mustAdmit(entry: QueueEntry, verb: string, besides: readonly EntryState['kind'][]): void {
  const { kind } = entry.state;
  if (kind === 'waiting' || kind === 'held' || besides.includes(kind)) return;
  const allowed = ['waiting', 'held', ...besides].join(', ');
  throw new RangeError(`Cannot ${verb} entry "${entry.id}" as its state must be ${allowed}: it is ${kind}`);
}

export function mustSettle({ lease, next, quarantine }: Settlement): void {
  if (next.id !== lease.entry.id)
    throw new RangeError(
      `Cannot settle entry "${lease.entry.id}" as the next form must be its own: it is "${next.id}"`,
    );
  if (next.state.kind === 'leased')
    throw new RangeError(
      `Cannot settle entry "${next.id}" as its next state must not be leased: renew the lease instead`,
    );
  if (next.state.kind === 'quarantined' && quarantine.length === 0)
    throw new RangeError(`Cannot settle entry "${next.id}" as quarantined without an item that keeps it`);
}

/**
 * Why `more` octets may not be kept aside; undefined where they may. What is undeliverable after our 250 is kept whatever it
 * weighs: only what is not promised yet is asked for.
 */
export const heldTooMuch = (held: number, more: number, most: number): StoreError | undefined =>
  held + more <= most
    ? undefined
    : new StoreError(
        'quarantine-full',
        `Cannot keep ${more} octets aside as the quarantine must stay within ${most} (quarantine.max_size): it holds ${held}`,
      );

/** Why it is held, and what was said last: what `--reason` looks in. */
export const reasonOf = ({ state, last }: QueueEntry): string =>
  `${state.kind === 'held' ? state.why : ''} ${last?.said ?? ''}`;
