/** Time as a service: wall time for dates, monotonic time for durations, and waiting. */
import type { Millis, Timestamp } from '../mail/time.ts';

export interface Clock {
  /** The wall clock. May jump. */
  now(): Timestamp;
  /** Monotonic, from an arbitrary start. */
  elapsed(): Millis;
  /** Resolves after `span`; rejects with the signal's reason when aborted. */
  sleep(span: Millis, signal: AbortSignal): Promise<void>;
}
