/** What an event means for an entry: pure, total, and the only place where an entry's state changes. */
import type { Reply } from '../mail/reply.ts';

/** What one attempt for one recipient came to. */
export type AttemptResult =
  | { readonly kind: 'delivered'; readonly host: string; readonly reply: Reply }
  | { readonly kind: 'transient'; readonly host: string; readonly reply: Reply | null; readonly cause: string }
  | { readonly kind: 'permanent'; readonly host: string; readonly reply: Reply }
  /** The line broke after the final dot: it may have been taken, so it is tried again at the same host, never elsewhere. */
  | { readonly kind: 'indeterminate'; readonly host: string; readonly cause: string };
