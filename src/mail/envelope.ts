/** The envelope: where a message comes from and to whom it goes (RFC 5321 §2.3.1), and the DSN wishes that travel with it (RFC 3461). */

export interface Mailbox {
  /** The local part, unquoted: `a b` for `"a b"@example.org`. Case is kept (RFC 5321 §2.4). */
  readonly local: string;
  /** Lower-case A-labels without a trailing dot, or an address literal with its brackets. */
  readonly domain: string;
  /** The mailbox as it goes on the wire, quoted where it must be. */
  readonly address: string;
}

export type ReversePath = { readonly kind: 'null' } | { readonly kind: 'mailbox'; readonly mailbox: Mailbox };

/** RFC 1652, 6152: what the body is declared to be. BINARYMIME is never taken. */
export type BodyType = '7BIT' | '8BITMIME';
/** RFC 3461 §4.3: how much of the message a failure report carries. */
export type DsnReturn = 'FULL' | 'HDRS';
/** RFC 3461 §4.1; `NEVER` stands alone. An empty list: not said. */
export type DsnNotify = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

export interface MailParameters {
  readonly size?: number;
  readonly body?: BodyType;
  readonly utf8?: boolean;
  readonly requireTls?: boolean;
  readonly ret?: DsnReturn;
  readonly envid?: string;
}

export interface RcptParameters {
  readonly notify?: readonly DsnNotify[];
  /** `rfc822;user@example.org`, decoded from xtext. */
  readonly orcpt?: string;
}

export interface Recipient {
  readonly mailbox: Mailbox;
  readonly parameters: RcptParameters;
}
