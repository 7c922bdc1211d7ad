/** A connection from its greeting to its end: every command becomes facts, every answer comes from a decision. */

import type { MailParameters, Recipient, ReversePath } from '../mail/envelope.ts';
import { clean, type Reply } from '../mail/reply.ts';
import { advance, refuses } from '../policy/course.ts';
import type { FactValue } from '../policy/facts.ts';
import type { Stage } from '../policy/stage.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { SentReply } from '../record/record.ts';
import { WIRE_REFUSALS } from '../smtp/receive/refusals.ts';
import type {
  ClientInfo,
  Credentials,
  DataAnswer,
  Mechanism,
  ScramKeys,
  Session,
  Spoken,
  TlsInfo,
  WireRefusal,
} from '../smtp/receive/session.ts';
import { Logins } from './auth/login.ts';
import { userOf } from './auth/may-send.ts';
import { storeAnswer } from './await-store.ts';
import { builtinReply } from './builtin.ts';
import { takeContent } from './content.ts';
import { mailFacts } from './edge.ts';
import { Questions } from './evidence.ts';
import { Ledger } from './ledger.ts';
import { carryOutOrders } from './orders.ts';
import { takeRecipient } from './recipient.ts';
import { connectionRecord, transactionRecord } from './record-of.ts';
import { refusalReply } from './replies.ts';
import { decideStage, startChecks } from './run-stage.ts';
import { allStages, benchFor, instancesOf, newSessionState, type SessionState, verdictum } from './session-state.ts';
import { keep, type TransactionState } from './transaction.ts';
import { WalkedWriter, wantsInside } from './walked-writer.ts';
import type { OpenListener, World } from './world.ts';

export function openSession(world: World, listener: OpenListener, client: ClientInfo): Session {
  return new GatewaySession(newSessionState(world, listener, client));
}

/** Made once: a reason of its own for each session that ends cost a thirtieth of what a message does. */
const HAS_LEFT = new Error('the client has left');

class GatewaySession implements Session {
  readonly #state: SessionState;
  #tx: TransactionState | undefined;
  #closed = false;
  /** Calls under way: the client may leave in the middle of one, and what it began is told whole all the same. */
  #busy = 0;
  #leaving = false;
  readonly #logins: Logins;
  readonly #left = new AbortController();
  readonly #hungUp = new AbortController();

  constructor(state: SessionState) {
    this.#state = state;
    this.#logins = new Logins(state, this.#left.signal);
  }

  async greet(earlyTalker: boolean): Promise<Spoken> {
    const s = this.#state;
    return this.#guarded('connect', async () => {
      s.connect.state('early_talker', earlyTalker);
      const refused = await this.#sessionStage('connect', s.connect);
      if (refused !== undefined) return refused;
      return say({ code: 220, enhanced: '', text: `${s.current.installation.hostname} ESMTP Postern` });
    });
  }

  async helo(verb: 'HELO' | 'EHLO', name: string): Promise<Spoken> {
    const s = this.#state;
    this.reset();
    return this.#guarded(verb, async () => {
      s.helo = { verb, name };
      s.greeting = new Ledger(s.connect);
      s.greeting.state('helo', { name, verb, literal: name.startsWith('[') });
      s.greeting.state('tls', tlsFacts(s.tls));
      dropStage(s, 'helo');
      const refused = await this.#sessionStage('helo', s.greeting);
      return refused ?? say({ code: 250, enhanced: '', text: s.current.installation.hostname });
    });
  }

  tls(info: TlsInfo): void {
    this.reset();
    const s = this.#state;
    s.tls = info;
    s.helo = { verb: '', name: '' };
    const { clientTrusted = false, clientRelays = [] } = info;
    s.relayFor = s.listener.relayFor.filter(({ certificate }) => clientRelays.includes(certificate));
    if (!clientTrusted) return;
    s.trusted = true;
    this.#client({ trusted: true });
  }

  authenticated(name: string, addresses: readonly string[] = []): void {
    const s = this.#state;
    const user = userOf(name);
    s.user = user;
    s.addresses = addresses;
    this.#client({ user });
  }

  #client(more: { readonly [fact: string]: FactValue }): void {
    const { connect } = this.#state;
    connect.state('client', { ...(connect.edge('client') as { [fact: string]: FactValue }), ...more });
  }

  async scramKeys(user: string): Promise<ScramKeys> {
    return this.#logins.scramKeys(user);
  }

  async login(mechanism: Mechanism, credentials: Credentials): Promise<Spoken> {
    const s = this.#state;
    return this.#guarded('AUTH', async () => {
      const came = await this.#logins.login(mechanism, credentials);
      if (came.kind === 'in') {
        this.authenticated(came.user, came.addresses);
        return say({ code: 235, enhanced: '2.7.0', text: 'logged in' });
      }
      const reply = refusalReply(builtinReply(came.word, came.fill), s.id);
      const said = came.user === '' ? mechanism : `${mechanism} ${clean(came.user, SAID_MAX)}`;
      s.replies.push({ to: 'AUTH', reply, reason: came.word, said });
      return { reply, close: came.close };
    });
  }

  async mail(path: ReversePath, parameters: MailParameters): Promise<Spoken> {
    const s = this.#state;
    return this.#guarded('MAIL', async () => {
      const tx = newTransaction(s, path, parameters);
      this.#tx = tx;
      s.transactions += 1;
      tx.ledger.state('now', Math.floor(tx.at / 1000));
      tx.ledger.state('mail', mailFacts(path, parameters));
      if (s.refusal !== undefined && !allStages(s)) return say(MAIL_OK);
      tx.stages.push('mail');
      const bench = benchFor(s, tx.ledger, tx.at, { id: tx.id, recipients: [] });
      startChecks(instancesOf(s.policy, 'mail', ['session', 'transaction']), bench);
      const decision = await decideStage('mail', bench, tx.carry);
      keep(tx, decision);
      tx.carry = decision.carry;
      if (!refuses(decision.disposition)) return say(MAIL_OK);
      const reply = refusalReply(decision.disposition.reply, tx.id);
      tx.end = verdictum(decision.disposition, 'mail', reply);
      if (allStages(s)) return say(MAIL_OK);
      tx.replies.push({ to: 'MAIL', reply });
      await this.#finish(tx);
      return say(reply);
    });
  }

  async rcpt(recipient: Recipient): Promise<Spoken> {
    const tx = this.#tx;
    if (tx === undefined) return say(NO_MAIL);
    return this.#guarded('RCPT', async () => say(await takeRecipient(this.#state, tx, recipient)));
  }

  async data(): Promise<DataAnswer> {
    const tx = this.#tx;
    if (tx === undefined) return { kind: 'refuse', spoken: say(NO_MAIL) };
    if (!tx.recipients.some((recipient) => recipient.taken)) {
      const reply = refusalReply(WIRE_REFUSALS['no-recipients'].reply, tx.id);
      tx.replies.push({ to: 'DATA', reply, reason: 'no-recipients' });
      this.#finishBehind(tx);
      return { kind: 'refuse', spoken: say(reply) };
    }
    const { world, policy } = this.#state;
    const writer = world.content.create();
    if (!wantsInside(policy, world.checks)) return { kind: 'go', writer };
    const walked = new WalkedWriter(writer, world.log, this.#state.current.installation.limits);
    tx.walked = walked;
    return { kind: 'go', writer: walked };
  }

  async content(content: SpooledContent): Promise<Spoken> {
    const tx = this.#tx;
    if (tx === undefined) {
      // The client left before its message was whole in the spool: nobody hears an answer, nothing is promised.
      await this.#state.world.content.discard(content);
      return say(NO_MAIL);
    }
    return this.#guarded('content', async () => {
      const { reply, word } = await takeContent(this.#state, tx, content, this.#hungUp.signal);
      this.#tx = undefined;
      if (word === undefined) return say(reply);
      const taken = tx.recipients.filter((recipient) => recipient.taken);
      return storeAnswer(this.#state, tx.id, taken, reply, await word);
    });
  }

  refused(refusal: WireRefusal): Spoken {
    const s = this.#state;
    const tx = this.#tx;
    const reply = refusal.reply.code >= 400 ? refusalReply(refusal.reply, tx?.id ?? s.id) : refusal.reply;
    (tx ?? s).replies.push({ to: refusal.command, reply, reason: refusal.reason, said: refusal.text });
    if (refusal.command === 'content' && tx !== undefined) {
      // The message itself was refused: that is what happened to each of its recipients.
      for (const recipient of tx.recipients.filter((one) => one.taken)) {
        const kind = reply.code >= 500 ? 'reject' : 'defer';
        recipient.course = advance(
          recipient.course,
          { kind, by: `builtin:${refusal.reason}`, reply, speak: 'rcpt' },
          'data',
        );
        recipient.reply = reply;
        recipient.outcome = kind === 'reject' ? 'refused' : 'deferred';
      }
      tx.stages.push('data');
      this.#finishBehind(tx);
    }
    return { reply, close: refusal.close };
  }

  reset(): void {
    const tx = this.#tx;
    if (tx !== undefined) this.#finishBehind(tx);
  }

  hungUp(): void {
    this.#hungUp.abort(HAS_LEFT);
  }

  close(): void {
    this.#leaving = true;
    this.#left.abort(HAS_LEFT);
    this.#hungUp.abort(HAS_LEFT);
    if (this.#closed || this.#busy > 0) return;
    this.#closed = true;
    this.reset();
    const s = this.#state;
    if (s.transactions > 0) return;
    void connectionRecord(s)
      .then((record) => s.world.records.append(record, []))
      .catch((error: unknown) => s.world.log.error('record.failed', { id: s.id, error: String(error) }));
  }

  /** A transaction that ends without content: refused, reset or left. */
  async #finish(tx: TransactionState): Promise<void> {
    if (this.#tx === tx) this.#tx = undefined;
    for (const recipient of tx.recipients) if (recipient.outcome === 'none') recipient.outcome = 'not_taken';
    await carryOutOrders(this.#state, tx);
    const record = await transactionRecord(this.#state, tx);
    this.#state.world.records.append(record, []);
  }

  #finishBehind(tx: TransactionState): void {
    this.#tx = undefined;
    this.#finish(tx).catch((error: unknown) =>
      this.#state.world.log.error('record.failed', { id: tx.id, error: String(error) }),
    );
  }

  /** Connect and helo: a refusal is kept for RCPT unless it speaks now. */
  async #sessionStage(stage: 'connect' | 'helo', ledger: Ledger): Promise<Spoken | undefined> {
    const s = this.#state;
    if (s.refusal !== undefined && !allStages(s)) return undefined;
    s.stages.push(stage);
    const bench = benchFor(s, ledger, s.at, { id: s.id, recipients: [] });
    startChecks(instancesOf(s.policy, stage, ['session', 'transaction']), bench);
    const decision = await decideStage(stage, bench, s.carry);
    keep(s, decision);
    s.carry = decision.carry;
    if (!refuses(decision.disposition)) return undefined;
    s.refusal ??= { disposition: decision.disposition, stage };
    if (decision.disposition.speak === 'rcpt') return undefined;
    const reply = refusalReply(decision.disposition.reply, s.id);
    s.end = verdictum(decision.disposition, stage, reply);
    s.replies.push({ to: stage === 'connect' ? 'connect' : s.helo.verb === 'HELO' ? 'HELO' : 'EHLO', reply });
    if (allStages(s)) return undefined;
    return { reply, close: true };
  }

  /** A fault of our own is a 4xx, on record, and never silence. */
  async #guarded(to: SentReply['to'], work: () => Promise<Spoken>): Promise<Spoken> {
    this.#busy += 1;
    try {
      return await work();
    } catch (error) {
      const s = this.#state;
      s.world.log.error('session.fault', { id: this.#tx?.id ?? s.id, at: to, error: sayError(error) });
      const reply = refusalReply(builtinReply('our-fault'), this.#tx?.id ?? s.id);
      (this.#tx ?? s).replies.push({ to, reply, reason: 'our-fault' });
      this.reset();
      return { reply, close: false };
    } finally {
      this.#busy -= 1;
      if (this.#leaving) this.close();
    }
  }
}

/** Of a user's name, the record keeps this much. */
const SAID_MAX = 200;
const MAIL_OK: Reply = { code: 250, enhanced: '2.1.0', text: 'sender ok' };
const NO_MAIL: Reply = { code: 503, enhanced: '5.5.1', text: 'need MAIL first' };
const say = (reply: Reply): Spoken => ({ reply, close: false });
const sayError = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function newTransaction(s: SessionState, path: ReversePath, parameters: MailParameters): TransactionState {
  return {
    id: s.world.newId(),
    at: s.world.clock.now(),
    started: s.world.clock.elapsed(),
    path,
    parameters,
    body: parameters.body ?? '7BIT',
    ledger: new Ledger(s.greeting, new Questions(s.current.installation.limits.dnsQuestions)),
    decisions: [],
    calls: {},
    recipients: [],
    replies: [],
    stages: [],
    carry: s.carry,
    end: null,
    message: null,
    tlsOptional: false,
    report: false,
    walked: undefined,
  };
}

/** A second EHLO takes the place of the first. */
function dropStage(s: SessionState, stage: Stage): void {
  const kept = s.decisions.filter((decision) => decision.stage !== stage);
  s.decisions.splice(0, s.decisions.length, ...kept);
  const stages = s.stages.filter((one) => one !== stage);
  s.stages.splice(0, s.stages.length, ...stages);
}

const tlsFacts = (tls: TlsInfo | undefined): FactValue => ({
  active: tls !== undefined,
  version: tls?.version ?? '',
  cipher: tls?.cipher ?? '',
  client_verified: tls?.clientVerified ?? false,
  client_name: tls?.clientName ?? '',
});
