/** A route that leads back to one of our own listeners: its mail would go round until its hops are used up. */
import { parseIp } from '../mail/ip.ts';
import type { Route } from '../queue/route.ts';
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
    if (route.kind !== 'hosts') continue;
    route.hosts.forEach((host, n) => {
      const own =
        host.kind === 'tcp' ? listeners.find((listener) => isSame(listener, host.host, host.port)) : undefined;
      const at = maps.routes.get(name)?.at;
      if (own === undefined || at === undefined) return;
      const message = `this is our own listener "${own.name}": mail would go round`;
      problems.push(at.problem(['hosts', n], message, 'name the mail server behind'));
    });
  }
}

/** Port 0 is any free one, and nobody can name it. */
function isSame(listener: Listener, host: string, port: number): boolean {
  const ip = parseIp(host);
  const ours = parseIp(listener.host);
  if (ip === undefined || ours === undefined || port !== listener.port || port === 0) return false;
  const everywhere = ours.value === 0n;
  return ip.text === ours.text || (everywhere && isLoopback(ip.text));
}

const isLoopback = (text: string): boolean => text.startsWith('127.') || text === '::1';
