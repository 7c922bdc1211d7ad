/** The commands that speak to the running gateway, and what they say when it does not run. */
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Found } from '../../src/gateway/doctor/examine.ts';
import type { Override } from '../../src/policy/override.ts';
import type { GatewayStatus } from '../../src/ports/control.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { NOON, sampleAdmission, sampleId, spool } from '../support/samples.ts';

async function run(world: FakeWorld, ...args: readonly string[]) {
  world.written.out = '';
  world.written.err = '';
  return { status: await runCli(args, world), ...world.written };
}

const BRAKE: Override = {
  id: '3f9k2m7q0d5xa',
  kind: 'rule',
  name: 'dmarc-refuse',
  policy: '',
  by: 'olga',
  why: 'INC-1',
  since: NOON - 60_000,
  until: NOON + 7_200_000,
};
const STATUS: GatewayStatus = {
  pid: 42,
  version: '0.1.0',
  startedAt: NOON - 3_600_000,
  configuration: 'abc',
  draining: false,
  room: { minFreeBytes: 1024 ** 3, quarantineBytes: 10 * 1024 ** 3 },
  listeners: [{ name: 'mx', address: '127.0.0.1:25', policy: 'inbound', sessions: 2 }],
  policies: [{ name: 'inbound', bundle: 'abc', rules: 3 }],
  lastReload: null,
  services: [],
  sources: [],
  digest: null,
  overrides: [],
  suspensions: [],
};
const answering = (status: Partial<GatewayStatus> = {}, more: object = {}): FakeWorld => {
  const world = fakeWorld();
  world.answer = { kind: 'answered', answer: { problems: [], status: { ...STATUS, ...status }, ...more } };
  return world;
};
const PROBLEM = {
  place: { file: 'policies/inbound.yaml', line: 12, column: 7 },
  severity: 'error' as const,
  message: 'there is no fact "spff"',
  remedy: 'did you mean "spf"?',
  excerpt: '',
};

describe('postern status', () => {
  test('says which recipient sources answer, and which one is not believed', async () => {
    const one = {
      source: 'callout store.internal:25',
      state: 'up',
      since: NOON - 60_000,
      lastError: '',
      catchAll: ['a.test'],
    } as const;
    const two = {
      source: 'ldap dc1.internal:636',
      state: 'down',
      since: NOON - 60_000,
      lastError: 'it did not answer in time',
      catchAll: [],
    } as const;
    const { out } = await run(answering({ sources: [one, two] }), 'status');
    expect(out).toContain('recipients  callout store.internal:25 answers for 60 s\n');
    expect(out).toContain('CATCH-ALL for a.test: it takes made-up names too, and is not believed');
    expect(out).toContain('recipients  ldap dc1.internal:636 DOWN for 60 s: it did not answer in time');
  });

  test('says when recipients are told of held mail, and what the last round did', async () => {
    const last = { at: NOON - 7_200_000, mails: 1, messages: 12 };
    const { out } = await run(
      answering({ digest: { address: '127.0.0.1:8026', next: NOON + 600_000, last } }),
      'status',
    );
    expect(out).toContain(
      'digest      next in 10 min; last 2 h ago: 1 mail about 12 messages; pages at 127.0.0.1:8026\n',
    );
  });

  test('says how the gateway is, and how much waits where', async () => {
    const world = answering({ overrides: [BRAKE], lastReload: { at: NOON - 120_000, problems: [PROBLEM] } });
    const { status, out } = await run(world, 'status');
    expect(status).toBe(0);
    expect(out).toBe(
      [
        'gateway     0.1.0, running as process 42 for 60 min',
        'listener    mx at 127.0.0.1:25, policy inbound, 2 sessions open',
        'policy      inbound, 3 rules, bundle abc',
        'reload      2 min ago, REFUSED for 1 problem: what was in force stays',
        '            policies/inbound.yaml:12:7: error: there is no fact "spff"',
        'override    3f9k2m7q0d5xa  rule dmarc-refuse in monitor, for 2 h yet, by olga: INC-1',
        'queue       0 waiting (0 due), 0 being sent, 0 held',
        'quarantine  0, 0 MiB of 10.0 GiB',
        'store       /etc/postern/var/postern: 5.0 GiB free, 1.0 GiB must be',
        '',
      ].join('\n'),
    );
  });

  test('tells the bounds that the gateway keeps to, not those that the files say since', async () => {
    const room = { minFreeBytes: 6 * 1024 ** 3, quarantineBytes: 1024 ** 3 };
    const { out } = await run(answering({ room }), 'status');
    expect(out).toContain('TOO LITTLE: mail is answered 451; 5.0 GiB free, 6.0 GiB must be\n');
    expect(out).toContain('quarantine  0, 0 MiB of 1.0 GiB\n');
  });

  test('when nothing runs says so with exit 1, and tells what the store knows, its overrides too', async () => {
    const world = fakeWorld();
    world.kept = [BRAKE, { ...BRAKE, id: 'over', until: NOON }];
    const { status, out } = await run(world, 'status', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      running: false,
      why: 'there is no socket',
      overrides: [{ id: BRAKE.id, until: new Date(BRAKE.until).toISOString() }],
      queue: { waiting: 0, oldest_s: null, routes: [] },
      quarantine: { total: 0, classes: {}, octets: 0, max_octets: 10 * 1024 ** 3 },
      store: { free_bytes: 5 * 1024 ** 3, min_free_bytes: 1024 ** 3 },
    });
  });

  test('in JSON every key is in snake_case', async () => {
    const { out } = await run(
      answering({ overrides: [BRAKE], lastReload: { at: NOON, problems: [] } }),
      'status',
      '--json',
    );
    expect([...out.matchAll(/"(\w+)":/g)].map(([, key]) => key).filter((key) => /[A-Z]/.test(key!))).toEqual([]);
  });
});

describe('postern reload', () => {
  test('says no when nothing runs', async () => {
    expect(await run(fakeWorld(), 'reload')).toMatchObject({
      status: 1,
      err: 'postern: Cannot reload as the gateway must be running: there is no socket\n',
    });
  });

  test('says yes when the gateway took it, and wrong usage is wrong usage', async () => {
    const world = answering();
    expect(await run(world, 'reload')).toMatchObject({ status: 0, out: expect.stringContaining('process 42') });
    expect(await run(world, 'reload', 'lists')).toMatchObject({
      status: 0,
      out: expect.stringContaining('the lists of'),
    });
    expect((await run(world, 'reload', 'everything')).status).toBe(2);
    expect(world.asked).toContain('control {"verb":"reload lists"}');
  });

  test('reports what the gateway found, with exit 1', async () => {
    const { status, err } = await run(answering({}, { problems: [PROBLEM] }), 'reload');
    expect(status).toBe(1);
    expect(err).toMatch(/inbound\.yaml:12:7: error.*the running configuration stays in force\n$/s);
  });
});

describe('postern drain', () => {
  const idle = { listeners: [], draining: true };

  test('is fine when nothing is left, and says no with what is left', async () => {
    const world = answering(idle);
    expect(await run(world, 'drain')).toMatchObject({ status: 0, out: 'empty\n' });
    await admit(world);
    expect(await run(world, 'drain')).toMatchObject({
      status: 1,
      out: 'left: 0 sessions open, 1 waiting (1 due now), 0 being sent\n',
    });
  });

  test('with --wait looks again until it is empty', async () => {
    const world = answering(idle);
    await admit(world);
    const waiting: FakeWorld = {
      ...world,
      sleep: async () => {
        const [waits] = await world.store.queue.list({});
        await world.store.queue.amend([{ was: waits!, next: { ...waits!, state: { kind: 'removed' } }, events: [] }]);
      },
    };
    expect(await run(waiting, 'drain', '--wait', '1m')).toMatchObject({ status: 0, out: 'empty\n' });
  });

  test('--off takes again', async () => {
    const world = answering();
    expect(await run(world, 'drain', '--off')).toMatchObject({ status: 0, out: 'takes mail again\n' });
    expect(world.asked).toContain('control {"verb":"undrain"}');
  });
});

describe('postern override', () => {
  const begin = ['override', 'rule', 'dmarc-refuse', 'monitor', '--why', 'INC-1'];

  test('hands the wish over with who and why, and says for how long', async () => {
    const world = answering({}, { override: BRAKE });
    expect(await run(world, ...begin, '--for', '2h')).toMatchObject({
      status: 0,
      out: 'in force: 3f9k2m7q0d5xa  rule dmarc-refuse in monitor, for 2 h yet, by olga: INC-1\n',
    });
    expect(world.asked.at(-1)).toBe(
      `control ${JSON.stringify({ verb: 'override', begin: { kind: 'rule', name: 'dmarc-refuse', policy: '', by: 'olga', why: 'INC-1', span: 7_200_000 } })}`,
    );
  });

  test.each([
    ['for more than a week', [...begin, '--for', '8d']],
    ['for no span', [...begin, '--for', 'ever']],
    ['without an end', begin],
    ['without a reason', ['override', 'rule', 'a', 'monitor', '--for', '2h']],
    ['with an empty reason', ['override', 'rule', 'a', 'monitor', '--for', '2h', '--why', ' ']],
    ['in another mode', ['override', 'rule', 'a', 'soft', '--for', '2h', '--why', 'x']],
  ])('%s is wrong usage', async (_, args) => {
    expect((await run(answering(), ...args)).status).toBe(2);
  });

  test('what the gateway would not do is told', async () => {
    const world = fakeWorld();
    world.answer = { kind: 'refused', why: 'no policy in force has a rule "dmarc-refuse"' };
    expect(await run(world, ...begin, '--for', '2h')).toMatchObject({
      status: 1,
      err: 'postern: Cannot override: no policy in force has a rule "dmarc-refuse"\n',
    });
  });

  test('check warns of one whose rule is not there any more', async () => {
    const world = fakeWorld();
    world.kept = [BRAKE, { ...BRAKE, id: 'fits', name: 'partners' }];
    const { status, out } = await run(world, 'check');
    expect(status).toBe(0);
    expect(out).toContain('override 3f9k2m7q0d5xa is on the rule "dmarc-refuse", which no policy has');
    expect(out).not.toContain('override fits');
  });
});

async function admit({ store }: FakeWorld): Promise<void> {
  await store.queue.admit(sampleAdmission(sampleId(), await spool(store.content, 'Subject: x\r\n\r\nx\r\n')));
}

describe('postern doctor', () => {
  const found = (level: Found['level'], topic: string, saw: string, remedy = ''): Found => ({
    group: topic === 'clock' ? 'machine' : 'names',
    topic,
    level,
    saw,
    remedy,
  });
  const FOUND = [
    found('ok', 'clock', 'kept by a time server'),
    found('ok', 'mx', 'example.com has the MX mx1.example.com, which is this machine'),
    found('problem', 'mx', `example.net has the MX ${'mx.other.example, '.repeat(4)}none is ours`, 'publish one'),
    ...Array.from({ length: 8 }, (_, n) => found('warning', 'spf', `${n}.example has no SPF record`, 'publish one')),
  ];

  test('tells by group what was seen and what mends it, the worst first, of many alike a few', async () => {
    const world = fakeWorld();
    world.findings = FOUND;
    const { status, out } = await run(world, 'doctor');
    expect(status).toBe(1);
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(out).toMatch(/^machine\n {2}ok +clock {2}kept by a time server\nnames\n {2}PROBLEM {2}mx +example\.net /);
    expect(out.match(/has no SPF record/g)).toHaveLength(5);
    expect(out).toContain('and 3 more: see --json');
    expect(out).toMatch(/\n1 problem, 8 warnings\n$/);
  });

  test('prints an object a line with --json, and exits 0 where nothing is a problem', async () => {
    const world = fakeWorld();
    world.findings = FOUND.filter(({ level }) => level !== 'problem');
    const { status, out } = await run(world, 'doctor', '--json');
    expect(status).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(world.findings.length);
    expect(JSON.parse(lines[0]!)).toEqual({
      group: 'machine',
      topic: 'clock',
      level: 'ok',
      saw: 'kept by a time server',
      remedy: '',
    });
  });
});
