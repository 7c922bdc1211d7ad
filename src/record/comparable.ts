/** What two runs of the same thing must agree on: the record without its id, its times, its ports and what DNS merely happened to cost. */
import type { TransactionRecord } from './record.ts';
import type { RecordView } from './view.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * Left out: the record's id (also inside replies and evidence), every time and duration, the client's port, and of each
 * DNS answer the TTL left, whether it was cached, and the server; of a recipient source, whether it was asked or remembered. Checks that run together may finish and ask in any
 * order, so checks stand sorted by stage and name, and DNS answers by question. Later events are no part of the
 * transaction. All else is kept as it is.
 */
export function comparable(record: TransactionRecord | RecordView): Json {
  const { id, at: _at, dns: answers, checks, facts, ...rest } = record as unknown as Whole;
  const { events: _events, took: _took, took_ms: _tookMs, ...kept } = rest;
  const { dns, moved } = sortedAnswers(answers);
  const stages = record.stages.map(String);
  const whole = {
    ...kept,
    facts: withoutTimes(facts),
    dns,
    checks: sortedChecks(checks, moved, stages),
    recipients: rest.recipients.map((recipient) => ({
      ...recipient,
      facts: withoutTimes(recipient.facts),
      checks: sortedChecks(recipient.checks, moved, stages),
    })),
  };
  return withoutIds(whole as unknown as Json, id);
}

interface AnyCheck {
  readonly name: string;
  readonly stage: string;
  readonly took?: number;
  readonly took_ms?: number;
  readonly dns: readonly number[];
}
type AnyFacts = { readonly [root: string]: Json };
type Whole = {
  readonly [key: string]: unknown;
  readonly id: string;
  readonly at: unknown;
  readonly facts: AnyFacts;
  readonly dns: readonly { readonly ttl: number; readonly cached: boolean; readonly server: string }[];
  readonly checks: readonly AnyCheck[];
  readonly recipients: readonly { readonly facts: AnyFacts; readonly checks: readonly AnyCheck[] }[];
};

function withoutTimes(facts: AnyFacts): AnyFacts {
  const { now: _now, client, ...all } = facts;
  const kept = withoutAnswer(all);
  if (client === undefined || client === null || typeof client !== 'object' || Array.isArray(client)) return kept;
  const { port: _port, ...rest } = client as { readonly [name: string]: Json };
  return { ...kept, client: rest };
}

/** Whether a recipient source was asked, or remembered, or assumed, is as with DNS: what it says is compared. */
function withoutAnswer(facts: AnyFacts): AnyFacts {
  const { recipient } = facts;
  if (recipient === undefined || recipient === null || typeof recipient !== 'object' || Array.isArray(recipient))
    return facts;
  const { answer: _answer, ...rest } = recipient as { readonly [name: string]: Json };
  return { ...facts, recipient: rest };
}

/** The answers in an order of their own, and where each one went. */
function sortedAnswers(answers: Whole['dns']): { readonly dns: readonly object[]; readonly moved: readonly number[] } {
  const keyed = answers.map(({ ttl: _ttl, cached: _cached, server: _server, ...answer }, place) => ({
    answer,
    place,
    key: JSON.stringify(answer),
  }));
  keyed.sort((a, b) => compare(a.key, b.key));
  const moved: number[] = [];
  for (const [to, { place }] of keyed.entries()) moved[place] = to;
  return { dns: keyed.map(({ answer }) => answer), moved };
}

function sortedChecks(checks: readonly AnyCheck[], moved: readonly number[], stages: readonly string[]): object[] {
  return [...checks]
    .sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || compare(a.name, b.name))
    .map(({ took: _took, took_ms: _tookMs, dns, ...run }) => ({
      ...run,
      dns: dns.map((place) => moved[place] ?? place).sort((a, b) => a - b),
    }));
}

// A refusal names its record as `(ref ID.n)`, an acceptance as `queued as ID` (docs/promises.md §2). The connection's id differs
// from the transaction's, so both are found by their form as well.
const NAMED = /\b(ref|queued as) [0-9a-z]{13}\b/g;

function withoutIds(value: Json, id: string): Json {
  if (typeof value === 'string') {
    const named = value.includes('ref ') || value.includes('queued as ') ? value.replace(NAMED, '$1 ID') : value;
    return id !== '' && named.includes(id) ? named.replaceAll(id, 'ID') : named;
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => withoutIds(item, id));
  const entries = Object.entries(value as { readonly [name: string]: Json });
  return Object.fromEntries(entries.map(([name, item]) => [name, withoutIds(item, id)]));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
