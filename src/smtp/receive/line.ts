/** The line that a dialogue is spoken over, as those who speak see it. */
import type { Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import type { TlsOffer } from './handshake.ts';
import type { Heard } from './session.ts';

export interface Line {
  /** Replies go out together when the client's pipeline is read. */
  say(reply: Reply, heard?: Heard): void;
  /** Awaits a hook; ends the connection when it takes longer. */
  ask<T>(span: Millis, answer: Promise<T>): Promise<T>;
  /** Octets have come that the client should not have sent yet. */
  ahead(): boolean;
  /** The session's time is over: nothing more is begun. */
  spent(): boolean;
  /** The peer is gone, or the connection was closed meanwhile: nothing may be started. */
  gone(): boolean;
  /** Hands the connection to TLS after the reply. */
  startTls(offer: TlsOffer): void;
  /** Closes after the replies; at once when the client said it is done (`farewell`), else when it has heard them. */
  end(farewell?: boolean): void;
}
