/** Addresses as RFC 5321 §4.1.2 writes them, and domains as A-labels (RFC 5890). */
import type { Mailbox, ReversePath } from './envelope.ts';

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly why: string };

/** A mailbox without angle brackets. UTF-8 local parts only with `utf8` (RFC 6531). Limits of RFC 5321 §4.5.3.1 hold. */
export function parseMailbox(_text: string, _utf8: boolean): Parsed<Mailbox> {
  throw new Error('to come');
}
/** `<>`, `<a@b>`, `<@x,@y:a@b>` (source route dropped, RFC 5321 appendix C), and for RCPT `<postmaster>`. */
export function parsePath(_text: string, _utf8: boolean): Parsed<ReversePath> {
  throw new Error('to come');
}
/** Lower-case A-labels without trailing dot; undefined where it is no domain (empty label, label over 63, over 253 octets, bad IDN). */
export function toAscii(_domain: string): string | undefined {
  throw new Error('to come');
}
/** For a person; A-labels become Unicode where that round-trips. */
export function toUnicode(_domain: string): string {
  throw new Error('to come');
}
/** The local part with quotes where RFC 5321 needs them. */
export function quoteLocal(_local: string): string {
  throw new Error('to come');
}
