/** The conversation: commands in order, each answered once, each hook of the session awaited before the next (RFC 5321 §4.1). */
import type { Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import { StoreError } from '../../ports/store-error.ts';
import { type AuthAnswer, type AuthOffer, AuthTalk } from './auth-talk.ts';
import { Chunk, readBdat } from './chunks.ts';
import type { TlsOffer } from './handshake.ts';
import { IncomingMessage, type Newline } from './incoming-message.ts';
import { keywords } from './keywords.ts';
import type { ReceiveLimits } from './limits.ts';
import { type Offers, readMail, readRcpt } from './parameters.ts';
import { WIRE_REFUSALS, type WireReason } from './refusals.ts';
import type { ClientInfo, OpenSession, Session, Spoken, TlsInfo, WireRefusal } from './session.ts';
import type { Spooling } from './spooling.ts';
import { readXclient } from './xclient.ts';

export interface DialogueOptions extends Omit<Offers, 'requireTls' | 'auth'> {
  readonly hostname: string;
  readonly newline: Newline;
  readonly limits: ReceiveLimits;
  /** Of all sessions. */
  readonly spooling: Spooling;
  readonly greetWait: Millis;
  /** Undefined: TLS is not spoken here. */
  readonly tls: TlsOffer | undefined;
  /** Undefined: nobody logs in here. */
  readonly auth?: AuthOffer | undefined;
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
  /** The session's time is over: nothing more is begun. */
  spent(): boolean;
  /** The peer is gone, or the connection was closed meanwhile: nothing may be started. */
  gone(): boolean;
  /** Hands the connection to TLS after the reply. */
  startTls(offer: TlsOffer): void;
  /** Closes after the replies; at once when the client said it is done (`farewell`), else when it has heard them. */
  end(farewell?: boolean): void;
}

interface Transaction {
  readonly utf8: boolean;
  /** Octets as announced, or one. */
  readonly size: number;
  taken: number;
  /** The reply to one recipient too many: on record once, said to all that follow. */
  overflow: Spoken | undefined;
}

/** Message or chunk: octets that are no commands, and how many of them have come. */
export interface Arriving {
  readonly received: number;
}

export class Dialogue {
  /** While a message comes, what was read belongs to it. */
  message: IncomingMessage | undefined;
  /** While a chunk comes, what was read belongs to it. */
  chunk: Chunk | undefined;
  /** A message of which chunks have come, and the last one has not. */
  #chunked: IncomingMessage | undefined;
  readonly #line: Line;
  readonly #options: DialogueOptions;
  #client: ClientInfo;
  #session: Session;
  #tls = false;
  #refusedGreeting = false;
  #helo = false;
  #transaction: Transaction | undefined;
  readonly #auth: AuthTalk;
  #mails = 0;
  #errors = 0;
  /** Since the last message: commands that carry none, and greetings among all. */
  #idle = 0;
  #greetings = 0;
  #commands = 0;
  #refusedRecipients = 0;

  constructor(line: Line, client: ClientInfo, options: DialogueOptions) {
    this.#line = line;
    this.#client = client;
    this.#options = options;
    this.#session = options.open(client);
    this.#auth = new AuthTalk(options.auth);
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
    if (this.#auth.running) return this.#login(this.#auth.respond(line, this.#session));
    const space = line.indexOf(' ');
    const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
    const argument = space < 0 ? '' : line.slice(space + 1).trim();
    if (verb !== 'QUIT') {
      if (this.#line.spent()) return this.refuse('session-too-long', 'other', '');
      if (++this.#commands > this.#options.limits.commands) return this.refuse('too-many-in-all', 'other', '');
    }
    // Before all that may be said to other commands: its octets are none.
    if (verb === 'BDAT') return this.#bdat(argument, line);
    if (this.#refusedGreeting && verb !== 'QUIT') return this.refuse('greeting-refused', 'other', line);
    if (NEEDS_TLS.has(verb) && this.#options.tls?.mode === 'required' && !this.#tls)
      return this.refuse('tls-required', verb === 'MAIL' ? 'MAIL' : 'other', line);
    if (verb === 'MAIL' && this.#auth.owed) return this.refuse('auth-required', 'MAIL', line);
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
          text: 'EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT, see RFC 5321',
        });
      case 'QUIT':
        if (argument !== '') return this.refuse('syntax', 'other', line, 'QUIT takes no argument');
        this.#line.say({ code: 221, enhanced: '2.0.0', text: `${this.#options.hostname} closing` });
        return this.#line.end(true);
      case 'STARTTLS':
        return this.#startTls(argument, line);
      case 'AUTH':
        return this.#login(
          this.#auth.begin(argument, {
            session: this.#session,
            tls: this.#tls,
            helo: this.#helo,
            transaction: this.#transaction !== undefined,
          }),
        );
      case 'XCLIENT':
        return this.#xclient(argument, line);
      case 'EXPN':
      case 'TURN':
      case 'ETRN':
      case 'SEND':
      case 'SOML':
      case 'SAML':
        return this.refuse('not-implemented', 'other', line);
      default:
        return this.refuse(HTTP.test(line) ? 'http-request' : 'unknown-command', 'other', line);
    }
  }

  /** The end of the message came. */
  async ended(): Promise<void> {
    const message = this.message!;
    this.message = undefined;
    await this.#take(message);
  }

  /** The octets of the chunk have come. */
  async chunkEnded(): Promise<void> {
    const { message, last, octets, refuse } = this.chunk!;
    this.chunk = undefined;
    if (message === undefined) return refuse?.();
    if (last) message.complete();
    if (last || message.refusal !== undefined) {
      this.#chunked = undefined;
      return this.#take(message);
    }
    const reply = { code: 250, enhanced: '2.0.0', text: `${octets} octets received` }; // RFC 3030 §2
    // A chunk of nothing brings the message no nearer to its end.
    if (octets === 0) this.#idly(reply);
    else this.#line.say(reply);
  }

  async #take(message: IncomingMessage): Promise<void> {
    this.#transaction = undefined;
    if (message.refusal !== undefined) return this.refuse(message.refusal, 'content', '');
    // The client that left before its reply will come again: taking this one would make two.
    if (this.#line.gone()) return message.abandon();
    const { commit } = this.#options.limits;
    try {
      const content = await this.#line.ask(commit, message.finish());
      this.#speak(await this.#line.ask(commit, this.#session.content(content)));
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      return this.#speak(this.#refusal('no-room', 'content', ''));
    } finally {
      message.release();
    }
    this.#idle = 0;
    this.#greetings = 0;
  }

  /** More came after the refusal than we read: the reply goes out at once, and the connection with it. */
  giveUp(): void {
    const reason = (this.message ?? this.#chunked)!.refusal!;
    this.message = undefined;
    this.chunk = undefined;
    this.#chunked = undefined;
    this.#transaction = undefined;
    this.refuse(reason, 'content', '', undefined, true);
  }

  /** Refuses by the wire's own rules; the session puts it on record. */
  refuse(reason: WireReason, command: WireRefusal['command'], said: string, text?: string, close = false): void {
    const rule = WIRE_REFUSALS[reason];
    this.#speak(this.#refusal(reason, command, said, text, close));
    // What ends the connection is its last word, and the session is closed with it.
    if (!rule.close && !close && ++this.#errors >= this.#options.limits.errors)
      this.refuse('too-many-errors', 'other', '');
  }

  /** The handshake is done: what was said before it is forgotten (RFC 3207 §4.2). */
  secured(tls: TlsInfo): void {
    this.#tls = true;
    this.#helo = false;
    this.#auth.forget();
    this.#reset();
    this.#session.tls(tls);
  }

  /** Idempotent. */
  close(): void {
    this.message?.abandon();
    this.message = undefined;
    this.chunk = undefined;
    this.#dropChunks();
    this.#session.close();
  }

  /** What the client owes octets of: a message, also between two of its chunks, or a chunk that is only read. */
  get arriving(): Arriving | undefined {
    return this.message ?? this.#chunked ?? this.chunk;
  }

  /** Nothing has begun that the client would have to send again. */
  get resting(): boolean {
    return this.message === undefined && this.chunk === undefined && this.#chunked === undefined;
  }

  async #hello(verb: 'EHLO' | 'HELO', name: string, line: string): Promise<void> {
    if (!/^[\x21-\x7e]{1,255}$/.test(name))
      return this.refuse('syntax', verb, line, `write ${verb} and your host name`);
    if (++this.#greetings > this.#options.limits.greetings) return this.refuse('too-many-commands', verb, '');
    this.#reset(); // RFC 5321 §4.1.4: as if RSET had been said
    const spoken = await this.#ask(this.#session.helo(verb, name));
    if (spoken.reply.code !== 250) return this.#speak(spoken);
    this.#helo = true;
    const { hostname, limits, smtpUtf8, dsn, tls, trustsXclient } = this.#options;
    const offered = keywords({
      smtpUtf8,
      requireTls: this.#tls,
      dsn: dsn || this.#auth.authenticated,
      messageBytes: limits.messageBytes,
      recipients: limits.recipients,
      transactions: limits.transactions,
      startTls: tls !== undefined && !this.#tls,
      xclient: trustsXclient,
      mechanisms: this.#auth.mechanisms(this.#tls),
    });
    const text = verb === 'EHLO' ? [hostname, ...offered].join('\n') : hostname;
    this.#speak({ ...spoken, reply: { code: 250, enhanced: '', text } });
  }

  async #mail(argument: string, line: string): Promise<void> {
    if (!this.#helo) return this.refuse('bad-sequence', 'MAIL', line, 'send EHLO first');
    if (this.#transaction !== undefined) return this.refuse('bad-sequence', 'MAIL', line, 'MAIL was said already');
    // "The count includes all MAIL FROM commands, regardless of whether they succeed or fail" (RFC 9422 §4.1).
    if (++this.#mails > this.#options.limits.transactions) return this.refuse('too-many-transactions', 'MAIL', line);
    const read = readMail(argument, this.#offers, this.#options.limits.messageBytes);
    if (read.kind === 'bad') return this.refuse(read.reason, 'MAIL', line, read.text);
    const { size = 1, utf8 = false } = read.value.parameters;
    // RFC 1870 §6.1: "insufficient system storage", and no error of the client's.
    if (!this.#options.spooling.hasRoom(size)) return this.#speak(this.#refusal('no-room', 'MAIL', line));
    const spoken = await this.#ask(this.#session.mail(read.value.path, read.value.parameters));
    if (positive(spoken)) this.#transaction = { utf8, size, taken: 0, overflow: undefined };
    this.#speak(spoken);
  }

  async #rcpt(argument: string, line: string): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.refuse('bad-sequence', 'RCPT', line, 'send MAIL first');
    if (this.#chunked !== undefined) return this.refuse('bad-sequence', 'RCPT', line, IN_CHUNKS);
    const read = readRcpt(argument, this.#offers, transaction.utf8);
    if (read.kind === 'bad') return this.refuse(read.reason, 'RCPT', line, read.text);
    const { recipients, refusedRecipients } = this.#options.limits;
    // No error of the client's: some pipeline all recipients they have, and to cut them off would lose those we took.
    if (transaction.taken >= recipients) {
      transaction.overflow ??= this.#refusal('too-many-recipients', 'RCPT', line);
      return this.#speak(transaction.overflow);
    }
    const spoken = await this.#ask(this.#session.rcpt(read.value));
    if (positive(spoken)) transaction.taken++;
    this.#speak(spoken);
    if (spoken.reply.code >= 500 && ++this.#refusedRecipients >= refusedRecipients)
      this.refuse('too-many-refused', 'other', '');
  }

  async #data(argument: string, line: string): Promise<void> {
    if (argument !== '') return this.refuse('syntax', 'DATA', line, 'DATA takes no argument');
    if (this.#transaction === undefined) return this.refuse('bad-sequence', 'DATA', line, 'send MAIL first');
    if (this.#chunked !== undefined && !this.#line.ahead()) return this.refuse('bad-sequence', 'DATA', line, IN_CHUNKS);
    // DATA ends a pipelined group (RFC 2920 §3.1). What follows it is a message whose sender listens to nobody, and must
    // not be read as commands.
    if (this.#line.ahead()) return this.refuse('early-data', 'DATA', line);
    if (this.#transaction.taken === 0) return this.refuse('no-recipients', 'DATA', line);
    if (!this.#options.spooling.hasRoom(this.#transaction.size)) {
      this.#transaction = undefined;
      return this.#speak(this.#refusal('no-room', 'content', line));
    }
    const answer = await this.#line.ask(this.#options.limits.dataStart, this.#session.data());
    if (answer.kind === 'refuse') {
      this.#transaction = undefined;
      return this.#speak(answer.spoken);
    }
    const message = new IncomingMessage(
      answer.writer,
      this.#options.newline,
      this.#options.limits,
      this.#options.spooling,
    );
    if (this.#line.gone()) return message.abandon();
    if (this.#line.ahead()) {
      message.abandon();
      return this.refuse('early-data', 'DATA', line);
    }
    this.message = message;
    this.#line.say({ code: 354, enhanced: '', text: 'end with CR LF . CR LF' });
  }

  async #bdat(argument: string, line: string): Promise<void> {
    const announced = readBdat(argument);
    // Where it ends cannot be known, so what follows cannot be told from commands.
    if (announced === undefined) return this.refuse('bad-chunk', 'DATA', line);
    const { limits, spooling } = this.#options;
    const refused = (refuse: () => void, close: () => void): void => {
      if (announced.octets > limits.drainBytes) close();
      else this.chunk = new Chunk(announced, { refuse });
    };
    const wrong = (reason: WireReason, command: WireRefusal['command'], text?: string): void =>
      refused(
        () => this.refuse(reason, command, line, text),
        () => this.refuse(reason, command, line, text, true),
      );
    const transaction = this.#transaction;
    if (this.#refusedGreeting) wrong('greeting-refused', 'other');
    else if (transaction === undefined) wrong('bad-sequence', 'DATA', 'send MAIL first');
    else if (transaction.taken === 0) wrong('no-recipients', 'DATA');
    else if (this.#chunked?.overflows(announced.octets) ?? announced.octets > limits.messageBytes) {
      this.#dropChunks();
      this.#transaction = undefined;
      wrong('too-large', 'content');
    } else if (!spooling.hasRoom(announced.octets)) {
      this.#dropChunks();
      this.#transaction = undefined;
      wrong('no-room', 'content');
    } else if (this.#chunked !== undefined) this.chunk = new Chunk(announced, { message: this.#chunked });
    else {
      const answer = await this.#ask(this.#session.data());
      if (answer.kind === 'refuse') {
        this.#transaction = undefined;
        const { spoken } = answer;
        refused(
          () => this.#speak(spoken),
          () => this.#speak({ ...spoken, close: true }),
        );
      } else {
        const message = new IncomingMessage(answer.writer, this.#options.newline, limits, spooling, 'BDAT');
        if (this.#line.gone()) return message.abandon();
        this.#chunked = message;
        this.chunk = new Chunk(announced, { message });
      }
    }
    if (this.chunk?.left === 0) await this.chunkEnded();
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

  /** DSN is for senders who are known: a stranger's wish for a notification is a way to make backscatter. */
  get #offers(): Offers {
    const { smtpUtf8, dsn, auth } = this.#options;
    return { smtpUtf8, dsn: dsn || this.#auth.authenticated, requireTls: this.#tls, auth: auth !== undefined };
  }

  async #login(talk: Promise<AuthAnswer>): Promise<void> {
    if (++this.#commands > this.#options.limits.commands) return this.refuse('too-many-in-all', 'other', '');
    const answer = await this.#ask(talk);
    if (answer.kind === 'challenge') return this.#line.say({ code: 334, enhanced: '', text: answer.text });
    if (answer.kind === 'refuse') return this.refuse(answer.reason, 'AUTH', answer.said, answer.text);
    this.#speak(answer.spoken);
    if (this.#auth.authenticated) {
      this.#idle = 0;
      this.#greetings = 0;
    } else if (!answer.spoken.close && ++this.#errors >= this.#options.limits.errors)
      this.refuse('too-many-errors', 'other', '');
  }

  async #xclient(argument: string, line: string): Promise<void> {
    if (!this.#options.trustsXclient) return this.refuse('xclient-refused', 'other', line);
    if (this.#transaction !== undefined) return this.refuse('bad-sequence', 'other', line, 'a transaction is open');
    const read = readXclient(argument, this.#client);
    if (read.kind === 'bad') return this.refuse('syntax', 'other', line, read.why);
    // "The server replies with its greeting", and everything starts anew.
    this.#session.close();
    this.#client = read.client;
    this.#auth.forget();
    this.#helo = false;
    this.#greetings = 0;
    this.#session = this.#options.open(read.client);
    if (read.login !== '') {
      this.#auth.authenticated = true;
      this.#session.authenticated(read.login);
    }
    await this.greet(false);
  }

  #reset(): void {
    this.#dropChunks();
    this.#transaction = undefined;
    this.#session.reset();
  }

  #dropChunks(): void {
    this.#chunked?.abandon();
    this.#chunked = undefined;
  }

  #idly(reply: Reply): void {
    if (++this.#idle > this.#options.limits.idleCommands) this.refuse('too-many-commands', 'other', '');
    else this.#line.say(reply);
  }

  #refusal(reason: WireReason, command: WireRefusal['command'], said: string, text?: string, close = false): Spoken {
    const { reply, close: closes } = WIRE_REFUSALS[reason];
    return this.#session.refused({
      reason,
      reply: text === undefined ? reply : { ...reply, text },
      command,
      text: this.#auth.shown(said).slice(0, SAID_MAX),
      close: close || closes,
    });
  }

  #ask<T>(answer: Promise<T>): Promise<T> {
    return this.#line.ask(this.#options.limits.decision, answer);
  }

  #speak(spoken: Spoken): void {
    this.#line.say(spoken.reply);
    if (spoken.close) this.#line.end();
  }
}

/** RFC 3030 §2: DATA and BDAT do not mix in one transaction. */
const IN_CHUNKS = 'a message by BDAT has begun, send its last chunk or RSET';
/** Of what a client wrote, the record keeps this much. */
const SAID_MAX = 512;
const OK: Reply = { code: 250, enhanced: '2.0.0', text: 'OK' };
/** Of what RFC 3207 §4 refuses before STARTTLS, all that takes or tells something. */
const NEEDS_TLS: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN', 'AUTH', 'ETRN']);
/** A browser made to speak to us; what follows its request line is not a mistake of a mail program. */
const HTTP = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT) .* HTTP\/\d/i;

const positive = (spoken: Spoken): boolean => spoken.reply.code >= 200 && spoken.reply.code < 300 && !spoken.close;
