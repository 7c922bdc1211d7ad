/** Handing a message on: to a next hop by SMTP or LMTP, or into a maildir. */
import type { QueueEntry } from '../queue/entry.ts';
import type { Route } from '../queue/route.ts';
import type { AttemptResult } from '../queue/transition.ts';

/** Entries that share content, prefix, edits, reverse-path and route: one transaction, a recipient each. */
export interface Consignment {
  readonly entries: readonly QueueEntry[];
  readonly route: Route;
  /** The final octets: prefix, then the edited content; CRLF lines, no dot-stuffing. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  readonly size: number;
}

export interface Delivery {
  /** One result an entry, in order. Never rejects: what goes wrong is a result. */
  deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]>;
  /** Closes connections kept for reuse. */
  close(): Promise<void>;
}
