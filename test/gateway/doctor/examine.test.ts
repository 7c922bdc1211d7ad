/** The doctor over zones and loopback hosts: what is well is ok, what is not has its remedy. */
import { expect, onTestFinished, test } from 'vitest';
import { dialSocket } from '../../../src/adapters/net/dial.ts';
import { loadInstallation } from '../../../src/config/load-installation.ts';
import { examine } from '../../../src/gateway/doctor/examine.ts';
import type { Practice } from '../../../src/gateway/doctor/finding.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { ArrivalsHost } from '../../support/arrivals-host.ts';
import { resolverOver } from '../../support/gateway.ts';
import { NOON } from '../../support/samples.ts';

const WELL: Zones = {
  'mx1.example.com': [{ A: '192.0.2.1' }, { TXT: 'v=spf1 a -all' }],
  '1.2.0.192.in-addr.arpa': [{ PTR: 'mx1.example.com' }],
  'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 mx -all' }],
  '2.0.0.127.list.test': [{ A: '127.0.0.2' }],
};
const POLICY = {
  checks: [
    {
      check: 'dnsbl',
      options: {
        lists: {
          one: { zone: 'list.test', codes: { '127.0.0.2': 4 } },
          good: { zone: 'good.test', codes: { '127.0.0.1': -1 } },
        },
      },
    },
  ],
} as unknown as Policy;

async function practice(zones: Zones, more: Partial<Practice> = {}, dns = '127.0.0.1:53'): Promise<Practice> {
  const host = await ArrivalsHost.start();
  onTestFinished(() => host.stop());
  const { installation } = loadInstallation('/etc/postern/postern.yaml', {
    read: () => `hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["127.0.0.1:${host.port}"] } }
dns: { servers: ["${dns}"] }
`,
    exists: () => true,
    glob: (pattern) => [pattern.replace('*', 'inbound')],
    pair: () => ({ kind: 'unread' }),
    show: (path) => path,
  });
  return {
    installation: installation!,
    policies: [POLICY],
    resolver: resolverOver(zones),
    dial: dialSocket,
    outwards: '',
    modeOf: async () => 0o40700,
    freeBytes: 10 * 1024 ** 3,
    newest: NOON - 1000,
    now: NOON,
    signal: AbortSignal.timeout(15_000),
    ...more,
  };
}

test('an installation that is well has nothing but ok', async () => {
  const findings = await examine(await practice(WELL), false);
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect([...new Set(findings.map(({ topic }) => topic))]).toEqual(
    expect.arrayContaining([
      'store',
      'room',
      'clock',
      'resolver',
      'ptr',
      'mx',
      'spf',
      'blocklists',
      'route',
      'port 25',
    ]),
  );
});

const without = (name: string): Zones => Object.fromEntries(Object.entries(WELL).filter(([key]) => key !== name));
test.each<[string, Zones, Partial<Practice>, string, string]>([
  ['no address of our name', without('mx1.example.com'), {}, 'hostname', 'problem'],
  ['no reverse name', without('1.2.0.192.in-addr.arpa'), {}, 'ptr', 'problem'],
  [
    'another reverse name',
    { ...WELL, '1.2.0.192.in-addr.arpa': [{ PTR: 'host1.provider.test' }] },
    {},
    'ptr',
    'problem',
  ],
  ['a resolver that does not answer', { ...WELL, '1.2.0.192.in-addr.arpa': ['TIMEOUT'] }, {}, 'ptr', 'warning'],
  [
    'an MX elsewhere',
    { ...WELL, 'example.com': [{ MX: [10, 'mx.other.test'] }, { TXT: 'v=spf1 -all' }] },
    {},
    'mx',
    'warning',
  ],
  [
    'two SPF records',
    { ...WELL, 'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 mx -all' }, { TXT: 'v=spf1 -all' }] },
    {},
    'spf',
    'problem',
  ],
  [
    'a list that refuses us',
    { ...WELL, '2.0.0.127.list.test': [{ A: '127.255.255.254' }] },
    {},
    'blocklists',
    'problem',
  ],
  ['a list that is out of use', without('2.0.0.127.list.test'), {}, 'blocklists', 'warning'],
  ['a listing of our own', { ...WELL, '1.2.0.192.list.test': [{ A: '127.0.0.2' }] }, {}, 'listed', 'problem'],
  ['a store open to others', WELL, { modeOf: async () => 0o40755 }, 'store', 'problem'],
  ['a full disk', WELL, { freeBytes: 1000 }, 'room', 'problem'],
  ['a clock that was set back', WELL, { newest: NOON + 3_600_000 }, 'clock', 'problem'],
  ['a store that is down', WELL, { dial: async () => ({ kind: 'failed', why: 'refused' }) }, 'route', 'problem'],
])('%s is told with its remedy', async (_, zones, more, topic, level) => {
  const findings = (await examine(await practice(zones, more), false)).filter((one) => one.level !== 'ok');
  const [found] = findings.filter((one) => one.topic === topic);
  expect(found).toMatchObject({ topic, level });
  expect(findings.every(({ remedy }) => remedy !== '')).toBe(true);
});

test('a public resolver is a problem', async () => {
  const findings = await examine(await practice(WELL, {}, '8.8.8.8:53'), true);
  expect(findings.find(({ topic }) => topic === 'resolver')).toMatchObject({ level: 'problem' });
});

test('offline asks nothing outside', async () => {
  const resolver = { resolve: (name: string) => expect.unreachable(name) };
  const findings = await examine(
    await practice(WELL, {
      resolver: {
        resolve: async (name, type, signal) =>
          name.startsWith('_25') ? resolverOver(WELL).resolve(name, type, signal) : resolver.resolve(name),
      },
    }),
    true,
  );
  expect(findings.map(({ level }) => level)).not.toContain('problem');
});
