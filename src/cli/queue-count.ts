/** How much waits, by state and route, with the oldest of each. */
import type { Installation } from '../config/installation.ts';
import type { Timestamp } from '../mail/time.ts';
import type { QueueStore } from '../ports/queue.ts';

export interface Waiting {
  readonly waiting: number;
  /** Of those, to be tried now. */
  readonly due: number;
  readonly leased: number;
  readonly held: number;
  /** When the oldest was admitted. */
  readonly oldest: Timestamp | undefined;
}

export interface RouteWaiting extends Waiting {
  /** '' for entries whose route was taken out of the configuration. */
  readonly route: string;
}

/** `routes` names only those that something waits for. */
export async function countQueue(
  queue: QueueStore,
  { routes }: Pick<Installation, 'routes'>,
  now: Timestamp,
): Promise<Waiting & { readonly routes: readonly RouteWaiting[] }> {
  const all = await counted(queue, undefined, now);
  const each = await Promise.all(
    [...routes.keys()].map(async (route) => ({ route, ...(await counted(queue, route, now)) })),
  );
  const left = (of: 'waiting' | 'due' | 'leased' | 'held') => all[of] - each.reduce((sum, one) => sum + one[of], 0);
  const gone: RouteWaiting = {
    route: '',
    waiting: left('waiting'),
    due: left('due'),
    leased: left('leased'),
    held: left('held'),
    oldest: undefined,
  };
  return { ...all, routes: [...each, gone].filter((one) => one.waiting + one.leased + one.held > 0) };
}

async function counted(queue: QueueStore, route: string | undefined, now: Timestamp): Promise<Waiting> {
  const of = route === undefined ? {} : { route };
  const [waiting, due, leased, held, [oldest]] = await Promise.all([
    queue.count({ ...of, state: ['waiting'] }),
    queue.count({ ...of, state: ['waiting'], dueBy: now }),
    queue.count({ ...of, state: ['leased'] }),
    queue.count({ ...of, state: ['held'] }),
    // Listed by id, which is by age.
    queue.list({ ...of, limit: 1 }),
  ]);
  return { waiting, due, leased, held, oldest: oldest?.admittedAt };
}

export const waitingJson = ({ waiting, due, leased, held, oldest }: Waiting, now: Timestamp) => ({
  waiting,
  due,
  leased,
  held,
  oldest_s: oldest === undefined ? null : Math.max(0, Math.round((now - oldest) / 1000)),
});
