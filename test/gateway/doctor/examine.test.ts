/** The doctor over zones and loopback hosts: what is well is ok, what is not has its remedy. */
import { expect, test } from 'vitest';
import { examine } from '../../../src/gateway/doctor/examine.ts';
import type { Practice } from '../../../src/gateway/doctor/practice.ts';
import { examineSecrets } from '../../../src/gateway/doctor/secrets.ts';
import { SourceError } from '../../../src/ports/recipients.ts';
import { ServiceError } from '../../../src/ports/services.ts';
import type { HostsRoute } from '../../../src/queue/route.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { aTiming } from '../../support/entries.ts';
import { resolverOver } from '../../support/gateway.ts';
import { practice, STATUS, WELL } from '../../support/practice.ts';
import { aRecord } from '../../support/record.ts';
import { NOON } from '../../support/samples.ts';

test('an installation that is well has nothing but ok', async () => {
  const findings = await examine(await practice(WELL), false);
  expect(findings.filter(({ level }) => level !== 'ok' && level !== 'info')).toEqual([]);
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
  ['our name that cannot be asked for', { ...WELL, 'mx1.example.com': ['SERVFAIL'] }, {}, 'hostname', 'warning'],
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
  ['a quarantine that is nearly full', WELL, { heldBytes: 9.5 * 1024 ** 3 }, 'quarantine', 'warning'],
  ['a quarantine that is full', WELL, { heldBytes: 10 * 1024 ** 3 }, 'quarantine', 'problem'],
  ['a clock that was set back', WELL, { recent: [aRecord({ at: NOON + 3_600_000 })] }, 'clock', 'problem'],
  ['a clock that nobody keeps', WELL, { timeKept: async () => ({ kind: 'adrift' }) }, 'clock', 'warning'],
  ['a store out of reach', WELL, { modeOf: async () => 'hidden' }, 'store', 'problem'],
  ['a store that is damaged', WELL, { storeTrouble: 'the store is damaged' }, 'store', 'problem'],
  ['a resolver that resolves nothing', { ...WELL, org: ['SERVFAIL'] }, {}, 'resolver', 'problem'],
  ['a gateway that does not run', WELL, { gateway: { kind: 'stopped', why: 'no socket' } }, 'gateway', 'warning'],
  ['a gateway that does not answer', WELL, { gateway: { kind: 'refused', why: 'EACCES' } }, 'gateway', 'problem'],
  ['a program that was replaced', WELL, { onDisk: { version: '0.2.0', configuration: 'abc' } }, 'gateway', 'warning'],
  ['files that are not in force', WELL, { onDisk: { version: '0.1.0', configuration: 'xyz' } }, 'gateway', 'warning'],
  [
    'an SPF record that lets everybody send',
    { ...WELL, 'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 +all' }] },
    {},
    'spf',
    'problem',
  ],
  [
    'an SPF record with a mistake',
    { ...WELL, 'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 ipv4:192.0.2.1 -all' }] },
    {},
    'spf',
    'problem',
  ],
  [
    'an SPF record of too many look-ups',
    {
      ...WELL,
      'a.test': [{ A: '192.0.2.9' }],
      'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: `v=spf1${' a:a.test'.repeat(11)} -all` }],
    },
    {},
    'spf',
    'problem',
  ],
  ['a store that is down', WELL, { dial: async () => ({ kind: 'failed', why: 'refused' }) }, 'route', 'problem'],
])('%s is told with its remedy', async (_, zones, more, topic, level) => {
  const findings = (await examine(await practice(zones, more), false)).filter(
    ({ level: one }) => one !== 'ok' && one !== 'info',
  );
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
  const findings = await examine(await practice(WELL, { resolver }), true);
  expect(findings.map(({ level }) => level)).not.toContain('problem');
});

test('whether our own addresses stand in SPF is asked where mail leaves by MX', async () => {
  const zones = { ...WELL, 'example.com': [{ MX: [10, 'mx1.example.com'] }, { TXT: 'v=spf1 ip4:192.0.2.77 -all' }] };
  const quiet = await practice(zones as Zones);
  const spf = async (one: Practice) => (await examine(one, false)).filter(({ topic }) => topic === 'spf');
  expect((await spf(quiet)).map(({ level }) => level)).toEqual(['ok', 'ok']);
  const { installation } = quiet;
  const internet = { ...installation.routes.get('store')!, kind: 'mx', port: 25, tls: 'opportunistic' } as const;
  const sending = { ...installation, defaultRoute: 'internet', routes: new Map([['internet', internet]]) };
  expect(await spf({ ...quiet, installation: sending })).toEqual([
    expect.objectContaining({ level: 'ok', saw: expect.stringContaining('mx1.example.com') }),
    expect.objectContaining({ level: 'problem', saw: expect.stringContaining('does not let 192.0.2.1 send') }),
  ]);
});

test('a part that hangs is told when its time is over, and text from outside is cleaned and bounded', async () => {
  const zones = { ...WELL, '1.2.0.192.in-addr.arpa': [{ PTR: `\u001b[2Jhost.${'x'.repeat(60)}.test` }] };
  const stuck = await practice(zones as Zones, { modeOf: () => new Promise(() => {}) });
  const findings = await examine(stuck, false, 50);
  expect(findings.filter(({ saw }) => saw.includes('in time')).map(({ topic }) => topic)).toEqual(['store', 'secrets']);
  for (const { saw, remedy } of findings) expect(saw + remedy).not.toMatch(/[\x00-\x1f]/);
});

test('every key and secret that the installation names must be closed to others', async () => {
  const well = await practice(WELL);
  const certificates = [{ names: ['mx1.example.com'], certificate: '/tls/c.pem', key: '/tls/k.pem' }];
  const secrets = [
    {
      file: '../secrets/zen',
      shownAs: 'key.list.test',
      asks: 'addresses' as const,
      place: { file: '', line: 1, column: 1 },
    },
  ];
  const secretly = async (modeOf: Practice['modeOf']) => {
    const one: Practice = {
      ...well,
      installation: { ...well.installation, certificates },
      policies: [{ ...well.policies[0]!, secrets }],
      modeOf,
    };
    return (await examine(one, true)).filter(({ topic }) => topic === 'secrets').map(({ saw }) => saw);
  };
  expect(await secretly(async () => 0o100640)).toEqual(['2 files of keys and secrets, closed to others']);
  const open = await secretly(async (path) => (/k\.pem|zen/.test(path) ? 0o100644 : 0o100600));
  expect(open).toEqual([
    '/tls/k.pem is open to every user (0644)',
    '/etc/postern/secrets/zen is open to every user (0644)',
  ]);
  expect(await secretly(async (path) => (path.endsWith('zen') ? 'absent' : 0o100600))).toEqual(['a file is not there']);
});

test('so must the password of a route, the users and the keys of srs', async () => {
  const well = await practice(WELL);
  const place = { file: '', line: 1, column: 1 };
  const from = { kind: 'file', path: '/secrets/route', place } as const;
  const hop: HostsRoute = { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'verified', auth: null };
  const installation = {
    ...well.installation,
    routes: new Map([['out', { ...hop, auth: { user: 'u', password: 'p', from } }]]),
    users: new Map([['people', { kind: 'file', path: '/secrets/users', place } as const]]),
    srs: { domain: 'example.com', keysFile: '/secrets/srs', place },
  };
  const found = await examineSecrets({ ...well, installation, modeOf: async () => 0o100644 });
  for (const name of ['route', 'users', 'srs'])
    expect(found.map(({ saw }) => saw)).toContain(`/secrets/${name} is open to every user (0644)`);
});

test('lists under a zone with a key are asked under the name that is shown', async () => {
  const asked: string[] = [];
  const under = resolverOver({ ...WELL, '2.0.0.127.key.list.test': [{ A: '127.0.0.2' }] });
  const options = {
    lists: { zen: { zone_file: '../secrets/zen', shown_as: 'key.list.test', codes: { '127.0.0.2': 4 } } },
  };
  const one = await practice(WELL, {
    policies: [{ checks: [{ check: 'dnsbl', options }], secrets: [] } as never],
    resolver: {
      resolve: (name, type, signal) => {
        asked.push(name);
        return under.resolve(name, type, signal);
      },
    },
  });
  const found = (await examine(one, false)).filter(({ topic }) => topic === 'blocklists');
  expect(found).toMatchObject([{ level: 'ok', saw: 'key.list.test answers' }]);
  expect(asked).toContain('1.2.0.192.key.list.test');
});

test('a listener that sees private addresses only is told, and what was shed at the door', async () => {
  const client = { ip: '10.0.0.1', network: '10.0.0.0/24' };
  const inside = Array.from({ length: 20 }, () => aRecord({ listener: 'mx', facts: { client } }));
  const reply = { code: 421, enhanced: '4.7.0', text: 'later' };
  const shed = aRecord({ at: NOON - 60_000, count: 7, replies: [{ to: 'connect', reply, reason: 'network-rate' }] });
  const told = async (recent: Practice['recent']) =>
    (await examine(await practice(WELL, { recent }), true)).filter(
      ({ group, level }) => group === 'gateway' && level !== 'ok',
    );
  expect(await told(inside)).toMatchObject([{ topic: 'clients', level: 'warning' }]);
  const outside = aRecord({ listener: 'mx', facts: { client: { ip: '192.0.2.9' } } });
  expect(await told([...inside, outside])).toEqual([]);
  expect(await told([shed])).toMatchObject([
    { topic: 'crowd', saw: '7 connections shed in the last 60 s (network-rate)' },
  ]);
});

test('each configured service is asked: what it is, or why it gives no answer and what to do', async () => {
  const well = await practice(WELL);
  const address = { kind: 'unix', path: '/run/x' } as const;
  const services = {
    clamav: { address, connectTimeout: 1, maxBytes: 1 },
    spamassassin: { address, connectTimeout: 1 },
    rspamd: { url: 'http://127.0.0.1', connectTimeout: 1 },
  };
  const scan = () => Promise.reject(new Error('not asked'));
  const found = await examine(
    {
      ...well,
      installation: { ...well.installation, services },
      services: {
        clamav: { scan, probe: async () => 'PONG', version: async () => 'ClamAV 1.4.3/1' },
        spamassassin: { scan, probe: () => Promise.reject(new ServiceError('unreachable', 'connect ENOENT /run/x')) },
        rspamd: { scan, probe: async () => 'rspamd/3.4\x1b[31m' },
      },
      gateway: {
        kind: 'answered',
        answer: {
          problems: [],
          status: {
            ...STATUS,
            services: [{ service: 'clamav', state: 'down', since: NOON, lastError: 'no answer in time' }],
          },
        },
      },
    },
    false,
  );
  const group = found.filter((one) => one.group === 'services');
  expect(group.map(({ topic, level, saw }) => `${topic} ${level}: ${saw}`)).toEqual([
    'clamav ok: answers: ClamAV 1.4.3/1',
    'spamassassin problem: gives no answer (unreachable): connect ENOENT /run/x',
    'rspamd ok: answers: rspamd/3.4\\x1b[31m',
    'clamav warning: the gateway has given it up: no answer in time',
  ]);
  expect(group[1]?.remedy).toContain('services.spamassassin.address');
});

test('recipient sources: one that answers, one that knows everybody, one that is silent, and what the gateway saw', async () => {
  const well = await practice(WELL);
  const [domain] = well.installation.domains.values();
  const spans = { timeout: 1, connections: 1, knownFor: 0, unknownFor: 0, lastKnown: 0, onError: 'defer' } as const;
  const hosts = ['good', 'all', 'mute'].map((host) => [{ kind: 'tcp', host: `${host}.test`, port: 25 }] as const);
  const recipients = hosts.map(
    (one) =>
      ({ kind: 'callout', hosts: one, protocol: 'smtp', tls: 'none', probeRandom: true, rate: 1, ...spans }) as const,
  );
  const installation = { ...well.installation, domains: new Map([['example.com', { ...domain!, recipients }]]) };
  let closed = 0;
  const found = await examine(
    {
      ...well,
      installation,
      recipientClient: (source) => ({
        ask: async ({ local }) => {
          const [host] = (source as (typeof recipients)[number]).hosts;
          if (host!.host === 'mute.test') throw new SourceError('down', 'no answer in time');
          if (host!.host === 'all.test') throw new SourceError('catch-all', 'it takes a made-up name too');
          return local === 'nobody' ? 'unknown' : 'known';
        },
        close: () => {
          closed += 1;
        },
      }),
      gateway: {
        kind: 'answered',
        answer: {
          problems: [],
          status: {
            ...STATUS,
            sources: [
              { source: 'callout mute.test:25', state: 'down', since: NOON, lastError: 'no answer', catchAll: [] },
              { source: 'callout all.test:25', state: 'up', since: NOON, lastError: '', catchAll: ['example.com'] },
            ],
          },
        },
      },
    },
    true,
  );
  const told = found.filter(({ group }) => group === 'recipients').map(({ level, saw }) => `${level}: ${saw}`);
  expect(told).toEqual([
    'ok: callout good.test:25 answers, and knows no made-up name in example.com',
    'problem: callout all.test:25 is a catch-all for example.com, and not believed',
    'problem: callout mute.test:25 gives no answer: no answer in time',
    'warning: the gateway has no answer of callout mute.test:25: no answer',
    'problem: callout all.test:25 takes made-up names in example.com',
  ]);
  expect(closed).toBe(3);
});
