/** What a preview's thread and whoever asks it say to each other. */
import type { Preview } from '../../ports/preview.ts';

/** Octets of the message, in order; none: it has ended, or is read no further. */
export type ToThread = { readonly octets: Uint8Array } | { readonly end: true };

export type FromThread =
  /** Ready for the next. */
  { readonly more: true } | { readonly preview: Omit<Preview, 'readTo'> } | { readonly failed: string };
