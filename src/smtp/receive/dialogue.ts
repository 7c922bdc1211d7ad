/** The conversation: commands in order, each answered once, each hook of the session awaited before the next (RFC 5321 §4.1). */
import type { Reply } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';
import { Answers } from './answers.ts';
import { type AuthAnswer, type AuthOffer, AuthTalk } from './auth-talk.ts';
import type { TlsOffer } from './handshake.ts';
import { keywords } from './keywords.ts';
import type { Line } from './line.ts';
import { MailTransactions, type TransactionOptions } from './mail-transactions.ts';
import { owedBefore } from './owed.ts';
import type { Offers } from './parameters.ts';
import type { WireReason } from './refusals.ts';
import type { ClientInfo, OpenSession, TlsInfo, WireRefusal } from './session.ts';
import { readXclient } from './xclient.ts';

export interface DialogueOptions extends TransactionOptions, Omit<Offers, 'requireTls' | 'auth'> {
  readonly hostname: string;
  readonly greetWait: Millis;
  /** Undefined: TLS is not spoken here. */
  readonly tls: TlsOffer | undefined;
  /** Undefined: nobody logs in here. */
  readonly auth?: AuthOffer | undefined;
  readonly trustsXclient: boolean;
  readonly open: OpenSession;
}

export class Dialogue {
  readonly mail: MailTransactions;
  readonly #line: Line;
  readonly #options: DialogueOptions;
  readonly #answers: Answers;
  readonly #auth: AuthTalk;
  #client: ClientInfo;
  #tls = false;
  #refusedGreeting = false;
  #helo = false;

  constructor(line: Line, client: ClientInfo, options: DialogueOptions) {
    this.#line = line;
    this.#client = client;
    this.#options = options;
    this.#auth = new AuthTalk(options.auth);
    this.#answers = new Answers(line, options.open(client), options.limits, (said) => this.#auth.shown(said));
    this.mail = new MailTransactions(line, this.#answers, options);
  }

  async greet(earlyTalker: boolean): Promise<void> {
    const spoken = await this.#answers.ask(this.#answers.session.greet(earlyTalker));
    const welcome = spoken.reply.code === 220;
    this.#refusedGreeting = !welcome;
    // RFC 2034 §4: a greeting carries no enhanced code.
    this.#answers.speak(
      welcome
        ? { ...spoken, reply: { code: 220, enhanced: '', text: `${this.#options.hostname} ESMTP Postern` } }
        : spoken,
    );
  }

  /** One command line, without its CR LF. */
  async command(line: string): Promise<void> {
    if (this.#auth.running) return this.#login(this.#auth.respond(line, this.#answers.session));
    const space = line.indexOf(' ');
    const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
    const argument = space < 0 ? '' : line.slice(space + 1).trim();
    if (verb !== 'QUIT') {
      if (this.#line.spent()) return this.refuse('session-too-long', 'other', '');
      if (!this.#answers.takesCommand()) return;
    }
    // Before all that may be said to other commands: its octets are none.
    if (verb === 'BDAT') return this.mail.bdat(argument, line, !this.#refusedGreeting);
    if (this.#refusedGreeting && verb !== 'QUIT') return this.refuse('greeting-refused', 'other', line);
    const { tls, auth } = this.#options;
    const owed = owedBefore(
      verb,
      { tls: tls?.mode === 'required', login: auth?.required === true },
      { tls: this.#tls, login: this.#auth.authenticated },
    );
    if (owed !== undefined) return this.refuse(owed, verb === 'MAIL' ? 'MAIL' : 'other', line);
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.#hello(verb, argument, line);
      case 'MAIL':
        if (!this.#helo) return this.refuse('bad-sequence', 'MAIL', line, 'send EHLO first');
        return this.mail.mail(argument, line, this.#offers);
      case 'RCPT':
        return this.mail.rcpt(argument, line, this.#offers);
      case 'DATA':
        return this.mail.data(argument, line);
      case 'RSET':
        if (argument !== '') return this.refuse('syntax', 'other', line, 'RSET takes no argument');
        this.#reset();
        return this.#answers.idly(OK);
      case 'NOOP':
        return this.#answers.idly(OK);
      case 'VRFY':
        // Nothing reveals whether a recipient exists before the policy says so (RFC 5321 §7.3).
        return this.#answers.idly({ code: 252, enhanced: '2.1.5', text: 'send mail to find out' });
      case 'HELP':
        return this.#answers.idly({
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
            session: this.#answers.session,
            tls: this.#tls,
            helo: this.#helo,
            transaction: this.mail.open,
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

  /** Refuses by the wire's own rules. */
  refuse(reason: WireReason, command: WireRefusal['command'], said: string, text?: string): void {
    this.#answers.refuse(reason, command, said, text);
  }

  /** The handshake is done: what was said before it is forgotten (RFC 3207 §4.2). */
  secured(tls: TlsInfo): void {
    this.#tls = true;
    this.#helo = false;
    this.#auth.forget();
    this.#reset();
    this.#answers.session.tls(tls);
  }

  hungUp(): void {
    this.#answers.session.hungUp();
  }

  /** Idempotent. */
  close(): void {
    this.mail.close();
    this.#answers.session.close();
  }

  async #hello(verb: 'EHLO' | 'HELO', name: string, line: string): Promise<void> {
    if (!/^[\x21-\x7e]{1,255}$/.test(name))
      return this.refuse('syntax', verb, line, `write ${verb} and your host name`);
    if (!this.#answers.takesGreeting(verb)) return;
    this.#reset(); // RFC 5321 §4.1.4: as if RSET had been said
    const spoken = await this.#answers.ask(this.#answers.session.helo(verb, name));
    if (spoken.reply.code !== 250) return this.#answers.speak(spoken);
    this.#helo = true;
    const { hostname, limits, tls, trustsXclient } = this.#options;
    const offered = keywords({
      ...this.#offers,
      messageBytes: limits.messageBytes,
      recipients: limits.recipients,
      transactions: limits.transactions,
      startTls: tls !== undefined && !this.#tls,
      xclient: trustsXclient,
      mechanisms: this.#auth.mechanisms(this.#tls),
    });
    const text = verb === 'EHLO' ? [hostname, ...offered].join('\n') : hostname;
    this.#answers.speak({ ...spoken, reply: { code: 250, enhanced: '', text } });
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
    if (!this.#answers.takesCommand()) return;
    const answer = await this.#answers.ask(talk);
    if (answer.kind === 'challenge') return this.#line.say({ code: 334, enhanced: '', text: answer.text });
    if (answer.kind === 'refuse') return this.refuse(answer.reason, 'AUTH', answer.said, answer.text);
    this.#answers.speak(answer.spoken);
    if (this.#auth.authenticated) this.#answers.gotSomewhere();
    else if (!answer.spoken.close) this.#answers.erred();
  }

  async #xclient(argument: string, line: string): Promise<void> {
    if (!this.#options.trustsXclient) return this.refuse('xclient-refused', 'other', line);
    if (this.mail.open) return this.refuse('bad-sequence', 'other', line, 'a transaction is open');
    const read = readXclient(argument, this.#client);
    if (read.kind === 'bad') return this.refuse('syntax', 'other', line, read.why);
    // "The server replies with its greeting", and everything starts anew.
    this.#answers.session.close();
    this.#client = read.client;
    this.#auth.forget();
    this.#helo = false;
    this.#answers.anew(this.#options.open(read.client));
    if (read.login !== '') {
      this.#auth.authenticated = true;
      this.#answers.session.authenticated(read.login);
    }
    await this.greet(false);
  }

  #reset(): void {
    this.mail.reset();
    this.#answers.session.reset();
  }
}

const OK: Reply = { code: 250, enhanced: '2.0.0', text: 'OK' };
/** A browser made to speak to us; what follows its request line is not a mistake of a mail program. */
const HTTP = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT) .* HTTP\/\d/i;
