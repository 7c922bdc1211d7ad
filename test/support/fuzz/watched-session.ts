/** Stands between the wire and the gateway's session, and watches that the one keeps to what `session.ts` says of the other. */
import type { MailParameters, Recipient, ReversePath } from '../../../src/mail/envelope.ts';
import type { ContentWriter, SpooledContent } from '../../../src/ports/content.ts';
import type {
  Credentials,
  DataAnswer,
  Mechanism,
  ScramKeys,
  Session,
  Spoken,
  TlsInfo,
  WireRefusal,
} from '../../../src/smtp/receive/session.ts';

export class WatchedSession implements Session {
  closed = false;
  /** MAIL commands that were asked: each is a transaction, and leaves a record. */
  transactions = 0;
  /** DATA or BDAT that were told to go on. */
  goes = 0;
  /** Ids that 250 to a message named. */
  readonly promised: string[] = [];
  /** Messages begun and neither finished nor abandoned; finished and not yet handed over. */
  writing = 0;
  finished: SpooledContent | undefined;
  #running = '';
  #greeted = false;
  #helo = false;
  #open = false;
  #taken = 0;
  #going = false;
  readonly #inner: Session;
  readonly #wrong: (what: string) => void;

  constructor(inner: Session, wrong: (what: string) => void) {
    this.#inner = inner;
    this.#wrong = wrong;
  }

  get resting(): boolean {
    return this.#running === '';
  }

  greet(earlyTalker: boolean): Promise<Spoken> {
    if (this.#greeted) this.#wrong('greeted twice');
    this.#greeted = true;
    return this.#call('greet', () => this.#inner.greet(earlyTalker));
  }

  async helo(verb: 'HELO' | 'EHLO', name: string): Promise<Spoken> {
    if (!this.#greeted) this.#wrong('helo before the greeting');
    if (this.#open) this.#wrong('helo in a transaction that was not reset');
    const spoken = await this.#call('helo', () => this.#inner.helo(verb, name));
    this.#helo = this.#helo || taken(spoken);
    return spoken;
  }

  tls(info: TlsInfo): void {
    this.#now('tls');
    this.#over();
    this.#helo = false;
    this.#inner.tls(info);
  }

  authenticated(user: string, addresses?: readonly string[]): void {
    this.#now('authenticated');
    this.#inner.authenticated(user, addresses);
  }

  scramKeys(user: string): Promise<ScramKeys> {
    return this.#call('scramKeys', () => this.#inner.scramKeys(user));
  }

  login(mechanism: Mechanism, credentials: Credentials): Promise<Spoken> {
    if (!this.#helo) this.#wrong('login before helo');
    if (this.#open) this.#wrong('login while a transaction is open');
    return this.#call('login', () => this.#inner.login(mechanism, credentials));
  }

  async mail(path: ReversePath, parameters: MailParameters): Promise<Spoken> {
    if (!this.#helo) this.#wrong('mail before helo');
    if (this.#open) this.#wrong('mail while a transaction is open');
    this.transactions += 1;
    const spoken = await this.#call('mail', () => this.#inner.mail(path, parameters));
    this.#open = taken(spoken);
    return spoken;
  }

  async rcpt(recipient: Recipient): Promise<Spoken> {
    if (!this.#open) this.#wrong('rcpt without mail');
    if (this.#going) this.#wrong('rcpt while a message comes');
    const spoken = await this.#call('rcpt', () => this.#inner.rcpt(recipient));
    if (taken(spoken)) this.#taken += 1;
    return spoken;
  }

  async data(): Promise<DataAnswer> {
    if (!this.#open) this.#wrong('data without mail');
    if (this.#taken === 0) this.#wrong('data without a recipient');
    if (this.#going) this.#wrong('data while a message comes');
    const answer = await this.#call('data', () => this.#inner.data());
    if (answer.kind === 'refuse') {
      this.#over();
      return answer;
    }
    this.#going = true;
    this.goes += 1;
    return { kind: 'go', writer: this.#watched(answer.writer) };
  }

  async content(content: SpooledContent): Promise<Spoken> {
    if (!this.#going && !this.closed) this.#wrong('content without data');
    if (this.finished !== content) this.#wrong('content that was not finished for this transaction');
    this.finished = undefined;
    const spoken = await this.#call('content', () => this.#inner.content(content), true);
    this.#over();
    if (spoken.reply.code === 250) this.promised.push(/^queued as (\S+)$/.exec(spoken.reply.text)?.[1] ?? '');
    return spoken;
  }

  refused(refusal: WireRefusal): Spoken {
    this.#now(`refused ${refusal.reason}`);
    if (refusal.command === 'content') {
      if (!this.#open) this.#wrong('content refused without a transaction');
      this.#over();
    }
    return this.#inner.refused(refusal);
  }

  reset(): void {
    this.#now('reset');
    this.#over();
    this.#inner.reset();
  }

  hungUp(): void {
    this.#inner.hungUp();
  }

  close(): void {
    this.closed = true;
    this.#inner.close();
  }

  async #call<T>(name: string, call: () => Promise<T>, afterEnd = false): Promise<T> {
    this.#now(name, afterEnd);
    this.#running = name;
    try {
      return await call();
    } catch (error) {
      this.#wrong(`${name} rejected: ${String(error)}`);
      throw error;
    } finally {
      this.#running = '';
    }
  }

  #now(name: string, afterEnd = false): void {
    if (this.#running !== '') this.#wrong(`${name} while ${this.#running} runs`);
    if (this.closed && !afterEnd) this.#wrong(`${name} after close`);
  }

  #over(): void {
    this.#open = false;
    this.#going = false;
    this.#taken = 0;
  }

  #watched(writer: ContentWriter): ContentWriter {
    let ended = '';
    this.writing += 1;
    const end = (how: string): void => {
      if (ended !== '') this.#wrong(`a message was ${ended} and then ${how}`);
      else this.writing -= 1;
      ended = how;
    };
    return {
      write: (chunk) => {
        if (ended !== '') this.#wrong(`a message was ${ended} and then written to`);
        return writer.write(chunk);
      },
      drained: () => writer.drained(),
      get size() {
        return writer.size;
      },
      finish: async () => {
        end('finished');
        this.finished = await writer.finish();
        return this.finished;
      },
      abandon: () => {
        end('abandoned');
        return writer.abandon();
      },
    };
  }
}

const taken = ({ reply, close }: Spoken): boolean => reply.code >= 200 && reply.code < 300 && !close;
