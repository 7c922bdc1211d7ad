/** Bounces are counted against those of ours whom they reached, and against nobody else. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { BOUNCES_KEPT, BOUNCES_SPACE, bounceKey } from '../../src/checks/user-behaviour.ts';
import { noteBounces } from '../../src/gateway/bounces.ts';
import type { RecipientState } from '../../src/gateway/transaction.ts';
import { mailbox, T0 } from '../support/entries.ts';

test.each<[string, boolean, RecipientState['outcome'], number]>([
  ['that reached one of ours', true, 'queued', 1],
  ['to a domain that is not ours', false, 'queued', 0],
  ['that was refused', true, 'refused', 0],
  ['that was kept aside', true, 'quarantined', 0],
])('a bounce %s', async (_, hosted, outcome, counted) => {
  const state = new MemoryState();
  const one = { hosted, outcome, recipient: { mailbox: mailbox('alice@example.com'), parameters: {} } };
  await noteBounces(state, [one as unknown as RecipientState], T0);
  expect(await state.hit(BOUNCES_SPACE, bounceKey('alice@example.com'), T0, BOUNCES_KEPT, 0)).toBe(counted);
});
