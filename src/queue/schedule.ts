/** When an entry is tried again: the steps of its route, the last one repeating, never past its expiry. */
import type { Millis, Timestamp } from '../mail/time.ts';
import type { QueueEntry } from './entry.ts';
import type { RouteTiming } from './route.ts';

/** A tenth either way, so that what failed together does not come back together. */
const JITTER = 0.1;

/** `jitter` is a throw of the dice, 0 to 1. `attempts` counts those already made (RFC 5321 §4.5.4.1). */
export function waitAfter(attempts: number, retry: readonly Millis[], jitter: number): Millis {
  const step = retry[Math.min(Math.max(attempts, 1), retry.length) - 1];
  if (step === undefined)
    throw new RangeError('Cannot schedule a retry as a route must have at least one step: it has none');
  return Math.round(step * (1 - JITTER + 2 * JITTER * jitter));
}

/** The next try; at the expiry itself the entry is due once more, to end. */
export function nextTry(entry: QueueEntry, timing: RouteTiming, now: Timestamp, jitter: number): Timestamp {
  return Math.min(now + waitAfter(entry.attempts, timing.retry, jitter), Math.max(entry.expiresAt, now));
}

/** How long an entry lives from when it is queued. A bounce that nobody takes is of less use than mail. */
export const lifetime = ({ notification }: Pick<QueueEntry, 'notification'>, timing: RouteTiming): Millis =>
  notification ? (timing.notificationExpire ?? timing.expire) : timing.expire;

export const isExpired = (entry: QueueEntry, now: Timestamp): boolean => now >= entry.expiresAt;
