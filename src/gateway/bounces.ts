/** Bounces counted by whom they came back to: a user whose mail comes back in numbers writes to whom it does not know. */

import { BOUNCES_KEPT, BOUNCES_SPACE, bounceKey } from '../checks/user-behaviour.ts';
import type { Timestamp } from '../mail/time.ts';
import type { StateStore } from '../ports/state.ts';
import type { RecipientState } from './transaction.ts';

export const noteBounce = (state: StateStore, sender: string, at: Timestamp): Promise<number> =>
  state.hit(BOUNCES_SPACE, bounceKey(sender), at, BOUNCES_KEPT, 1);

/** A message from `<>` that others sent to ours. */
export async function noteBounces(state: StateStore, taken: readonly RecipientState[], at: Timestamp): Promise<void> {
  const back = taken.filter(({ hosted, outcome }) => hosted && outcome === 'queued');
  await Promise.all(back.map(({ recipient }) => noteBounce(state, recipient.mailbox.address, at)));
}
