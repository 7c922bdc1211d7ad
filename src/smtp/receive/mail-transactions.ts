/** The mail transactions of a connection, one after the other (RFC 5321 §3.3): MAIL, RCPT, and the message by DATA or in chunks (RFC 3030). */
import { StoreError } from '../../ports/store-error.ts';
import type { Answers } from './answers.ts';
import { Chunk, readBdat } from './chunks.ts';
import { IncomingMessage, type Newline } from './incoming-message.ts';
import type { ReceiveLimits } from './limits.ts';
import type { Line } from './line.ts';
import { type Offers, readMail, readRcpt } from './parameters.ts';
import type { WireReason } from './refusals.ts';
import type { Spoken, WireRefusal } from './session.ts';
import type { Spooling } from './spooling.ts';

export interface TransactionOptions {
  readonly newline: Newline;
  readonly limits: ReceiveLimits;
  /** Of all sessions. */
  readonly spooling: Spooling;
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

export class MailTransactions {
  /** While a message comes, what was read belongs to it. */
  message: IncomingMessage | undefined;
  /** While a chunk comes, what was read belongs to it. */
  chunk: Chunk | undefined;
  /** A message of which chunks have come, and the last one has not. */
  #chunked: IncomingMessage | undefined;
  #transaction: Transaction | undefined;
  #mails = 0;
  readonly #line: Line;
  readonly #answers: Answers;
  readonly #options: TransactionOptions;

  constructor(line: Line, answers: Answers, options: TransactionOptions) {
    this.#line = line;
    this.#answers = answers;
    this.#options = options;
  }

  /** MAIL was said and taken, and nothing has ended it. */
  get open(): boolean {
    return this.#transaction !== undefined;
  }

  /** What the client owes octets of: a message, also between two of its chunks, or a chunk that is only read. */
  get arriving(): Arriving | undefined {
    return this.message ?? this.#chunked ?? this.chunk;
  }

  /** Nothing has begun that the client would have to send again. */
  get resting(): boolean {
    return this.message === undefined && this.chunk === undefined && this.#chunked === undefined;
  }

  async mail(argument: string, line: string, offers: Offers): Promise<void> {
    const { limits, spooling } = this.#options;
    if (this.open) return this.#answers.refuse('bad-sequence', 'MAIL', line, 'MAIL was said already');
    // "The count includes all MAIL FROM commands, regardless of whether they succeed or fail" (RFC 9422 §4.1).
    if (++this.#mails > limits.transactions) return this.#answers.refuse('too-many-transactions', 'MAIL', line);
    const read = readMail(argument, offers, limits.messageBytes);
    if (read.kind === 'bad') return this.#answers.refuse(read.reason, 'MAIL', line, read.text);
    const { size = 1, utf8 = false } = read.value.parameters;
    // RFC 1870 §6.1: "insufficient system storage", and no error of the client's.
    if (!spooling.hasRoom(size)) return this.#answers.speak(this.#answers.refusal('no-room', 'MAIL', line));
    const spoken = await this.#answers.ask(this.#answers.session.mail(read.value.path, read.value.parameters));
    if (positive(spoken)) this.#transaction = { utf8, size, taken: 0, overflow: undefined };
    this.#answers.speak(spoken);
  }

  async rcpt(argument: string, line: string, offers: Offers): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#answers.refuse('bad-sequence', 'RCPT', line, 'send MAIL first');
    if (this.#chunked !== undefined) return this.#answers.refuse('bad-sequence', 'RCPT', line, IN_CHUNKS);
    const read = readRcpt(argument, offers, transaction.utf8);
    if (read.kind === 'bad') return this.#answers.refuse(read.reason, 'RCPT', line, read.text);
    // No error of the client's: some pipeline all recipients they have, and to cut them off would lose those we took.
    if (transaction.taken >= this.#options.limits.recipients) {
      transaction.overflow ??= this.#answers.refusal('too-many-recipients', 'RCPT', line);
      return this.#answers.speak(transaction.overflow);
    }
    const spoken = await this.#answers.ask(this.#answers.session.rcpt(read.value));
    if (positive(spoken)) transaction.taken++;
    this.#answers.speakOfRecipient(spoken);
  }

  async data(argument: string, line: string): Promise<void> {
    const { limits, spooling } = this.#options;
    if (argument !== '') return this.#answers.refuse('syntax', 'DATA', line, 'DATA takes no argument');
    if (this.#transaction === undefined) return this.#answers.refuse('bad-sequence', 'DATA', line, 'send MAIL first');
    if (this.#chunked !== undefined && !this.#line.ahead())
      return this.#answers.refuse('bad-sequence', 'DATA', line, IN_CHUNKS);
    // DATA ends a pipelined group (RFC 2920 §3.1). What follows it is a message whose sender listens to nobody, and must
    // not be read as commands.
    if (this.#line.ahead()) return this.#answers.refuse('early-data', 'DATA', line);
    if (this.#transaction.taken === 0) return this.#answers.refuse('no-recipients', 'DATA', line);
    if (!spooling.hasRoom(this.#transaction.size)) {
      this.#transaction = undefined;
      return this.#answers.speak(this.#answers.refusal('no-room', 'content', line));
    }
    const answer = await this.#line.ask(limits.dataStart, this.#answers.session.data());
    if (answer.kind === 'refuse') {
      this.#transaction = undefined;
      return this.#answers.speak(answer.spoken);
    }
    const message = new IncomingMessage(answer.writer, this.#options.newline, limits, spooling);
    if (this.#line.gone()) return message.abandon();
    if (this.#line.ahead()) {
      message.abandon();
      return this.#answers.refuse('early-data', 'DATA', line);
    }
    this.message = message;
    this.#line.say({ code: 354, enhanced: '', text: 'end with CR LF . CR LF' });
  }

  /** `greeted`: the client was not told at its greeting that nothing is taken from it. */
  async bdat(argument: string, line: string, greeted: boolean): Promise<void> {
    const announced = readBdat(argument);
    // Where it ends cannot be known, so what follows cannot be told from commands.
    if (announced === undefined) return this.#answers.refuse('bad-chunk', 'DATA', line);
    const { limits, spooling } = this.#options;
    const refused = (refuse: () => void, close: () => void): void => {
      if (announced.octets > limits.drainBytes) close();
      else this.chunk = new Chunk(announced, { refuse });
    };
    const wrong = (reason: WireReason, command: WireRefusal['command'], text?: string): void =>
      refused(
        () => this.#answers.refuse(reason, command, line, text),
        () => this.#answers.refuse(reason, command, line, text, true),
      );
    const transaction = this.#transaction;
    if (!greeted) wrong('greeting-refused', 'other');
    else if (transaction === undefined) wrong('bad-sequence', 'DATA', 'send MAIL first');
    else if (transaction.taken === 0) wrong('no-recipients', 'DATA');
    else if (this.#chunked?.overflows(announced.octets) ?? announced.octets > limits.messageBytes) {
      this.reset();
      wrong('too-large', 'content');
    } else if (!spooling.hasRoom(announced.octets)) {
      this.reset();
      wrong('no-room', 'content');
    } else if (this.#chunked !== undefined) this.chunk = new Chunk(announced, { message: this.#chunked });
    else {
      const answer = await this.#answers.ask(this.#answers.session.data());
      if (answer.kind === 'refuse') {
        this.#transaction = undefined;
        const { spoken } = answer;
        refused(
          () => this.#answers.speak(spoken),
          () => this.#answers.speak({ ...spoken, close: true }),
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
    if (octets === 0) this.#answers.idly(reply);
    else this.#line.say(reply);
  }

  /** More came after the refusal than we read: the reply goes out at once, and the connection with it. */
  giveUp(): void {
    const reason = (this.message ?? this.#chunked)!.refusal!;
    this.message = undefined;
    this.chunk = undefined;
    this.#chunked = undefined;
    this.#transaction = undefined;
    this.#answers.refuse(reason, 'content', '', undefined, true);
  }

  /** What was begun between two commands is forgotten. */
  reset(): void {
    this.#chunked?.abandon();
    this.#chunked = undefined;
    this.#transaction = undefined;
  }

  /** Nothing more comes. Idempotent. */
  close(): void {
    this.message?.abandon();
    this.message = undefined;
    this.chunk = undefined;
    this.reset();
  }

  async #take(message: IncomingMessage): Promise<void> {
    this.#transaction = undefined;
    if (message.refusal !== undefined) return this.#answers.refuse(message.refusal, 'content', '');
    // The client that left before its reply will come again: taking this one would make two.
    if (this.#line.gone()) return message.abandon();
    const { commit } = this.#options.limits;
    try {
      const content = await this.#line.ask(commit, message.finish());
      this.#answers.speak(await this.#line.ask(commit, this.#answers.session.content(content)));
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      return this.#answers.speak(this.#answers.refusal('no-room', 'content', ''));
    } finally {
      message.release();
    }
    this.#answers.gotSomewhere();
  }
}

/** RFC 3030 §2: DATA and BDAT do not mix in one transaction. */
const IN_CHUNKS = 'a message by BDAT has begun, send its last chunk or RSET';

const positive = (spoken: Spoken): boolean => spoken.reply.code >= 200 && spoken.reply.code < 300 && !spoken.close;
