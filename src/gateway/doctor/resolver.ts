/** The resolver and the blocklists behind it: do they answer us, and do they list us? */
import { z } from 'zod';
import { parseHostPort } from '../../config/host-port.ts';
import { isPrivate, parseIp, reversedLabels } from '../../mail/ip.ts';
import type { Policy } from '../../policy/policy.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import { addressesIn, ask, ownAddresses, type Practice, trouble } from './practice.ts';

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

/** A zone that every resolver which validates can follow from the root. */
const SIGNED = 'org';

/** DANE rests on it: without AD no TLSA record counts (RFC 7672 §2.1). */
export async function examineValidation(practice: Practice): Promise<readonly Finding[]> {
  const answer = await ask(practice, SIGNED, 'SOA');
  if (answer.kind === 'failed')
    return [problem('resolver', trouble(answer), 'see `dns.servers`: do they run, and resolve names of the Internet?')];
  return [
    answer.secure
      ? info('resolver', 'it validates DNSSEC (AD)')
      : info('resolver', 'it does not say that it validates DNSSEC (no AD)', 'DANE needs it; unbound does by default'),
  ];
}

const LISTS = z.object({
  lists: z.record(
    z.string(),
    z.object({
      zone: z.string().optional(),
      // What is shown for a zone with a key: asked under it, told under it.
      shown_as: z.string().optional(),
      codes: z.record(z.string(), z.number()),
      self_test: z.boolean().default(true),
    }),
  ),
});

interface Blocklist {
  readonly zone: string;
  readonly selfTest: boolean;
}

/** Lists that count against who is in them: welcome-lists are no harm. */
function blocklists(policies: readonly Policy[]): readonly Blocklist[] {
  const lists = policies.flatMap(({ checks }) =>
    checks.flatMap(({ check, options }) => {
      const read = check === 'dnsbl' ? LISTS.safeParse(options) : undefined;
      return read?.success ? Object.values(read.data.lists) : [];
    }),
  );
  const zones = new Map<string, Blocklist>();
  for (const { zone, shown_as, codes, self_test } of lists) {
    const name = zone ?? shown_as ?? '';
    if (name !== '' && Object.values(codes).some((weight) => weight > 0))
      zones.set(name, { zone: name, selfTest: self_test });
  }
  return [...zones.values()].slice(0, LISTS_MAX);
}

/** More than anybody asks. */
const LISTS_MAX = 50;

export async function examineBlocklists(practice: Practice): Promise<readonly Finding[]> {
  const lists = blocklists(practice.policies);
  if (lists.length === 0) return [ok('blocklists', 'no policy asks one')];
  const own = await ownAddresses(practice);
  const found = await Promise.all(
    lists.map(async ({ zone, selfTest }) => [
      ...(selfTest ? [await examineList(practice, zone)] : []),
      ...(await listings(practice, zone, own)),
    ]),
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
  if (answer.kind === 'failed') return warning('blocklists', trouble(answer), 'look again when the resolver answers');
  return warning(
    'blocklists',
    `${zone} does not hold 127.0.0.2, as a list in use does`,
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
