/** What leads back to ourselves. A route that leads back to one of our own listeners: its mail would go round until its hops are used up. */
import { parseIp } from '../mail/ip.ts';
import type { HostAddress, Route } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import type { Listener } from './installation.ts';
import type { Sections } from './sections.ts';

export function refuseOwnListeners(
  { maps }: Sections,
  routes: ReadonlyMap<string, Route>,
  listeners: readonly Listener[],
  { problems }: Findings,
): void {
  for (const [name, route] of routes) {
    if (route.kind === 'maildir') continue;
    const refuse = (key: 'hosts' | 'fallback') => (host: HostAddress, n: number) => {
      const own =
        host.kind === 'tcp' ? listeners.find((listener) => isSame(listener, host.host, host.port)) : undefined;
      const at = maps.routes.get(name)?.at;
      if (own === undefined || at === undefined) return;
      const message = `this is our own listener "${own.name}": mail would go round`;
      problems.push(at.problem([key, n], message, 'name the mail server behind'));
    };
    if (route.kind === 'hosts') route.hosts.forEach(refuse('hosts'));
    route.fallback?.forEach(refuse('fallback'));
  }
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Whether a connection there comes to one of `listening`, on a machine with these addresses. */
export function isOwnPlace(
  listening: readonly Place[],
  interfaces: readonly string[],
  host: string,
  port: number,
): boolean {
  // To connect to the unspecified address is to connect to this machine.
  const places = isUnspecified(host) ? ['127.0.0.1', '::1', ...interfaces] : [host];
  return listening.some((one) =>
    places.some(
      (ip) => isSame(one, ip, port) || (one.port === port && isUnspecified(one.host) && interfaces.includes(ip)),
    ),
  );
}

const isUnspecified = (host: string): boolean => parseIp(host)?.value === 0n;

/** Port 0 is any free one, and nobody can name it. */
function isSame(listener: Place, host: string, port: number): boolean {
  const ip = parseIp(host);
  const ours = parseIp(listener.host);
  if (ip === undefined || ours === undefined || port !== listener.port || port === 0) return false;
  const everywhere = ours.value === 0n;
  return ip.text === ours.text || (everywhere && isLoopback(ip.text));
}

const isLoopback = (text: string): boolean => text.startsWith('127.') || text === '::1';
