import { describe, expect, test } from 'vitest';
import { comparable } from '../../src/record/comparable.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { recordView } from '../../src/record/view.ts';
import { aRecord, RECORD_ID, RULES } from '../support/record.ts';

const OTHER_ID = '4aaaaaaaaaaaa';
const base = aRecord();
const otherClient = { ...(base.facts.client as object), port: 1 };

/** The same transaction on another day, from another port, answered by another server. */
const again: TransactionRecord = {
  ...(JSON.parse(JSON.stringify(base).replaceAll(RECORD_ID, OTHER_ID)) as TransactionRecord),
  at: 1,
  took: 2,
  facts: { ...base.facts, now: 7, client: otherClient },
  dns: base.dns.map((answer) => ({ ...answer, ttl: 1, cached: !answer.cached, server: 'zones' })),
  checks: base.checks.map((check) => ({ ...check, took: 9 })),
};

describe('what two runs of the same thing must agree on', () => {
  test('id, times, durations, ports, TTL left, cached and server do not matter', () => {
    expect(comparable(again)).toEqual(comparable(base));
    const [one, two] = [base, again].map((record) => comparable(recordView(record, [], { rules: RULES })));
    expect(one).toEqual(two);
  });

  test('nor does the order in which checks that run together asked and finished', () => {
    const turned: TransactionRecord = {
      ...base,
      checks: base.checks.map((check) => ({ ...check, dns: check.dns.map((place) => 2 - place) })).reverse(),
      dns: [...base.dns].reverse(),
    };
    expect(comparable(turned)).toEqual(comparable(base));
  });

  test("the connection's id in a reply does not matter either", () => {
    const spoken = (id: string): TransactionRecord =>
      aRecord({ replies: [{ to: 'connect', reply: { code: 554, enhanced: '5.7.1', text: `(ref ${id}) no` } }] });
    expect(comparable(spoken('0000000000001'))).toEqual(comparable(spoken('zzzzzzzzzzzz2')));
  });

  const changes: readonly [string, Partial<TransactionRecord>][] = [
    ['a fact', { facts: { ...base.facts, spf: { result: 'fail' } } }],
    ["the client's address", { facts: { ...base.facts, client: { ...otherClient, ip: '192.0.2.11' } } }],
    ['a reply', { replies: [] }],
    ['a stage', { stages: ['connect'] }],
    ['the bundle', { bundle: 'f'.repeat(32) }],
    ['the evidence of a check', { checks: base.checks.map((check) => ({ ...check, evidence: { seen: 1 } })) }],
    ['how a check ended', { checks: base.checks.map((check) => ({ ...check, status: 'failed' as const })) }],
    ['what DNS answered', { dns: base.dns.map((answer) => ({ ...answer, rcode: 'SERVFAIL' })) }],
    ['whether DNS was signed', { dns: base.dns.map((answer) => ({ ...answer, secure: !answer.secure })) }],
    ['a recipient', { recipients: base.recipients.slice(1) }],
    ['the message', { message: null }],
  ];
  test.each(changes)('%s matters', (_what, change) => {
    expect(comparable({ ...base, ...change })).not.toEqual(comparable(base));
  });
});
