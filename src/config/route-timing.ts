/** When a route tries, also one that was taken out of the configuration and still has entries: they keep the queue's own times. */
import type { RouteTiming } from '../queue/route.ts';
import type { Installation } from './installation.ts';

export const timingOf = (name: string, { routes, queue }: Pick<Installation, 'routes' | 'queue'>): RouteTiming =>
  routes.get(name) ?? {
    name,
    retry: queue.retry,
    expire: queue.expire,
    notificationExpire: queue.notificationExpire,
    delayNotice: queue.delayNotice,
    refusedAfterAccept: 'quarantine',
  };
