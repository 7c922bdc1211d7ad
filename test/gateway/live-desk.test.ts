/** The desk before a source that a test plays: what is remembered, joined and bounded, and who stands in when it is silent. */
import { expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import type { CalloutSource, LiveSource, SqlSource } from '../../src/config/live-source.ts';
import { deskKey, LiveDesk, loadedPath, sourceId } from '../../src/gateway/live-desk.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { recipientDirectory } from '../../src/gateway/recipients.ts';
import { days, minutes, seconds } from '../../src/mail/time.ts';
import { type AskedAddress, SourceError } from '../../src/ports/recipients.ts';
import { FakeClock } from '../support/clock.ts';

const OURS = { hostname: 'mx.gateway.test', store: '/store' };
const INSTALLED = { hostname: 'mx.gateway.test', store: { path: '/store', minFreeBytes: 0 } };
const SQL: SqlSource = {
  kind: 'sql',
  host: 'db.internal',
  port: 5432,
  user: 'reader',
  database: 'mail',
  tls: 'verified',
  caFile: '',
  query: 'SELECT 1 FROM m WHERE a = $1',
  password: { kind: 'env', name: 'DB' },
  timeout: seconds(5),
  connections: 2,
  knownFor: minutes(15),
  unknownFor: minutes(1),
  lastKnown: days(7),
  onError: 'defer',
};
const CALLOUT: CalloutSource = {
  ...SQL,
  kind: 'callout',
  hosts: [{ kind: 'tcp', host: 'store.internal', port: 25 }],
  protocol: 'smtp',
  tls: 'none',
  probeRandom: true,
  rate: 2,
};

type Play = (asked: AskedAddress) => Promise<'known' | 'unknown'> | 'known' | 'unknown' | Error;

function bench(source: LiveSource = SQL, state = new MemoryState()) {
  const clock = new FakeClock();
  const said: string[] = [];
  const note = (level: string) => (name: string, data?: object) =>
    void said.push(`${level} ${name} ${JSON.stringify(data)}`);
  const log = { event: note('event'), warn: note('warn'), error: note('error') };
  const world = { asked: [] as string[], closed: 0, play: (() => 'unknown') as Play };
  const desk = new LiveDesk({
    clientFor: () => ({
      ask: async (asked) => {
        world.asked.push(asked.address);
        const answer = await world.play(asked);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      close: () => {
        world.closed += 1;
      },
    }),
    state: () => state,
    clock,
    log,
  });
  desk.open([source], OURS);
  desk.keep([source]);
  const ask = async (local = 'alice', domain = 'store.test') => {
    const { result, by } = await desk.ask(deskKey(source), { address: `${local}@${domain}`, local, domain });
    return `${result} ${by}`;
  };
  return { desk, clock, said, world, ask, state };
}
const down = () => new SourceError('down', 'connect ECONNREFUSED');
/** Promises run on as far as they can. */
const settle = () => new Promise<void>((done) => setImmediate(done));

test('a yes is remembered for its time, a no for its own', async () => {
  const { world, clock, ask } = bench();
  world.play = ({ local }) => (local === 'alice' ? 'known' : 'unknown');
  expect(await ask()).toBe('known asked');
  expect(await ask('eve')).toBe('unknown asked');
  await clock.pass(seconds(59));
  expect(await ask()).toBe('known remembered');
  expect(await ask('eve')).toBe('unknown remembered');
  await clock.pass(seconds(2));
  expect(await ask('eve')).toBe('unknown asked');
  await clock.pass(minutes(14));
  expect(await ask()).toBe('known asked');
});

test('a source that is opened once more is the same one, with what it remembers', async () => {
  const { desk, world, ask } = bench();
  world.play = () => 'known';
  await ask();
  desk.open([SQL], OURS);
  expect(await ask()).toBe('known remembered');
});

test('an answer is remembered for less than its time, not for all of it', async () => {
  const { world, clock, ask } = bench();
  world.play = () => 'known';
  await ask();
  await clock.pass(minutes(15) - 1);
  expect(await ask()).toBe('known remembered');
  await clock.pass(1);
  expect(await ask()).toBe('known asked');
});

test('a source that can make nothing of an address works, though it was down', async () => {
  const { desk, world, clock, ask } = bench();
  world.play = down;
  await ask();
  expect(desk.status()[0]?.state).toBe('down');
  world.play = () => new SourceError('unsure', 'invalid byte sequence');
  await clock.pass(seconds(1));
  await ask('bob');
  expect(desk.status()[0]?.state).toBe('up');
});

test('of catch-all domains a thousand are kept and told of', async () => {
  const { desk, world, said, ask } = bench(SQL);
  world.play = () => new SourceError('catch-all', 'it takes a made-up name too');
  for (let n = 0; n < 1001; n++) await ask('alice', `d${n}.test`);
  expect(desk.status()[0]?.catchAll).toHaveLength(1000);
  expect(said.filter((line) => line.includes('recipients.catch_all'))).toHaveLength(1000);
});

test('questions for one address at the same time are one question', async () => {
  const { world, ask } = bench();
  let answer: (said: 'known') => void = () => {};
  world.play = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const asked = [ask(), ask(), ask()];
  await settle();
  answer('known');
  expect(await Promise.all(asked)).toEqual(['known asked', 'known asked', 'known asked']);
  expect(world.asked).toEqual(['alice@store.test']);
});

test('no more go to the source at once than it was allowed, and who waits too long is put off', async () => {
  const { world, ask } = bench({ ...SQL, timeout: 50 });
  let busy = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  world.play = async () => {
    busy += 1;
    most = Math.max(most, busy);
    await new Promise<void>((resolve) => waiting.push(resolve));
    busy -= 1;
    return 'known' as const;
  };
  const asked = ['a', 'b', 'c'].map((local) => ask(local));
  expect(await asked[2]).toBe('unsure on_error');
  for (const go of waiting) go();
  expect(await Promise.all(asked.slice(0, 2))).toEqual(['known asked', 'known asked']);
  expect(most).toBe(2);
});

test('callouts keep to their rate', async () => {
  const { world, clock, ask } = bench(CALLOUT);
  world.play = () => 'known';
  const asked = ['a', 'b', 'c'].map((local) => ask(local));
  await settle();
  expect(world.asked).toHaveLength(1);
  await clock.pass(500);
  await settle();
  expect(world.asked).toHaveLength(2);
  await clock.pass(500);
  expect(await Promise.all(asked)).toHaveLength(3);
});

test('while it is down, whom it knew is known, a no of before counts for nothing, and others are put off', async () => {
  const { world, clock, ask, said, desk } = bench();
  world.play = ({ local }) => (local === 'alice' ? 'known' : 'unknown');
  await ask();
  await ask('eve');
  await clock.pass(days(1));
  world.play = down;
  expect(await ask()).toBe('known last_known');
  expect(await ask('eve')).toBe('unsure on_error');
  expect(said).toEqual([
    expect.stringMatching(/^error recipients\.source\.down .*sql db\.internal:5432\/mail.*ECONNREFUSED/),
  ]);
  expect(desk.status()).toMatchObject([{ state: 'down', lastError: 'connect ECONNREFUSED' }]);
});

test('last answers are kept over a restart, for as long as they may be', async () => {
  const state = new MemoryState();
  const before = bench(SQL, state);
  before.world.play = () => 'known';
  await before.ask();
  const after = bench(SQL, state);
  after.world.play = down;
  expect(await after.ask()).toBe('known last_known');
  const shorter = bench({ ...SQL, lastKnown: minutes(5), timeout: seconds(1) }, state);
  shorter.world.play = down;
  expect(await shorter.ask()).toBe('known last_known');
  shorter.clock.jump(shorter.clock.now() + minutes(6));
  expect(await shorter.ask()).toBe('unsure on_error');
  const never = bench({ ...SQL, lastKnown: 0 }, state);
  never.world.play = down;
  expect(await never.ask()).toBe('unsure on_error');
});

test('who was let go is not known any more, though the source fails later', async () => {
  const { world, clock, ask } = bench();
  world.play = () => 'known';
  await ask();
  await clock.pass(minutes(16));
  world.play = () => 'unknown';
  expect(await ask()).toBe('unknown asked');
  await clock.pass(minutes(2));
  world.play = down;
  expect(await ask()).toBe('unsure on_error');
});

test('one that is down is asked by one at a time, less and less often, and at once when it answers', async () => {
  const { world, clock, ask, said } = bench();
  world.play = down;
  await Promise.all(['a', 'b'].map((local) => ask(local)));
  expect(world.asked).toHaveLength(2);
  for (let n = 0; n < 20; n++) await ask(`x${n}`);
  expect(world.asked).toHaveLength(2);
  let waited = 0;
  for (let probes = 0; probes < 6; waited += 1) {
    await clock.pass(seconds(1));
    const before = world.asked.length;
    await Promise.all(['a', 'b', 'c'].map((local) => ask(local)));
    expect(world.asked.length - before).toBeLessThanOrEqual(1);
    probes += world.asked.length - before;
  }
  expect(waited).toBeGreaterThan(15);
  world.play = () => 'known';
  await clock.pass(seconds(5));
  expect(await ask()).toBe('known asked');
  expect(await ask('b')).toBe('known asked');
  expect(said.at(-1)).toMatch(/^event recipients\.source\.up/);
});

test('on_error: accept takes whom nobody can look up', async () => {
  const { world, ask } = bench({ ...SQL, onError: 'accept' });
  world.play = down;
  expect(await ask()).toBe('known on_error');
});

test('one address that a source can make nothing of puts no other off', async () => {
  const { world, ask, desk } = bench();
  world.play = ({ local }) => (local === 'odd' ? new SourceError('unsure', 'invalid byte sequence') : 'known');
  expect(await ask('odd')).toBe('unsure on_error');
  expect(await ask()).toBe('known asked');
  expect(desk.status()).toMatchObject([{ state: 'up', lastError: 'invalid byte sequence' }]);
});

test('a catch-all is told once, is not believed, and is no fault of other domains', async () => {
  const { world, clock, ask, said, desk } = bench(CALLOUT);
  world.play = ({ domain }) =>
    domain === 'all.test' ? new SourceError('catch-all', 'it takes a made-up name too') : 'known';
  const both = [ask('a', 'all.test'), ask('b', 'all.test'), ask('c', 'store.test')];
  await settle();
  await clock.pass(seconds(2));
  expect(await Promise.all(both)).toEqual(['unsure on_error', 'unsure on_error', 'known asked']);
  expect(said.filter((line) => line.startsWith('error recipients.catch_all'))).toHaveLength(1);
  expect(desk.status()).toMatchObject([{ state: 'up', catchAll: ['all.test'] }]);
  world.play = () => 'known';
  expect(await ask('a', 'all.test')).toBe('known asked');
  expect(desk.status()).toMatchObject([{ catchAll: [] }]);
  expect(said.at(-1)).toMatch(/^event recipients\.catch_all\.over/);
});

test('a fault of ours in a client is the source down, not a broken session', async () => {
  const { world, ask } = bench();
  world.play = () => new TypeError('x is not a function');
  expect(await ask()).toBe('unsure on_error');
});

test('a reload keeps the sources of the configuration before, for sessions that began under it, and closes older ones', async () => {
  const { desk, world, ask } = bench();
  world.play = () => 'known';
  desk.open([CALLOUT], OURS);
  desk.keep([CALLOUT]);
  expect(await ask()).toBe('known asked');
  expect(desk.status()).toHaveLength(1);
  desk.keep([CALLOUT]);
  expect(world.closed).toBe(1);
  expect(await ask('b')).toBe('unsure on_error');
});

test('a source is the same whatever is waited for it, and its name tells no secret', () => {
  expect(sourceId(SQL)).toBe(sourceId({ ...SQL, timeout: 1, lastKnown: 0, onError: 'accept' }));
  expect(sourceId(SQL)).not.toBe(sourceId({ ...SQL, database: 'other' }));
  expect(sourceId(SQL)).toMatch(/^[0-9a-f]{16}$/);
});

test('in the order of the sources: a live one is asked for whom none before it knows, and in a rehearsal assumed to know them', async () => {
  const { desk, world } = bench();
  world.play = ({ address }) => (address.startsWith('bob@') ? 'known' : 'unknown');
  const domain = {
    domain: 'store.test',
    route: 'store',
    recipients: [{ kind: 'inline', addresses: ['alice'] } as const, SQL],
    settings: {},
    place: { file: 'postern.yaml', line: 1, column: 1 },
  };
  const silent = { event: () => {}, warn: () => {}, error: () => {} };
  const directory = recipientDirectory(
    { ...INSTALLED, domains: new Map([['store.test', domain]]) },
    new RecipientLists({ watch: () => () => {} }, silent),
    { now: () => 0 },
    desk,
  );
  const who = async (local: string, asking: 'ask' | 'assume' = 'ask') => {
    const mailbox = { local, domain: 'store.test', address: `${local}@store.test` };
    const { result, source, by, listed } = await directory.resolve(mailbox, asking);
    return [result, source, by, listed].join(' ');
  };
  expect(await who('Alice')).toBe('known inline  true');
  expect(await who('postmaster')).toBe('known builtin  false');
  expect(await who('eve', 'assume')).toBe('known sql assumed false');
  expect(world.asked).toEqual([]);
  expect(await who('Bob')).toBe('known sql asked true');
  expect(await who('bob+list')).toBe('known sql remembered false');
  expect(await who('eve')).toBe('unknown   false');
  expect(world.asked).toEqual(['bob@store.test', 'bob+list@store.test', 'eve@store.test']);
  expect(await who('a b')).toBe('unknown   false');
  expect(world.asked.at(-1)).toBe('"a b"@store.test');
});

test('a directory that is loaded whole lies in a file, and is loaded again when it is time, sooner when it failed', async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const note = (name: string) => void said.push(name);
  const written: string[] = [];
  let play = (): readonly string[] | Error => ['alice@store.test'];
  let loads = 0;
  const list = { every: minutes(15), attributes: ['mail'], maxShrink: 0.1 };
  const server = { host: 'dc1.internal', port: 636, tls: 'implicit' } as const;
  const { query: _, host: _1, port: _2, user: _3, database: _4, tls: _5, ...rest } = SQL;
  const ldap = { base: 'dc=x', filter: '(mail=*)', bindDn: '' } as const;
  const source = { ...rest, ...ldap, kind: 'ldap', servers: [server], list } as const;
  const desk = new LiveDesk({
    clientFor: () => {
      throw new Error('nobody is asked for one address');
    },
    state: () => new MemoryState(),
    clock,
    log: { event: note, warn: note, error: note },
    lists: {
      prepare: (path) => void written.push(`at ${path}`),
      load: async () => {
        loads += 1;
        const answer = play();
        if (answer instanceof Error) throw answer;
        return answer;
      },
      write: (_path, addresses) => void written.push(addresses.join(' ')),
    },
  });
  desk.open([source], OURS);
  expect(written).toEqual([`at ${loadedPath(source, '/store')}`]);
  desk.keep([source, source]);
  await settle();
  expect(written.at(-1)).toBe('alice@store.test');
  expect(desk.status()).toMatchObject([{ source: 'ldap dc1.internal:636', state: 'up' }]);
  play = () => new SourceError('down', 'gone');
  await clock.pass(minutes(15));
  await settle();
  expect(desk.status()).toMatchObject([{ state: 'down', lastError: 'gone' }]);
  const before = loads;
  play = () => ['alice@store.test', 'bob@store.test'];
  await clock.pass(minutes(1));
  await settle();
  expect(loads).toBe(before + 1);
  expect(written.at(-1)).toBe('alice@store.test bob@store.test');
  expect(said).toEqual(['recipients.source.up', 'recipients.source.down', 'recipients.source.up']);
  desk.close();
  await clock.pass(minutes(60));
  expect(loads).toBe(before + 1);
});
