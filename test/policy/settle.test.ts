/** One reply for several recipients, as the policy language promises it. */
import { expect, test } from 'vitest';
import type { Disposition } from '../../src/policy/disposition.ts';
import { settle } from '../../src/policy/settle.ts';

const accept: Disposition = { kind: 'accept', by: 'rule:a' };
const go: Disposition = { kind: 'continue' };
const reject: Disposition = {
  kind: 'reject',
  by: 'rule:r',
  reply: { code: 550, enhanced: '5.7.1', text: 'no' },
  speak: 'rcpt',
};
const defer: Disposition = {
  kind: 'defer',
  by: 'rule:d',
  reply: { code: 450, enhanced: '4.7.1', text: 'later' },
  speak: 'rcpt',
};
const spam: Disposition = { kind: 'quarantine', by: 'rule:q', class: 'spam', reason: 'score 9' };
const discard: Disposition = { kind: 'discard', by: 'rule:x', reason: 'noise' };
const hold: Disposition = { kind: 'hold', by: 'rule:h', reason: 'look' };

const cases: readonly [string, Disposition[], 'quarantine' | 'dsn_if_verified', boolean, number, string[]][] = [
  ['all accepted', [go, accept], 'quarantine', false, 250, ['queued', 'queued']],
  ['all rejected', [reject, reject], 'quarantine', false, 550, ['refused', 'refused']],
  ['all deferred keep their own code', [defer, defer], 'quarantine', false, 450, ['deferred', 'deferred']],
  ['any defer is 451 for all', [go, defer, reject], 'quarantine', true, 451, ['not_taken', 'deferred', 'not_taken']],
  ['a rejected copy is kept aside', [go, reject], 'quarantine', true, 250, ['queued', 'quarantined']],
  ['or bounced to a known sender', [go, reject], 'dsn_if_verified', true, 250, ['queued', 'bounced']],
  ['but never to an unknown one', [go, reject], 'dsn_if_verified', false, 250, ['queued', 'quarantined']],
  ['each its own', [spam, discard, hold, go], 'quarantine', false, 250, ['quarantined', 'discarded', 'held', 'queued']],
];
test.each(cases)('settle: %s', (_name, dispositions, mixed, known, code, outcomes) => {
  const settled = settle(dispositions, mixed, () => known);
  expect(settled.reply.kind === 'accepted' ? 250 : settled.reply.reply.code).toBe(code);
  expect(settled.outcomes.map((one) => one.outcome)).toEqual(outcomes);
});
