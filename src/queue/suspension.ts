/** A person's or a rule's word that some mail is not to be sent for a while: kept with the queue, and ended by the same. */
import type { Timestamp } from '../mail/time.ts';
import type { QueueEntry } from './entry.ts';

/** What mail may be chosen by. */
export const SUSPENDABLE = ['route', 'domain', 'sender', 'recipient', 'user'] as const;
export type Suspendable = (typeof SUSPENDABLE)[number];

export interface Suspension {
  readonly id: string;
  readonly of: Suspendable;
  /** Compared without case, a route's name with it; '' for the sender is the null reverse-path. */
  readonly value: string;
  readonly since: Timestamp;
  /** When it ends by itself, or null. */
  readonly until: Timestamp | null;
  /** A person's name, or `rule:NAME`. */
  readonly by: string;
  readonly why: string;
}

export const inForce = (suspensions: readonly Suspension[], now: Timestamp): readonly Suspension[] =>
  suspensions.filter(({ until }) => until === null || until > now);

/** Whether both speak of the same mail. */
export const isSame = (one: Pick<Suspension, 'of' | 'value'>, another: Pick<Suspension, 'of' | 'value'>): boolean =>
  one.of === another.of && one.value.toLowerCase() === another.value.toLowerCase();

/** The first that speaks of this entry. */
export const suspendedBy = (entry: QueueEntry, suspensions: readonly Suspension[]): Suspension | undefined =>
  suspensions.find(({ of, value }) =>
    of === 'route' ? entry.route === value : wordOf(entry, of).toLowerCase() === value.toLowerCase(),
  );

function wordOf(entry: QueueEntry, of: Exclude<Suspendable, 'route'>): string {
  switch (of) {
    case 'domain':
      return entry.domain;
    case 'sender':
      return entry.reversePath.kind === 'null' ? '' : entry.reversePath.mailbox.address;
    case 'recipient':
      return entry.recipient;
    case 'user':
      // Nobody is no user: a suspension of '' would be one of all mail from outside.
      return entry.user ?? NOBODY;
  }
}

const NOBODY = '\u0000';
