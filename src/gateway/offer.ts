/** What a listener may offer: what the routes behind it are known to take, and nothing that would end in a bounce (docs/promises.md §4). */
import type { Installation, Listener } from '../config/installation.ts';
import { takesOf } from '../queue/takes.ts';

export interface Offer {
  readonly smtpUtf8: boolean;
  /** Octets of the largest message that any of the routes takes; a recipient whose route takes less is refused by itself. */
  readonly messageBytes: number;
}

export function offerOf(
  {
    domains,
    routes,
    routing,
    defaultRoute,
    limits,
  }: Pick<Installation, 'domains' | 'routes' | 'routing' | 'defaultRoute' | 'limits'>,
  listener: Pick<Listener, 'trustedNetworks' | 'auth' | 'clientCertificates' | 'relayFor'>,
): Offer {
  const names = new Set([...domains.values(), ...routing].map(({ route }) => route));
  const { trustedNetworks, auth, clientCertificates, relayFor } = listener;
  const relays =
    trustedNetworks.length > 0 || auth !== 'none' || clientCertificates !== undefined || relayFor.length > 0;
  if (relays && defaultRoute !== '') names.add(defaultRoute);
  const takes = [...names].map((name) => takesOf(routes.get(name)));
  const largest = Math.max(...takes.map(({ sizeBytes }) => sizeBytes));
  return {
    smtpUtf8: takes.length > 0 && takes.every(({ utf8 }) => utf8),
    messageBytes: takes.length === 0 ? limits.messageBytes : Math.min(limits.messageBytes, largest),
  };
}
