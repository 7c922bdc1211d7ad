/** The hosts of a route as written made into hosts as used: whom it speaks to, in what order, from where, and who comes last. */
import type { z } from 'zod';
import { parseIp } from '../mail/ip.ts';
import type { HostAddress, HostStrategy, SourceAddresses } from '../queue/route.ts';
import type { Findings } from './findings.ts';
import { parseNextHop } from './host-port.ts';
import type { ROUTE } from './schema-routes.ts';
import type { Spot } from './sections.ts';

type WrittenRoute = z.output<typeof ROUTE>;
type Problems = Pick<Findings, 'problems'>;

const SMTP_PORT = 25;
const LMTP_PORT = 24; // RFC 2033 §5 leaves it open; 24 is IANA's "any private mail system", by custom LMTP

export function hostsOf({ hosts = [], protocol }: WrittenRoute, at: Spot, findings: Problems): HostAddress[] {
  const port = protocol === 'lmtp' ? LMTP_PORT : SMTP_PORT;
  return hosts.flatMap((one, n) => {
    const place = typeof one === 'string' ? ['hosts', n] : ['hosts', n, 'host'];
    return hostOf(typeof one === 'string' ? one : one.host, port, place, at, findings);
  });
}

export function fallbackOf(
  { fallback, protocol }: WrittenRoute,
  at: Spot,
  findings: Problems,
): { readonly fallback?: readonly HostAddress[] } {
  if (fallback === undefined) return {};
  const port = protocol === 'lmtp' ? LMTP_PORT : SMTP_PORT;
  return { fallback: fallback.flatMap((text, n) => hostOf(text, port, ['fallback', n], at, findings)) };
}

export function strategyOf(
  { hosts = [], strategy }: WrittenRoute,
  at: Spot,
  { problems }: Problems,
): { readonly strategy?: HostStrategy } {
  if (strategy !== 'weighted')
    hosts.forEach((one, n) => {
      if (typeof one !== 'string' && one.weight !== undefined)
        problems.push(
          at.problem(
            ['hosts', n, 'weight'],
            'a weight means something by weights only',
            'add `strategy: weighted`',
            'key',
          ),
        );
    });
  switch (strategy) {
    case undefined:
      return {};
    case 'failover':
      return { strategy: { kind: 'failover' } };
    case 'round_robin':
      return { strategy: { kind: 'roundRobin' } };
    case 'weighted':
      return {
        strategy: {
          kind: 'weighted',
          weights: hosts.map((one) => (typeof one === 'string' ? 1 : (one.weight ?? 1))),
        },
      };
  }
}

export function sourceOf(
  { source }: WrittenRoute,
  at: Spot,
  { problems }: Problems,
): { readonly source?: SourceAddresses } {
  if (source === undefined) return {};
  let out: SourceAddresses = {};
  source.forEach((text, n) => {
    const ip = parseIp(text);
    const family = ip?.family === 6 ? 'v6' : 'v4';
    if (ip === undefined)
      problems.push(
        at.problem(['source', n], `"${text}" is not an address`, 'expected one of this machine, such as 192.0.2.25'),
      );
    else if (out[family] !== undefined)
      problems.push(at.problem(['source', n], `"${text}" is the second address of its family`, 'leave one of each'));
    else out = { ...out, [family]: ip.text };
  });
  return { source: out };
}

function hostOf(text: string, port: number, place: readonly (string | number)[], at: Spot, { problems }: Problems) {
  const host = parseNextHop(text, port);
  if (host !== undefined) return [host];
  const remedy = 'expected one such as "mail1.internal:25", "[2001:db8::1]:25" or "unix:/run/lmtp"';
  problems.push(at.problem([...place], `"${text}" is not a host`, remedy));
  return [];
}
