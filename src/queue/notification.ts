/** Who is told what: a sender hears of its message only when it is known to be the sender, and as it wished (RFC 3461). */
import type { Timestamp } from '../mail/time.ts';
import type { QueueEntry } from './entry.ts';
import type { RouteTiming } from './route.ts';
import type { HandedTo } from './transition.ts';

/** RFC 3464 §2.3.3. */
export type DsnAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** Senders who may be told at all: anyone else would hear of mail they never sent. */
function mayBeTold(entry: QueueEntry): boolean {
  // A notification is never answered, and neither is the null reverse-path (RFC 5321 §4.5.5, RFC 3834 §2).
  if (entry.notification || entry.reversePath.kind === 'null') return false;
  return entry.sender !== 'unverified';
}

/** Otherwise the message is kept for the postmaster: it is never lost in silence. */
export function tellsFailure(entry: QueueEntry, timing: RouteTiming): boolean {
  if (!mayBeTold(entry) || timing.refusedAfterAccept === 'quarantine') return false;
  // Nothing said means FAILURE (RFC 3461 §4.1).
  return entry.dsn.notify.length === 0 || entry.dsn.notify.includes('FAILURE');
}

/** One notice, not yet given, to a sender who may have it. */
export function owesDelayNotice(entry: QueueEntry): boolean {
  if (!mayBeTold(entry) || entry.delayNotified) return false;
  // Nothing said leaves it to us (RFC 3461 §4.1).
  return entry.dsn.notify.length === 0 || entry.dsn.notify.includes('DELAY');
}

export function tellsDelay(entry: QueueEntry, timing: RouteTiming, now: Timestamp): boolean {
  if (!owesDelayNotice(entry) || timing.delayNotice === 'never') return false;
  return now - entry.admittedAt >= timing.delayNotice;
}

/** Undefined where nobody asked, or where the next hop has taken the wish over with the message (RFC 3461 §5.2.1). */
export function tellsSuccess(entry: QueueEntry, to: HandedTo): 'delivered' | 'relayed' | undefined {
  if (!mayBeTold(entry) || !entry.dsn.notify.includes('SUCCESS')) return undefined;
  switch (to) {
    case 'mailbox':
      return 'delivered';
    case 'relay':
      return 'relayed'; // RFC 3461 §5.2.2: the trail ends at a hop without DSN
    case 'dsnRelay':
      return undefined;
  }
}
