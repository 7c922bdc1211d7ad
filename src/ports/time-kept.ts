/** Whether something keeps this machine's clock: the answer of whoever would know. */

/** `unknown` where nobody here can tell; `why` says so. */
export type TimeKept = { readonly kind: 'kept' | 'adrift' } | { readonly kind: 'unknown'; readonly why: string };
