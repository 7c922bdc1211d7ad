import { describe, expect, test } from 'vitest';
import type { TransactionRecord } from '../../src/record/record.ts';
import { EVIDENCE_ITEMS_MAX, EVIDENCE_TEXT_MAX, redact } from '../../src/record/redact.ts';
import { aRecord } from '../support/record.ts';

const hash = (text: string): string => `hash-of-${text.length}`;
const withCalls = (): TransactionRecord => {
  const record = aRecord();
  const calls = { "header('subject')": 'Offer', "headers('Subject')": ['Offer'], "header('list-id')": 'Offers' };
  return { ...record, recipients: record.recipients.map((recipient) => ({ ...recipient, calls })) };
};

describe('what of a record is kept', () => {
  test.each([
    ['full', 'Offer'],
    ['hash', 'hash-of-5'],
    ['off', ''],
  ] as const)('subject: %s keeps "%s", wherever the subject stands', (subject, kept) => {
    const record = redact(withCalls(), { subject, masks: [], hash });
    expect(record.message?.subject).toBe(kept);
    expect(record.facts.message).toMatchObject({ subject: kept });
    expect(record.recipients[0]?.calls).toEqual({
      "header('subject')": kept,
      "headers('Subject')": [kept],
      "header('list-id')": 'Offers',
    });
  });

  test('a secret stands nowhere, neither as value nor as key', () => {
    const key = 'a1b2c3.zen.dq.example';
    const record = aRecord({
      dns: aRecord().dns.map((answer) => ({ ...answer, name: `2.0.0.127.${key}` })),
      checks: aRecord().checks.map((check) => ({ ...check, evidence: { [key]: [`${key} says no`] }, why: key })),
      replies: [{ to: 'RCPT', reply: { code: 554, enhanced: '5.7.1', text: `listed by ${key}` } }],
    });
    const masked = redact(record, { subject: 'full', masks: [{ secret: key, shownAs: 'zen.example' }], hash });
    expect(JSON.stringify(masked)).not.toContain('a1b2c3');
    expect(masked.dns[0]?.name).toBe('2.0.0.127.zen.example');
    expect(masked.replies[0]?.reply.text).toBe('listed by zen.example');
  });

  test('text and lists from outside are bounded in evidence and DNS', () => {
    const long = 'x'.repeat(100_000);
    const many = Array.from({ length: 1000 }, () => long);
    const record = aRecord({
      dns: aRecord().dns.map((answer) => ({ ...answer, answer: many })),
      checks: aRecord().checks.map((check) => ({ ...check, evidence: { deep: { many } } })),
    });
    const kept = redact(record, { subject: 'full', masks: [], hash });
    expect(kept.dns[0]?.answer).toHaveLength(EVIDENCE_ITEMS_MAX);
    expect(kept.dns[0]?.answer[0]).toHaveLength(EVIDENCE_TEXT_MAX + '...'.length);
    expect(JSON.stringify(kept.checks[0]?.evidence).length).toBeLessThan(EVIDENCE_ITEMS_MAX * (EVIDENCE_TEXT_MAX + 10));
  });

  test('nothing else changes', () => {
    expect(redact(aRecord(), { subject: 'full', masks: [], hash })).toEqual(aRecord());
  });
});
