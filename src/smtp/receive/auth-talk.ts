/** AUTH within the dialogue (RFC 4954): what is offered, the lines of an exchange, and that nothing of a password is kept. */
import { LoginExchange, PlainExchange } from './plain-login.ts';
import type { WireReason } from './refusals.ts';
import { type Exchange, readResponse, type SaslStep } from './sasl.ts';
import { ScramExchange } from './scram.ts';
import type { Mechanism, Session, Spoken } from './session.ts';

/** AUTH as a listener offers it, over TLS. */
export interface AuthOffer {
  /** Nobody sends without. */
  readonly required: boolean;
  /** Asked whenever they are offered or used: users come and go. */
  mechanisms(): readonly Mechanism[];
}

export type AuthAnswer =
  | { readonly kind: 'challenge'; readonly text: string }
  | { readonly kind: 'refuse'; readonly reason: WireReason; readonly said: string; readonly text?: string }
  | { readonly kind: 'ended'; readonly spoken: Spoken };

/** Where the dialogue stands. */
export interface AuthPlace {
  readonly session: Session;
  readonly tls: boolean;
  readonly helo: boolean;
  readonly transaction: boolean;
}

export class AuthTalk {
  readonly #offer: AuthOffer | undefined;
  #exchange: Exchange | undefined;
  /** SCRAM's last challenge is out; the answer to it is nothing, and then this is said. */
  #last: Spoken | undefined;
  authenticated = false;
  /** AUTH was said: a line that is no command may be a password of a client that does not listen. */
  #secrets = false;

  constructor(offer: AuthOffer | undefined) {
    this.#offer = offer;
  }

  /** The next line is no command. */
  get running(): boolean {
    return this.#exchange !== undefined;
  }

  /** Over TLS only, and once. */
  mechanisms(tls: boolean): readonly Mechanism[] {
    return tls && !this.authenticated ? (this.#offer?.mechanisms() ?? []) : [];
  }

  /** What of a line may go on record. */
  shown(said: string): string {
    if (this.#exchange !== undefined) return '';
    const auth = /^\s*AUTH\b[ \t]*([A-Za-z0-9_-]{0,20})/i.exec(said);
    if (auth !== null) return `AUTH ${auth[1]}`;
    return this.#secrets && !/^(?:AUTH|BDAT|DATA|EHLO|HELO|MAIL|NOOP|QUIT|RCPT|RSET|VRFY|XCLIENT)(?: |$)/i.test(said)
      ? ''
      : said;
  }

  /** Of a connection that begins anew. */
  forget(): void {
    this.#exchange = undefined;
    this.#last = undefined;
    this.authenticated = false;
  }

  async begin(argument: string, { session, tls, helo, transaction }: AuthPlace): Promise<AuthAnswer> {
    this.#secrets = true;
    const [name = '', ...rest] = argument.split(' ');
    const refuse = (reason: WireReason, text?: string): AuthAnswer => ({
      kind: 'refuse',
      reason,
      said: `AUTH ${name}`,
      ...(text === undefined ? {} : { text }),
    });
    if (this.#offer === undefined) return refuse('not-implemented');
    if (!tls) return refuse('auth-needs-tls');
    if (!helo) return refuse('bad-sequence', 'send EHLO first');
    if (this.authenticated || transaction) return refuse('auth-sequence');
    const mechanism = this.mechanisms(tls).find((one) => one === name.toUpperCase());
    if (mechanism === undefined) return refuse('auth-mechanism');
    const initial = rest.length === 0 ? undefined : readResponse(rest.join(' '));
    if (rest.length > 0 && initial === undefined) return refuse('auth-syntax');
    this.#exchange = exchangeOf(mechanism, session);
    return this.#went(this.#exchange, await this.#exchange.begin(initial), session);
  }

  /** A line of the client within the exchange. */
  async respond(line: string, session: Session): Promise<AuthAnswer> {
    const exchange = this.#exchange!;
    const response = line === '*' ? undefined : readResponse(line);
    const last = this.#last;
    if (response !== undefined && last === undefined)
      return this.#went(exchange, await exchange.next(response), session);
    this.#exchange = undefined;
    this.#last = undefined;
    if (response?.length === 0 && last !== undefined) {
      this.authenticated = true;
      return { kind: 'ended', spoken: last };
    }
    const reason = line === '*' ? 'auth-cancelled' : 'auth-syntax';
    return { kind: 'refuse', reason, said: `AUTH ${exchange.mechanism}` };
  }

  async #went(exchange: Exchange, step: SaslStep, session: Session): Promise<AuthAnswer> {
    if (step.kind === 'challenge') return { kind: 'challenge', text: base64(step.octets) };
    this.#exchange = undefined;
    if (step.kind === 'bad')
      return { kind: 'refuse', reason: 'auth-syntax', said: `AUTH ${exchange.mechanism}`, text: step.why };
    const { credentials } = step;
    const spoken = await session.login(exchange.mechanism, credentials);
    if (spoken.reply.code !== 235 || credentials.kind !== 'scram') {
      this.authenticated = spoken.reply.code === 235;
      return { kind: 'ended', spoken };
    }
    // RFC 4954 §4: what the server says last is a challenge too, and answered with nothing.
    this.#exchange = exchange;
    this.#last = spoken;
    return { kind: 'challenge', text: base64(credentials.verifier) };
  }
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');

function exchangeOf(mechanism: Mechanism, session: Session): Exchange {
  switch (mechanism) {
    case 'PLAIN':
      return new PlainExchange();
    case 'LOGIN':
      return new LoginExchange();
    case 'SCRAM-SHA-256':
      return new ScramExchange((user) => session.scramKeys(user));
  }
}
