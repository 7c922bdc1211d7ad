import { expect, test } from 'vitest';
import type { Policy } from '../../src/policy/policy.ts';
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
