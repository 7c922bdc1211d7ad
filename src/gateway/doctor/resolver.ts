/** The resolver and the blocklists behind it: do they answer us, and do they list us? */
import { z } from 'zod';
import { parseHostPort } from '../../config/host-port.ts';
import { isPrivate, parseIp, reversedLabels } from '../../mail/ip.ts';
import type { Policy } from '../../policy/policy.ts';
import {
  addressesIn,
  ask,
  type Finding,
  ok,
  ownAddresses,
  type Practice,
  problem,
  trouble,
  warning,
} from './finding.ts';

/** Resolvers for everybody: blocklists refuse them, since they cannot tell who asks. */
const PUBLIC: ReadonlySet<string> = new Set([
  ...['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'],
  ...['1.1.1.1', '1.0.0.1', '2606:4700:4700::1111', '2606:4700:4700::1001'],
  ...['9.9.9.9', '149.112.112.112', '2620:fe::fe', '2620:fe::9'],
  ...['208.67.222.222', '208.67.220.220'],
]);

export async function examineResolver({ installation }: Practice): Promise<readonly Finding[]> {
  return installation.dns.servers.map((server) => {
    const ip = parseIp(parseHostPort(server, 53)?.host ?? server);
    if (ip !== undefined && PUBLIC.has(ip.text))
      return problem(
        'resolver',
        `${server} is a public resolver, which blocklists refuse`,
        'run a resolver of your own (unbound) and name it in `dns.servers`',
      );
    return ip !== undefined && isPrivate(ip)
      ? ok('resolver', `${server} is near`)
      : warning(
          'resolver',
          `${server} is not on this machine or its network`,
          'a resolver on this machine answers faster, and nobody on the way can forge it',
        );
  });
}

const LISTS = z.object({
  lists: z.record(z.string(), z.object({ zone: z.string(), codes: z.record(z.string(), z.number()) })),
});

/** Zones that count against who is in them: welcome-lists are no harm. */
export function blocklists(policies: readonly Policy[]): readonly string[] {
  const zones = policies.flatMap(({ checks }) =>
    checks.flatMap(({ check, options }) => {
      const read = check === 'dnsbl' ? LISTS.safeParse(options) : undefined;
      return read?.success ? Object.values(read.data.lists) : [];
    }),
  );
  return [
    ...new Set(zones.filter(({ codes }) => Object.values(codes).some((weight) => weight > 0)).map(({ zone }) => zone)),
  ];
}

export async function examineBlocklists(practice: Practice): Promise<readonly Finding[]> {
  const zones = blocklists(practice.policies);
  if (zones.length === 0) return [ok('blocklists', 'no policy asks one')];
  const own = await ownAddresses(practice);
  const found = await Promise.all(
    zones.map(async (zone) => [await examineList(practice, zone), ...(await listings(practice, zone, own))]),
  );
  return found.flat();
}

/** RFC 5782 §5: 127.0.0.2 is on every list. */
async function examineList(practice: Practice, zone: string): Promise<Finding> {
  const answer = await ask(practice, `2.0.0.127.${zone}`, 'A');
  const codes = addressesIn(answer);
  if (codes.some(refused))
    return problem(
      'blocklists',
      `${zone} refuses to answer this resolver (${codes.join(', ')})`,
      "ask through a resolver of your own, within the list's terms of use",
    );
  if (codes.length > 0) return ok('blocklists', `${zone} answers`);
  return warning(
    'blocklists',
    trouble(answer) || `${zone} does not hold 127.0.0.2, as a list in use does`,
    'is it still in use? see its own pages',
  );
}

async function listings(practice: Practice, zone: string, own: readonly string[]): Promise<readonly Finding[]> {
  const answers = await Promise.all(
    own.map(async (address) => {
      const ip = parseIp(address);
      const codes = ip === undefined ? [] : addressesIn(await ask(practice, `${reversedLabels(ip)}.${zone}`, 'A'));
      return codes.length === 0 || codes.some(refused)
        ? []
        : [
            problem(
              'listed',
              `${address} is on ${zone} (${codes.join(', ')})`,
              'find what sent (postern log), mend it, then ask the list to take you off',
            ),
          ];
    }),
  );
  return answers.flat();
}

/** "You may not ask", not a listing. */
const refused = (code: string): boolean => code.startsWith('127.255.255.');
