/** Where a recipient with a link is answered: what the pages ask, whatever serves them. */
import type { Timestamp } from '../mail/time.ts';

/** Text from outside, made safe to show; escaped where it becomes HTML. */
export interface HeldView {
  readonly id: string;
  readonly recipient: string;
  readonly from: string;
  readonly subject: string;
  /** With its time zone. */
  readonly held: string;
  readonly why: string;
  readonly expires: Timestamp;
}

export type Looked =
  | { readonly kind: 'held'; readonly view: HeldView }
  /** The link was ours and holds, and what it was for is not here any more. */
  | { readonly kind: 'gone'; readonly id: string }
  /** Ours, and its message is not, or no longer, for a recipient to release. */
  | { readonly kind: 'denied'; readonly id: string }
  /** Never ours, altered, or over: nobody learns which. */
  | { readonly kind: 'none' };

export type Released =
  | Exclude<Looked, { readonly kind: 'held' }>
  | { readonly kind: 'released'; readonly id: string }
  /** It stays held: what was found, or could not be, when it was looked at again. */
  | { readonly kind: 'refused'; readonly id: string; readonly why: string };

export interface ReleaseDesk {
  /** Changes nothing. Rejects when the store does not answer. */
  look(token: string, signal: AbortSignal): Promise<Looked>;
  release(token: string, signal: AbortSignal): Promise<Released>;
}
