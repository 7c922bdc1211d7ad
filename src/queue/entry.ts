/** One promise: this content, so edited, to this recipient. */
import type { DsnNotify, DsnReturn, ReversePath } from '../mail/envelope.ts';
import type { Timestamp } from '../mail/time.ts';

/** What is changed between the octets received and the octets delivered; applied in order to the header section. */
export type Edit =
  /** Drops the nth field of the received header section (0 is the topmost). */
  | { readonly kind: 'removeField'; readonly index: number }
  /** Drops the nth stretch of the received header section that is no field. */
  | { readonly kind: 'removeStray'; readonly index: number }
  /** Puts a whole field, folded, without its final CRLF, on top of the received ones. */
  | { readonly kind: 'addField'; readonly field: string }
  /**
   * Puts `text` in the place of the octets `[start, end)` of the content as received, header section and body alike. It is
   * ASCII with CRLF lines, so that what BODY says stays true.
   */
  | { readonly kind: 'replaceOctets'; readonly start: number; readonly end: number; readonly text: string };

export type EntryState =
  | { readonly kind: 'waiting'; readonly due: Timestamp }
  | { readonly kind: 'leased'; readonly owner: string; readonly until: Timestamp }
  /** Kept until a person says otherwise. */
  | { readonly kind: 'held'; readonly why: string; readonly by: 'rule' | 'operator' }
  /** Out of the queue and kept aside as a quarantine item: by a rule, or undeliverable with nobody who may be told. */
  | { readonly kind: 'quarantined' }
  /** The ends: the entry leaves the queue, its record keeps the story. */
  | { readonly kind: 'delivered' }
  | { readonly kind: 'bounced' }
  /** Refused for good while its client waited, who was told so in place of a 250. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'removed' };

/** Who stands behind the reverse-path, which decides whether it may be sent a notification. */
export type SenderStanding = 'authenticated' | 'trusted' | 'verified' | 'unverified';

export interface LastAttempt {
  readonly at: Timestamp;
  /** `mail1.internal:25` or a path; '' when none was reached. */
  readonly host: string;
  /** `451 4.3.0 try later`, or what went wrong in our words. Text from outside: escape where shown. */
  readonly said: string;
  readonly enhanced: string;
  /**
   * The host whose line broke after the final dot, or ''. It may have the message, so no other host is asked while the
   * route names this one; the attempts that follow carry it on.
   */
  readonly onlyAt: string;
}

export interface QueueEntry {
  /** `<record id>.<n>`: n is the recipient's number in its record, from 1, or beyond them that of a copy. */
  readonly id: string;
  readonly recordId: string;
  /** Who sent it, and hears of it. */
  readonly reversePath: ReversePath;
  /** What MAIL says in its place, where the message is sent on in our name; left out: the reverse-path. */
  readonly mailFrom?: ReversePath;
  /** The recipient's address as it goes on the wire. */
  readonly recipient: string;
  readonly domain: string;
  readonly route: string;
  readonly contentRef: string;
  readonly contentSize: number;
  /** Trace fields put before everything: `Received`, `Authentication-Results`. CRLF-terminated lines. */
  readonly prefix: string;
  readonly edits: readonly Edit[];
  readonly body: '7BIT' | '8BITMIME';
  readonly utf8: boolean;
  /**
   * `required`: no host may have it but one that is proved and requires the same (REQUIRETLS, RFC 8689 §4.2.1). `optional`: its author would
   * rather have it arrive in plain than not at all (`TLS-Required: No`, §5). Left out: as route, zone and policy say.
   */
  readonly tls?: 'required' | 'optional';
  readonly sender: SenderStanding;
  /** Who authenticated; absent where nobody did. */
  readonly user?: string;
  readonly dsn: {
    readonly notify: readonly DsnNotify[];
    readonly orcpt: string;
    readonly ret: DsnReturn | '';
    readonly envid: string;
  };
  /** A notification of our own: never answered, held for the postmaster when it fails (RFC 5321 §4.5.5). */
  readonly notification: boolean;
  readonly admittedAt: Timestamp;
  readonly expiresAt: Timestamp;
  readonly attempts: number;
  readonly last: LastAttempt | null;
  readonly delayNotified: boolean;
  readonly state: EntryState;
}
