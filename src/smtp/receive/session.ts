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

export type Mechanism = 'PLAIN' | 'LOGIN' | 'SCRAM-SHA-256';

/** What is kept of a password for SCRAM; for who is not there, something that no password fits. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What a client says of itself, to be checked; the password stands nowhere else. */
export type Credentials =
  | { readonly kind: 'password'; readonly authorization: string; readonly user: string; readonly password: string }
  /** `verifier`: octets that show the client who we are, where it is right. */
  | {
      readonly kind: 'scram';
      readonly authorization: string;
      readonly user: string;
      readonly fits: boolean;
      readonly verifier: Uint8Array;
    };

export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly clientVerified: boolean;
  readonly clientName: string;
  /** The certificate opens what the listener's trusted networks do. */
  readonly clientTrusted?: boolean;
  /** Names of providers (`relay_for`) that it is the certificate of. */
  readonly clientRelays?: readonly string[];
}

/** An answer, and whether the connection ends with it. */
export interface Spoken {
  readonly reply: Reply;
  readonly close: boolean;
  /** Hears once whether the reply was handed to the client's connection, or the client was gone by then. */
  readonly heard?: Heard;
}

export type Heard = (came: 'said' | 'gone') => void;

/** A command or message that the wire itself refuses: syntax, sequence, limits. `reason` is a word of `builtin:` (`gateway/builtin.ts`). */
export interface WireRefusal {
  readonly reason: string;
  readonly reply: Reply;
  readonly command: 'HELO' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'content' | 'other';
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
  /** Somebody who is believed says who did; `addresses`: the user's own, as far as they are known beside. */
  authenticated(user: string, addresses?: readonly string[]): void;
  /** Who logs in by SCRAM is held against these. */
  scramKeys(user: string): Promise<ScramKeys>;
  /** 235 where the client is who it says, which holds from then on. */
  login(mechanism: Mechanism, credentials: Credentials): Promise<Spoken>;
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
  /** The client will send nothing more: it may be listening still, and it may be gone. May come while a call is running. */
  hungUp(): void;
  /** The socket is gone, the connection was ended, or XCLIENT opens another session. May come while a call is running. Idempotent. */
  close(): void;
}

export type OpenSession = (client: ClientInfo) => Session;
