/** Where an entry goes, as far as one outage, one bound of connections and one rate reach: the route, or with MX each domain of it. */
import type { QueueEntry } from './entry.ts';
import type { Route } from './route.ts';

export interface Destination {
  readonly route: string;
  /** '' where all of the route goes to the same hosts. */
  readonly domain: string;
}

export const destinationOf = (
  { route, domain }: Pick<QueueEntry, 'route' | 'domain'>,
  routes: ReadonlyMap<string, Route>,
): Destination => ({ route, domain: routes.get(route)?.kind === 'mx' ? domain : '' });

/** For maps: a route's name has no blank in it. */
export const keyOf = ({ route, domain }: Destination): string => `${route} ${domain}`;

export const sayDestination = ({ route, domain }: Destination): string =>
  domain === '' ? `route ${route}` : `${domain} by route ${route}`;
