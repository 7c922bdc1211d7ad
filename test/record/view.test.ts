import { describe, expect, test } from 'vitest';
import type { RecordEvent } from '../../src/record/record.ts';
import { recordView } from '../../src/record/view.ts';
import { aRecord, RECORD_ID, RULES } from '../support/record.ts';

const view = recordView(aRecord(), [], { rules: RULES });
const [bob, carol] = view.recipients;

describe('the record as others read it', () => {
  test('a recipient states verdict, rule, reason, stage, reply and outcome under the words of the contract', () => {
    expect(carol).toMatchObject({
      address: 'carol@example.com',
      verdict: 'quarantine',
      rule: 'dmarc-hold',
      reason: 'rule:dmarc-hold',
      stage: 'data',
      reply: { code: 250, enhanced: '2.0.0', text: `queued as ${RECORD_ID}` },
      outcome: 'quarantined',
    });
  });

  test('facts stand under the name of their check', () => {
    expect(view.facts).toMatchObject({ spf: { result: 'pass' }, dnsbl: { score: 0 }, dmarc: { status: 'timed_out' } });
    expect(bob?.facts).toMatchObject({ recipient: { result: 'known' } });
  });

  test('each rule asked is joined with its name, file, line, condition, mode and action', () => {
    expect(bob?.rules).toMatchObject([
      { rule: 'listed-client', stage: 'rcpt', file: 'policies/inbound.yaml', line: 31, truth: 'no', came: 'quiet' },
      { rule: 'partners', condition: 'from.verified', action: 'allow', truth: 'yes', came: 'held' },
      { rule: 'dmarc-hold', came: 'passedOver', allowed_by: 'partners' },
      { rule: 'new-idea', mode: 'monitor', truth: 'yes', came: 'would' },
    ]);
  });

  test('without its policy a rule keeps its number', () => {
    const blind = recordView(aRecord(), [], undefined);
    expect(blind.recipients[0]?.rules[1]).toMatchObject({ rule: '', number: 1, truth: 'yes', line: 0 });
  });

  test('a session that went on says no verdict; one that ended says all five words', () => {
    expect(view.session).not.toHaveProperty('verdict');
    const end = {
      verdict: 'reject',
      rule: 'listed-client',
      reason: 'rule:listed-client',
      stage: 'connect',
      reply: { code: 554, enhanced: '5.7.1', text: 'no' },
    } as const;
    const ended = recordView(aRecord({ session: { decisions: [], calls: {}, end } }), [], undefined);
    expect(ended.session).toMatchObject(end);
  });

  test('headers, route and notes are those the rules asked for', () => {
    expect(bob).toMatchObject({
      headers: [{ name: 'X-Partner', value: 'yes', by: 'rule:partners' }],
      route: 'boxes',
      notes: [{ by: 'rule:partners', text: 'known partner' }],
    });
    expect(carol).not.toHaveProperty('route');
  });

  test('later events come in order with times a person can read', () => {
    const events: readonly RecordEvent[] = [
      {
        recordId: RECORD_ID,
        at: Date.UTC(2026, 10, 22, 3, 5),
        recipient: 1,
        kind: 'delivered',
        by: 'mail1:25',
        text: '250 ok',
      },
    ];
    expect(recordView(aRecord(), events, undefined).events).toEqual([
      { at: '2026-11-22T03:05:00.000Z', recipient: 1, kind: 'delivered', by: 'mail1:25', text: '250 ok' },
    ]);
  });

  test('the whole survives JSON unchanged', () => {
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });
});

describe('the place of a rule', () => {
  test('is told from the policies’ folder, whether the policy was read from disk or from its bundle', () => {
    const files = [{ path: 'inbound.yaml' }, { path: 'customers/acme.yaml' }];
    const named = (file: string) =>
      recordView(aRecord(), [], {
        rules: RULES.map((rule) => ({ ...rule, place: { ...rule.place, file } })),
        bundle: { files },
      }).recipients[0]?.rules[0]?.file;
    expect(named('/etc/postern/policies/inbound.yaml')).toBe('inbound.yaml');
    expect(named('inbound.yaml')).toBe('inbound.yaml');
    expect(named('../policies/customers/acme.yaml')).toBe('customers/acme.yaml');
  });
});
