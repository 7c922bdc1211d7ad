/** Keys that sign the links of digests: kept where only the gateway reads, exchanged now and then. */
import type { Timestamp } from '../mail/time.ts';

export interface DigestKeys {
  /** The newest; a fresh one where it has signed long enough. Throws a sentence where keys cannot be kept safely. */
  signing(now: Timestamp): Uint8Array;
  /** All whose links may hold yet, the newest first. */
  accepted(now: Timestamp): readonly Uint8Array[];
}
