import { expect, test } from 'vitest';
import type { Carry } from '../../src/policy/disposition.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { redact } from '../../src/record/redact.ts';
import { rerun } from '../../src/record/rerun.ts';
import { aRecord } from '../support/record.ts';

test('a notification of our own, which no policy decided, stays what it was', () => {
  const record = aRecord({ bundle: '', policy: '' });
  const unasked = { ask: () => expect.unreachable('nothing is asked') } as unknown as Policy;
  const again = rerun(record, unasked);
  expect(again.recipients.map(({ verdict, reason }) => ({ verdict, reason }))).toEqual(
    record.recipients.map(({ verdict, reason }) => ({ verdict, reason })),
  );
});

test.each([
  ["message.subject == 'x'", false],
  ["header('subject') != ''", false],
  ['message.size > 5', true],
])('where the subject was not kept, a policy that says %s is asked again exactly: %s', (when, exact) => {
  const policy = {
    bundle: { files: [{ path: 'p.yaml', text: `rules: { data: [{ name: a, when: "${when}", accept: {} }] }` }] },
    ask: (stage: string, _situation: unknown, carry: Carry) => ({
      kind: 'decided',
      decision: { stage, disposition: { kind: 'continue' }, trace: [], carry, calls: {}, outages: [] },
    }),
  } as unknown as Policy;
  expect(rerun(aRecord(), policy).exact).toBe(true);
  const hidden = redact(aRecord(), { subject: 'off', masks: [], hash: (text) => text });
  expect(rerun(hidden, policy).exact).toBe(exact);
});
