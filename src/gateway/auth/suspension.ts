/** Users who may not send for a while, by a rule's word or a person's: kept where all threads ask. */
import type { Timestamp } from '../../mail/time.ts';
import type { Suspended } from '../../ports/control.ts';
import type { StateStore } from '../../ports/state.ts';

const SPACE = 'suspended';

export async function isSuspended(
  state: Pick<StateStore, 'get'>,
  user: string,
  at: Timestamp,
): Promise<Suspended | undefined> {
  const kept = await state.get(SPACE, user, at);
  return kept === undefined ? undefined : (JSON.parse(kept) as Suspended);
}

/** One that ends later stays. */
export async function suspend(state: StateStore, suspension: Suspended): Promise<Suspended> {
  const before = await isSuspended(state, suspension.user, suspension.since);
  if (before !== undefined && before.until >= suspension.until) return before;
  await state.put(SPACE, suspension.user, JSON.stringify(suspension), suspension.until);
  return suspension;
}

export const lift = (state: StateStore, user: string): Promise<void> => state.delete(SPACE, user);

export async function suspensions(state: Pick<StateStore, 'entries'>, at: Timestamp): Promise<readonly Suspended[]> {
  const kept = await state.entries(SPACE, at);
  return kept.map(([, value]) => JSON.parse(value) as Suspended).sort((a, b) => (a.user < b.user ? -1 : 1));
}
