/** The conversation: commands in order, each answered once, each hook of the session awaited before the next (RFC 5321 §4.1). */
import type { Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import type { TlsOffer } from './handshake.ts';
import { IncomingMessage, type Newline } from './incoming-message.ts';
import { keywords } from './keywords.ts';
import type { ReceiveLimits } from './limits.ts';
import { type Offers, readMail, readRcpt } from './parameters.ts';
import { WIRE_REFUSALS, type WireReason } from './refusals.ts';
import type { ClientInfo, OpenSession, Session, Spoken, TlsInfo, WireRefusal } from './session.ts';
import { readXclient } from './xclient.ts';

export interface DialogueOptions extends Offers {
  readonly hostname: string;
  readonly newline: Newline;
  readonly limits: ReceiveLimits;
  /** Undefined: TLS is not spoken here. */
  readonly tls: TlsOffer | undefined;
  readonly trustsXclient: boolean;
  readonly open: OpenSession;
}

/** What the dialogue asks of the line it speaks over. */
export interface Line {
  /** Replies go out together when the client's pipeline is read. */
  say(reply: Reply): void;
  /** Awaits a hook; ends the connection when it takes longer. */
  ask<T>(span: Millis, answer: Promise<T>): Promise<T>;
  /** Octets have come that the client should not have sent yet. */
  ahead(): boolean;
  /** The peer is gone, or the connection was closed meanwhile: nothing may be started. */
  gone(): boolean;
  /** Hands the connection to TLS after the reply. */
  startTls(offer: TlsOffer): void;
  /** Closes after the replies; at once when the client said it is done (`farewell`), else when it has heard them. */
  end(farewell?: boolean): void;
}

interface Transaction {
  readonly utf8: boolean;
  taken: number;
}

export class Dialogue {
  /** While a message comes, what was read belongs to it. */
  message: IncomingMessage | undefined;
  readonly #line: Line;
  readonly #options: DialogueOptions;
  #client: ClientInfo;
  #session: Session;
  #tls = false;
  #refusedGreeting = false;
  #helo = false;
  #transaction: Transaction | undefined;
  #errors = 0;
  #idle = 0;

  constructor(line: Line, client: ClientInfo, options: DialogueOptions) {
    this.#line = line;
    this.#client = client;
    this.#options = options;
    this.#session = options.open(client);
  }

  async greet(earlyTalker: boolean): Promise<void> {
    const spoken = await this.#ask(this.#session.greet(earlyTalker));
    const welcome = spoken.reply.code === 220;
    this.#refusedGreeting = !welcome;
    // RFC 2034 §4: a greeting carries no enhanced code.
    this.#speak(
      welcome
        ? { ...spoken, reply: { code: 220, enhanced: '', text: `${this.#options.hostname} ESMTP Postern` } }
        : spoken,
    );
  }

  /** One command line, without its CR LF. */
  async command(line: string): Promise<void> {
    const space = line.indexOf(' ');
    const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
    const argument = space < 0 ? '' : line.slice(space + 1).trim();
    if (this.#refusedGreeting && verb !== 'QUIT') return this.refuse('greeting-refused', 'other', line);
    if (NEEDS_TLS.has(verb) && this.#options.tls?.mode === 'required' && !this.#tls)
      return this.refuse('tls-required', verb === 'MAIL' ? 'MAIL' : 'other', line);
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.#hello(verb, argument, line);
      case 'MAIL':
        return this.#mail(argument, line);
      case 'RCPT':
        return this.#rcpt(argument, line);
      case 'DATA':
        return this.#data(argument, line);
      case 'RSET':
        if (argument !== '') return this.refuse('syntax', 'other', line, 'RSET takes no argument');
        this.#reset();
        return this.#idly(OK);
      case 'NOOP':
        return this.#idly(OK);
      case 'VRFY':
        // Nothing reveals whether a recipient exists before the policy says so (RFC 5321 §7.3).
        return this.#idly({ code: 252, enhanced: '2.1.5', text: 'send mail to find out' });
      case 'HELP':
        return this.#idly({
          code: 214,
          enhanced: '2.0.0',
          text: 'EHLO HELO MAIL RCPT DATA RSET NOOP VRFY QUIT, see RFC 5321',
        });
      case 'QUIT':
        if (argument !== '') return this.refuse('syntax', 'other', line, 'QUIT takes no argument');
        this.#line.say({ code: 221, enhanced: '2.0.0', text: `${this.#options.hostname} closing` });
        return this.#line.end(true);
      case 'STARTTLS':
        return this.#startTls(argument, line);
      case 'XCLIENT':
        return this.#xclient(argument, line);
      case 'EXPN':
      case 'TURN':
      case 'ETRN':
      case 'SEND':
      case 'SOML':
      case 'SAML':
      case 'AUTH':
      case 'BDAT':
        return this.refuse('not-implemented', 'other', line);
      default:
        return this.refuse(HTTP.test(line) ? 'http-request' : 'unknown-command', 'other', line);
    }
  }

  /** The end of the message came. */
  async ended(): Promise<void> {
    const message = this.message!;
    this.message = undefined;
    this.#transaction = undefined;
    if (message.refusal !== undefined) return this.refuse(message.refusal, 'content', '');
    // The client that left before its reply will come again: taking this one would make two.
    if (this.#line.gone()) return message.abandon();
    const { commit } = this.#options.limits;
    const content = await this.#line.ask(commit, message.finish());
    this.#speak(await this.#line.ask(commit, this.#session.content(content)));
    this.#idle = 0;
  }

  /** More came after the refusal than we read: the reply goes out at once, and the connection with it. */
  giveUp(): void {
    const reason = this.message!.refusal!;
    this.message = undefined;
    this.#transaction = undefined;
    this.refuse(reason, 'content', '', undefined, true);
  }

  /** Refuses by the wire's own rules; the session puts it on record. */
  refuse(reason: WireReason, command: WireRefusal['command'], said: string, text?: string, close = false): void {
    const rule = WIRE_REFUSALS[reason];
    const reply = text === undefined ? rule.reply : { ...rule.reply, text };
    this.#speak(
      this.#session.refused({ reason, reply, command, text: said.slice(0, SAID_MAX), close: close || rule.close }),
    );
    if (!rule.close && ++this.#errors >= this.#options.limits.errors) this.refuse('too-many-errors', 'other', '');
  }

  /** The handshake is done: what was said before it is forgotten (RFC 3207 §4.2). */
  secured(tls: TlsInfo): void {
    this.#tls = true;
    this.#helo = false;
    this.#reset();
    this.#session.tls(tls);
  }

  /** Idempotent. */
  close(): void {
    this.message?.abandon();
    this.message = undefined;
    this.#session.close();
  }

  /** Nothing has begun that the client would have to send again. */
  get resting(): boolean {
    return this.message === undefined;
  }

  async #hello(verb: 'EHLO' | 'HELO', name: string, line: string): Promise<void> {
    if (!/^[\x21-\x7e]{1,255}$/.test(name))
      return this.refuse('syntax', verb, line, `write ${verb} and your host name`);
    this.#reset(); // RFC 5321 §4.1.4: as if RSET had been said
    const spoken = await this.#ask(this.#session.helo(verb, name));
    if (spoken.reply.code !== 250) return this.#speak(spoken);
    this.#helo = true;
    const { hostname, limits, smtpUtf8, dsn, tls, trustsXclient } = this.#options;
    const offered = keywords({
      smtpUtf8,
      dsn,
      messageBytes: limits.messageBytes,
      startTls: tls !== undefined && !this.#tls,
      xclient: trustsXclient,
    });
    const text = verb === 'EHLO' ? [hostname, ...offered].join('\n') : hostname;
    this.#speak({ ...spoken, reply: { code: 250, enhanced: '', text } });
  }

  async #mail(argument: string, line: string): Promise<void> {
    if (!this.#helo) return this.refuse('bad-sequence', 'MAIL', line, 'send EHLO first');
    if (this.#transaction !== undefined) return this.refuse('bad-sequence', 'MAIL', line, 'MAIL was said already');
    const read = readMail(argument, this.#options, this.#options.limits.messageBytes);
    if (read.kind === 'bad') return this.refuse(read.reason, 'MAIL', line, read.text);
    const spoken = await this.#ask(this.#session.mail(read.value.path, read.value.parameters));
    if (positive(spoken)) this.#transaction = { utf8: read.value.parameters.utf8 === true, taken: 0 };
    this.#speak(spoken);
  }

  async #rcpt(argument: string, line: string): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.refuse('bad-sequence', 'RCPT', line, 'send MAIL first');
    const read = readRcpt(argument, this.#options, transaction.utf8);
    if (read.kind === 'bad') return this.refuse(read.reason, 'RCPT', line, read.text);
    if (transaction.taken >= this.#options.limits.recipients) return this.refuse('too-many-recipients', 'RCPT', line);
    const spoken = await this.#ask(this.#session.rcpt(read.value));
    if (positive(spoken)) transaction.taken++;
    this.#speak(spoken);
  }

  async #data(argument: string, line: string): Promise<void> {
    if (argument !== '') return this.refuse('syntax', 'DATA', line, 'DATA takes no argument');
    if (this.#transaction === undefined) return this.refuse('bad-sequence', 'DATA', line, 'send MAIL first');
    // DATA ends a pipelined group (RFC 2920 §3.1). What follows it is a message whose sender listens to nobody, and must
    // not be read as commands.
    if (this.#line.ahead()) return this.refuse('early-data', 'DATA', line);
    if (this.#transaction.taken === 0) return this.refuse('no-recipients', 'DATA', line);
    const answer = await this.#ask(this.#session.data());
    if (answer.kind === 'refuse') {
      this.#transaction = undefined;
      return this.#speak(answer.spoken);
    }
    const message = new IncomingMessage(answer.writer, this.#options.newline, this.#options.limits);
    if (this.#line.gone()) return message.abandon();
    if (this.#line.ahead()) {
      message.abandon();
      return this.refuse('early-data', 'DATA', line);
    }
    this.message = message;
    this.#line.say({ code: 354, enhanced: '', text: 'end with CR LF . CR LF' });
  }

  #startTls(argument: string, line: string): void {
    const { tls } = this.#options;
    if (tls === undefined) this.refuse('not-implemented', 'other', line);
    else if (this.#tls) this.refuse('bad-sequence', 'other', line, 'TLS is active already');
    else if (argument !== '') this.refuse('syntax', 'other', line, 'STARTTLS takes no argument');
    else {
      this.#line.say({ code: 220, enhanced: '2.0.0', text: 'ready to start TLS' });
      this.#line.startTls(tls);
    }
  }

  async #xclient(argument: string, line: string): Promise<void> {
    if (!this.#options.trustsXclient) return this.refuse('xclient-refused', 'other', line);
    if (this.#transaction !== undefined) return this.refuse('bad-sequence', 'other', line, 'a transaction is open');
    const read = readXclient(argument, this.#client);
    if (read.kind === 'bad') return this.refuse('syntax', 'other', line, read.why);
    // "The server replies with its greeting", and everything starts anew.
    this.#session.close();
    this.#client = read.client;
    this.#helo = false;
    this.#session = this.#options.open(read.client);
    if (read.login !== '') this.#session.authenticated(read.login);
    await this.greet(false);
  }

  #reset(): void {
    this.#transaction = undefined;
    this.#session.reset();
  }

  #idly(reply: Reply): void {
    if (++this.#idle > this.#options.limits.idleCommands) this.refuse('too-many-commands', 'other', '');
    else this.#line.say(reply);
  }

  #ask<T>(answer: Promise<T>): Promise<T> {
    return this.#line.ask(this.#options.limits.decision, answer);
  }

  #speak(spoken: Spoken): void {
    this.#line.say(spoken.reply);
    if (spoken.close) this.#line.end();
  }
}

/** Of what a client wrote, the record keeps this much. */
const SAID_MAX = 512;
const OK: Reply = { code: 250, enhanced: '2.0.0', text: 'OK' };
/** Of what RFC 3207 §4 refuses before STARTTLS, all that takes or tells something. */
const NEEDS_TLS: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN', 'AUTH', 'ETRN']);
/** A browser made to speak to us; what follows its request line is not a mistake of a mail program. */
const HTTP = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT) .* HTTP\/\d/i;

const positive = (spoken: Spoken): boolean => spoken.reply.code >= 200 && spoken.reply.code < 300 && !spoken.close;
