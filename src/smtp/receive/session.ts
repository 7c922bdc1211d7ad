/** What the receiver asks of whoever decides: facts in, replies out. The gateway implements it; the wire knows nothing of policies. */
import type { MailParameters, Recipient, ReversePath } from '../../mail/envelope.ts';
import type { Reply } from '../../mail/reply.ts';
import type { ContentWriter, SpooledContent } from '../../ports/content.ts';

/** Who connected, as far as the wire knows. */
export interface ClientInfo {
  /** As `mail/ip.ts` writes it. */
  readonly ip: string;
  readonly port: number;
  /** Given by a trusted upstream (XCLIENT NAME), else ''. */
  readonly name: string;
  /** An upstream speaks for somebody whose address it cannot say: `ip` is its own, and nothing that it may do is the client's. */
  readonly unnamed?: true;
  /** Our end. */
  readonly serverIp: string;
  readonly serverPort: number;
}

export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly clientVerified: boolean;
  readonly clientName: string;
}

/** An answer, and whether the connection ends with it. */
export interface Spoken {
  readonly reply: Reply;
  readonly close: boolean;
}

/** A command or message that the wire itself refuses: syntax, sequence, limits. `reason` is a word of `builtin:` (`gateway/builtin.ts`). */
export interface WireRefusal {
  readonly reason: string;
  readonly reply: Reply;
  readonly command: 'HELO' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'content' | 'other';
  /** What was written, for the record; bounded. */
  readonly text: string;
  readonly close: boolean;
}

export type DataAnswer =
  | { readonly kind: 'go'; readonly writer: ContentWriter }
  | { readonly kind: 'refuse'; readonly spoken: Spoken };

/**
 * One connection's decider. Calls come one at a time, in the order of the session; none rejects. The transaction is over
 * after `content`, after a refused `data`, after `refused` for `content`, and after `reset`.
 */
export interface Session {
  greet(earlyTalker: boolean): Promise<Spoken>;
  helo(verb: 'HELO' | 'EHLO', name: string): Promise<Spoken>;
  tls(info: TlsInfo): void;
  authenticated(user: string): void;
  mail(path: ReversePath, parameters: MailParameters): Promise<Spoken>;
  rcpt(recipient: Recipient): Promise<Spoken>;
  /** Before 354. */
  data(): Promise<DataAnswer>;
  /** The final dot came and the wire found nothing wrong. Also when the client has left meanwhile: the content is the session's. */
  content(content: SpooledContent): Promise<Spoken>;
  /** The wire refused something: the answer is what it shall send (with the record's id in place). */
  refused(refusal: WireRefusal): Spoken;
  /** RSET, or a new EHLO. */
  reset(): void;
  /** The socket is gone, the connection was ended, or XCLIENT opens another session. May come while a call is running. Idempotent. */
  close(): void;
}

export type OpenSession = (client: ClientInfo) => Session;
