/** Users who may not send for a while, by a rule's word or a person's: kept where all threads ask, and what waits of them in the queue, too. */
import type { Timestamp } from '../../mail/time.ts';
import type { Suspended } from '../../ports/control.ts';
import type { QueueStore } from '../../ports/queue.ts';
import type { StateStore } from '../../ports/state.ts';
import { isSame, type Suspension } from '../../queue/suspension.ts';
import { bringForward } from '../bring-forward.ts';

const SPACE = 'suspended';

export async function isSuspended(
  state: Pick<StateStore, 'get'>,
  user: string,
  at: Timestamp,
): Promise<Suspended | undefined> {
  const kept = await state.get(SPACE, user, at);
  return kept === undefined ? undefined : (JSON.parse(kept) as Suspended);
}

/** One that ends later stays. What is queued of the user waits as long, unless a person said otherwise for longer. */
export async function suspend(
  state: StateStore,
  queue: Pick<QueueStore, 'suspensions' | 'suspend'>,
  suspension: Suspended,
): Promise<Suspended> {
  const { user, since, until, by, why } = suspension;
  const before = await isSuspended(state, user, since);
  if (before !== undefined && before.until >= until) return before;
  await state.put(SPACE, user, JSON.stringify(suspension), until);
  const longer = (await queue.suspensions()).some(
    (one) => isSame(one, { of: 'user', value: user }) && (one.until ?? FOR_EVER) >= until,
  );
  if (!longer) await queue.suspend({ id: idOf(user), of: 'user', value: user, since, until, by, why });
  return suspension;
}

/**
 * False: neither was. The two are kept apart, and a crash may have taken one of them. What a person suspended in the queue beside it
 * stays so.
 */
export async function lift(
  state: StateStore,
  queue: Pick<QueueStore, 'resume' | 'list' | 'amend'>,
  user: string,
  now: Timestamp,
): Promise<boolean> {
  const shut = await isSuspended(state, user, now);
  await state.delete(SPACE, user);
  const waited = (await queue.resume([idOf(user)])) > 0;
  if (waited) await bringForward(queue, { of: 'user', value: user }, now);
  return waited || shut !== undefined;
}

/** What waits because a user may not send at all, and ends with that (`postern suspension lift`), where it lasts as long as `until`. */
export const isOfShutOut = ({ id, until }: Suspension, asked: Suspension['until']): boolean =>
  id.startsWith(SHUT_OUT) && (until ?? FOR_EVER) >= (asked ?? FOR_EVER);

const FOR_EVER = Number.POSITIVE_INFINITY;
/** Other than the id of one that a person began by `queue suspend`. */
const SHUT_OUT = 'suspended:';
const idOf = (user: string): string => `${SHUT_OUT}${user}`;

export async function suspensions(state: Pick<StateStore, 'entries'>, at: Timestamp): Promise<readonly Suspended[]> {
  const kept = await state.entries(SPACE, at);
  return kept.map(([, value]) => JSON.parse(value) as Suspended).sort((a, b) => (a.user < b.user ? -1 : 1));
}
