/** Why a message is kept aside, in one word: it says who may give it back, and how long it stays. */

/** Those that rules write (docs/policy.md §5), `mixed` among them, and what failed after our 250 with nobody who may be told. */
export const HELD_CLASSES = [
  'spam',
  'bulk',
  'policy',
  'spoof',
  'malware',
  'attachment',
  'mixed',
  'undeliverable',
] as const;

export type HeldClass = (typeof HELD_CLASSES)[number];
