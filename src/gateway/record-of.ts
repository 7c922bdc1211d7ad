/** Makes the record of a transaction or a connection, once nothing of it runs any more. */
import { verdictOf } from '../policy/course.ts';
import type { Facts } from '../policy/facts.ts';
import type { Policy } from '../policy/policy.ts';
import {
  type CheckRun,
  type DnsEvidence,
  RECORD_VERSION,
  type RecipientRecord,
  type TransactionRecord,
} from '../record/record.ts';
import { factViewOf } from './derived-facts.ts';
import type { Ledger } from './ledger.ts';
import type { SessionState } from './session-state.ts';
import type { RecipientState, TransactionState } from './transaction.ts';

/** Waits for every check that was started: the facts of a record do not depend on timing (docs/policy.md §3). */
export async function transactionRecord(s: SessionState, tx: TransactionState): Promise<TransactionRecord> {
  await Promise.all(
    [s.connect, s.greeting, tx.ledger, ...tx.recipients.map(({ ledger }) => ledger)].map((l) => l.quiet()),
  );
  const dns = new DnsPages();
  const shared = [s.connect, ...(s.greeting === s.connect ? [] : [s.greeting]), tx.ledger];
  return {
    ...frame(s, tx.id, tx.at, tx.started),
    kind: 'transaction',
    facts: factsOf(shared, s),
    checks: shared.flatMap((ledger) => runsOf(ledger, s, dns)),
    stages: [...s.stages, ...tx.stages],
    session: { decisions: [...s.decisions, ...tx.decisions], calls: { ...s.calls, ...tx.calls }, end: tx.end ?? s.end },
    recipients: tx.recipients.map((recipient) => recipientRecord(recipient, s, dns)),
    message: tx.message,
    replies: [...s.replies, ...tx.replies],
    dns: dns.pages,
  };
}

/** A connection that ended without any transaction. */
export async function connectionRecord(s: SessionState): Promise<TransactionRecord> {
  await Promise.all([s.connect, s.greeting].map((ledger) => ledger.quiet()));
  const dns = new DnsPages();
  const shared = [s.connect, ...(s.greeting === s.connect ? [] : [s.greeting])];
  return {
    ...frame(s, s.id, s.at, s.started),
    kind: 'connection',
    facts: factsOf(shared, s),
    checks: shared.flatMap((ledger) => runsOf(ledger, s, dns)),
    stages: [...s.stages],
    session: { decisions: s.decisions, calls: s.calls, end: s.end },
    recipients: [],
    message: null,
    replies: [...s.replies],
    dns: dns.pages,
  };
}

const frame = (s: SessionState, id: string, at: number, started: number) => ({
  version: RECORD_VERSION as typeof RECORD_VERSION,
  id,
  node: s.current.installation.node,
  at,
  took: Math.round((s.world.clock.elapsed() - started) * 10) / 10,
  listener: s.listener.name,
  policy: s.policy.name,
  bundle: s.policy.bundle.digest,
  count: 1,
});

/** Facts of the levels together, derived ones written out, failed checks with their status alone. */
function factsOf(ledgers: readonly Ledger[], s: SessionState): Facts {
  const last = ledgers.at(-1);
  const merged: Facts = Object.assign({}, ...ledgers.map((ledger) => ledger.factsHere()));
  const derived = last === undefined ? {} : factViewOf(last, s.policy).known;
  return {
    ...merged,
    ...(derived.client === undefined ? {} : { client: derived.client }),
    ...(derived.from === undefined ? {} : { from: derived.from }),
  };
}

function runsOf(ledger: Ledger, s: SessionState, dns: DnsPages): CheckRun[] {
  const order = orderIn(s.policy);
  return [...ledger.endedHere()]
    .sort(([a], [b]) => (order.get(a) ?? 0) - (order.get(b) ?? 0))
    .map(([, ended]) => ({ ...ended.run, dns: ended.dns.map((evidence) => dns.place(evidence)) }));
}

/** Made once a policy: four levels of every transaction ask for it. */
function orderIn(policy: Policy): ReadonlyMap<string, number> {
  const known = ORDERS.get(policy);
  if (known !== undefined) return known;
  const order = new Map(policy.checks.map((instance, index) => [instance.name, index]));
  ORDERS.set(policy, order);
  return order;
}

const ORDERS = new WeakMap<Policy, ReadonlyMap<string, number>>();

function recipientRecord(state: RecipientState, s: SessionState, dns: DnsPages): RecipientRecord {
  const { removed, copies, target } = state.changes;
  return {
    number: state.number,
    address: state.recipient.mailbox.address,
    verdict: verdictOf(state.course.disposition),
    rule: state.course.rule,
    reason: state.course.reason,
    stage: state.course.stage,
    reply: state.reply,
    facts: state.ledger.factsHere(),
    checks: runsOf(state.ledger, s, dns),
    decisions: state.decisions,
    calls: state.calls,
    modifications: state.carry.modifications,
    notes: state.carry.notes,
    score: state.carry.score,
    outcome: state.outcome,
    why: state.why,
    ...(target?.by.startsWith('builtin:') ? { target: { address: target.mailbox.address, by: target.by } } : {}),
    ...(removed.length === 0 ? {} : { removed }),
    ...(copies.length === 0
      ? {}
      : { copies: copies.map(({ number, address, kind, by }) => ({ number, address, kind, by })) }),
  };
}

/** DNS evidence stored once a transaction, in the order in which the checks of the policy refer to it. */
class DnsPages {
  readonly pages: DnsEvidence[] = [];
  readonly #places = new Map<DnsEvidence, number>();
  place(evidence: DnsEvidence): number {
    const known = this.#places.get(evidence);
    if (known !== undefined) return known;
    this.#places.set(evidence, this.pages.length);
    return this.pages.push(evidence) - 1;
  }
}
