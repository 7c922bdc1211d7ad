/** Every bound of the receiving side: what a stranger may make us read, count and wait for. */
import { HEADER_LINES_MAX, HEADER_OCTETS_MAX } from '../../mail/header.ts';
import { hours, type Millis, minutes, seconds } from '../../mail/time.ts';

export interface ReceiveLimits {
  /** Octets of a command line with its CRLF. */
  readonly commandLineBytes: number;
  /** Recipients taken in one transaction. */
  readonly recipients: number;
  /** Recipients refused for good in one session. */
  readonly refusedRecipients: number;
  /** MAIL commands that were decided in one session. */
  readonly transactions: number;
  /** Commands of one session in all. */
  readonly commands: number;
  /** EHLO and HELO since the last message. */
  readonly greetings: number;
  /** Commands refused for syntax, sequence or limits in one session. */
  readonly errors: number;
  /** Commands that carry no message (NOOP, RSET, VRFY, …) since the last one that did. */
  readonly idleCommands: number;
  /** Octets of one message, as SIZE announces it (RFC 1870). */
  readonly messageBytes: number;
  /** Octets of all messages on their way in, of all sessions of a thread. */
  readonly spoolingBytes: number;
  /** Octets of the header section with its blank line; HEADER_OCTETS_MAX at most. */
  readonly headerBytes: number;
  /** Octets of one header field with its folded lines. */
  readonly headerFieldBytes: number;
  /** Lines of the header section, its blank line among them; HEADER_LINES_MAX at most. */
  readonly headerLines: number;
  /** Octets of one line of content. */
  readonly lineBytes: number;
  /** Octets of a refused message that are still read, so that its sender hears why. */
  readonly drainBytes: number;
  /** Silence of the client between commands. */
  readonly idle: Millis;
  /** The PROXY header of a balancer, which sends it at once. */
  readonly proxyHeader: Millis;
  /** The same while the house is nearly full. */
  readonly idleBusy: Millis;
  /** A command line from its first octet to its end. */
  readonly command: Millis;
  /** Silence of the client while its message comes. */
  readonly dataBlock: Millis;
  /** Octets a second, averaged over `dataWindow`, that a message must come with. */
  readonly dataRateBytes: number;
  readonly dataWindow: Millis;
  /** A TLS handshake. */
  readonly handshake: Millis;
  /** The answer to DATA. */
  readonly dataStart: Millis;
  /** Any other answer of ours, the one to a message excepted. */
  readonly decision: Millis;
  /** The answer to a message: checks, store and commit. */
  readonly commit: Millis;
  /** A whole session. */
  readonly session: Millis;
}

/** The defaults of `limits` in postern.yaml, for whoever receives without one; the reasons stand in `config/schema-limits.ts`. */
export const RECEIVE_LIMITS: ReceiveLimits = {
  // RFC 5321 §4.5.3.1.4 asks for 512 and lets extensions add to it: SIZE, BODY, SMTPUTF8, RET, ENVID and ORCPT together
  // stay under 1,200 with UTF-8 addresses of full length.
  commandLineBytes: 2048,
  // At least 100 (RFC 5321 §4.5.3.1.8); more is answered 452 (§4.5.3.1.10), and senders open another transaction.
  recipients: 1000,
  refusedRecipients: 100,
  transactions: 10_000,
  commands: 100_000,
  greetings: 20,
  errors: 10, // a person at a keyboard errs less often; a program that errs ten times will go on
  idleCommands: 200, // long-lived clients send an RSET or two a message
  messageBytes: 50 * 1024 * 1024,
  spoolingBytes: 1024 ** 3,
  headerBytes: HEADER_OCTETS_MAX,
  headerFieldBytes: 64 * 1024,
  headerLines: HEADER_LINES_MAX,
  lineBytes: 1024 * 1024,
  drainBytes: 10 * 1024 * 1024,
  idle: minutes(5), // RFC 5321 §4.5.3.2.7
  proxyHeader: seconds(10), // a segment that was lost comes again within three
  idleBusy: seconds(10),
  command: minutes(1),
  dataBlock: minutes(3), // RFC 5321 §4.5.3.2.5
  dataRateBytes: 256,
  dataWindow: minutes(3),
  handshake: seconds(30),
  dataStart: seconds(90), // a client waits two minutes for 354 (RFC 5321 §4.5.3.2.4)
  decision: minutes(4), // a client waits five for the greeting, MAIL and RCPT (RFC 5321 §4.5.3.2.1 to §4.5.3.2.3)
  commit: minutes(9), // a client waits ten (RFC 5321 §4.5.3.2.6); an answer after that makes a duplicate
  session: hours(2), // the largest message takes 70 minutes at 100 kbit/s
};
