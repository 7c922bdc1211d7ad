/** Text files that others write while we run: lists of recipients. */
import type { Timestamp } from '../mail/time.ts';

export type Reading =
  | { readonly kind: 'read'; readonly text: string; readonly modifiedAt: Timestamp }
  /** It is not there (`absent`), or may not be read. */
  | { readonly kind: 'failed'; readonly why: string; readonly absent?: true };

export interface WatchedFiles {
  /** Tells what stands in the file: once before it returns, and again after every change, until the answer is called. */
  watch(path: string, tell: (reading: Reading) => void): () => void;
}
