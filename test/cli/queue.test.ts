import { describe, expect, test } from 'vitest';
import { type Named, noting } from '../../src/cli/missing.ts';
import { runCli } from '../../src/cli/program.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { NOON, sampleAdmission, sampleId, sampleItem, sampleRecord, spool } from '../support/samples.ts';

const HOUR = 3_600_000;
const id = (n: number): string => sampleId(NOON, n);

async function admit(world: FakeWorld, n: number, changes: Partial<QueueEntry> = {}): Promise<QueueEntry> {
  const admission = sampleAdmission(id(n), await spool(world.store.content, `message ${n}\r\n`), changes);
  await world.store.queue.admit(admission);
  return admission.entries[0]!;
}
async function keepAside(world: FakeWorld, n: number, more: Partial<QueueEntry> = {}, item = {}): Promise<void> {
  const content = await spool(world.store.content, `message ${n}\r\n`);
  const [entry] = sampleAdmission(id(n), content, more).entries;
  const quarantine = [sampleItem(entry!, item)];
  await world.store.queue.admit({ record: sampleRecord(id(n)), events: [], content, entries: [], quarantine });
}
async function run(world: FakeWorld, ...words: string[]) {
  world.written.out = '';
  world.written.err = '';
  return { status: await runCli(words, world), ...world.written };
}
const states = async (world: FakeWorld) => (await world.store.queue.list({})).map(({ state }) => state.kind);
const story = async (world: FakeWorld, n: number) => (await world.store.records.get(id(n)))?.events.at(-1);

/** Three that wait: to bob by store, to carol an hour old by boxes, and the null sender's. */
async function three(): Promise<FakeWorld> {
  const world = fakeWorld();
  await admit(world, 1, { state: { kind: 'waiting', due: NOON + HOUR } });
  await admit(world, 2, {
    recipient: 'carol@example.net',
    domain: 'example.net',
    route: 'boxes',
    admittedAt: NOON - HOUR,
  });
  await admit(world, 3, { reversePath: { kind: 'null' } });
  return world;
}
test('a list of nothing says so beside what is printed, and names the routes where none is called so', async () => {
  const world = await three();
  const nothing = await run(world, 'queue', 'list', '--domain', 'nowhere.test');
  expect(nothing).toEqual({ status: 0, out: '', err: 'nothing in the queue fits\n' });
  const { err } = await run(world, 'queue', 'list', '--route', 'stor');
  expect(err).toMatch(/^nothing in the queue fits; there is no route "stor", there are: .*store/);
  expect(await run(world, 'queue', 'list', '--route', 'stor', '--json')).toEqual({ status: 0, out: '', err: '' });
});

const choices: readonly [string[], number[]][] = [
  [
    ['--recipient', 'BOB@example.com'],
    [1, 3],
  ],
  [
    ['--sender', 'alice@example.org'],
    [1, 2],
  ],
  [['--sender', ''], [3]],
  [['--domain', 'example.net'], [2]],
  [['--route', 'boxes'], [2]],
  [['--older-than', '30m'], [2]],
  [['--route', 'store', '--sender', ''], [3]],
  [[id(1)], [1]],
  [
    [`${id(1)}.1`, id(2)],
    [1, 2],
  ],
  [[`${id(1)}.1`, id(1)], [1]],
];

describe('postern queue', () => {
  test('lists what waits, a line each, or a JSON object each', async () => {
    const world = await three();
    const { out } = await run(world, 'queue', 'list');
    expect(out.split('\n')[0]).toBe(`${id(1)}.1  in 60 min         <alice@example.org> -> <bob@example.com> by store`);
    const json = (await run(world, 'queue', 'list', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(json.map(({ reverse_path }) => reverse_path)).toEqual(['alice@example.org', 'alice@example.org', '']);
    expect(json[0]).toMatchObject({ record_id: id(1), state: { kind: 'waiting', due: '2026-11-22T13:00:00.000Z' } });
    expect(json[0]).not.toHaveProperty('prefix');
  });

  test.each(choices)('%j chooses entries %j, for looking as for changing', async (words, expected) => {
    const world = await three();
    const listed = (await run(world, 'queue', 'list', ...words)).out.trim().split('\n');
    expect(listed.map((line) => line.split(' ')[0])).toEqual(expected.map((n) => `${id(n)}.1`));
    expect(await run(world, 'queue', 'hold', ...words)).toMatchObject({ status: 0, out: `${expected.length} held\n` });
    const held = await world.store.queue.list({ state: ['held'] });
    expect(held.map((entry) => entry.id)).toEqual(expected.map((n) => `${id(n)}.1`));
  });

  test('hold, release, retry and remove move the entry and join the record with the operator’s name', async () => {
    const world = fakeWorld();
    await admit(world, 1, { state: { kind: 'waiting', due: NOON + HOUR } });
    await run(world, 'queue', 'hold', id(1), '--why', 'looks stolen');
    expect(await story(world, 1)).toEqual({
      recordId: id(1),
      at: NOON,
      recipient: 1,
      kind: 'held',
      by: 'olga',
      text: 'looks stolen',
    });
    expect((await run(world, 'queue', 'list', '--reason', 'stolen')).out).toContain('held: looks stolen');
    await run(world, 'queue', 'release', id(1));
    expect(await story(world, 1)).toMatchObject({ kind: 'released', by: 'olga' });
    await run(world, 'queue', 'retry', id(1));
    expect(await story(world, 1)).toMatchObject({ kind: 'retried', by: 'olga' });
    expect((await world.store.queue.list({}))[0]?.state).toEqual({ kind: 'waiting', due: NOON });
    await run(world, 'queue', 'remove', '--all', '--why', 'sent twice');
    expect(await story(world, 1)).toMatchObject({ kind: 'removed', by: 'olga', text: 'sent twice' });
    expect(await states(world)).toEqual([]);
  });

  test('an entry whose time was over is tried again, not sent back at once', async () => {
    const world = fakeWorld();
    await admit(world, 1, { expiresAt: NOON - 1, state: { kind: 'waiting', due: NOON - 1 } });
    await admit(world, 2, { expiresAt: NOON - 1, state: { kind: 'held', by: 'rule', why: 'look' } });
    await run(world, 'queue', 'retry', id(1));
    await run(world, 'queue', 'release', id(2));
    for (const entry of await world.store.queue.list({})) {
      expect(entry.state).toEqual({ kind: 'waiting', due: NOON });
      expect(entry.expiresAt).toBeGreaterThan(NOON + HOUR);
    }
  });

  test('what cannot be changed is named, and the answer is no', async () => {
    const world = await three();
    const { status, out, err } = await run(world, 'queue', 'release', id(1));
    expect({ status, out }).toEqual({ status: 1, out: '0 released\n' });
    expect(err).toContain(`Cannot release "${id(1)}.1" as it must be held`);
  });

  test('what is being sent is left alone', async () => {
    const world = await three();
    await world.store.queue.lease({ owner: 'x', until: NOON + HOUR, now: NOON, limit: 1 });
    expect(await run(world, 'queue', 'remove', '--all')).toMatchObject({ status: 1, out: '2 removed\n' });
    expect(await states(world)).toEqual(['leased']);
  });

  test('more than a page is changed whole', async () => {
    const world = fakeWorld();
    for (let n = 0; n < 1100; n++) await admit(world, n);
    expect(await run(world, 'queue', 'hold', '--all')).toMatchObject({ status: 0, out: '1100 held\n' });
  });

  test('shows an entry in full, or says where to look', async () => {
    const world = await three();
    expect((await run(world, 'queue', 'show', id(2))).out).toContain('to        <carol@example.net> by route boxes');
    expect(await run(world, 'queue', 'show', id(9))).toMatchObject({
      status: 1,
      err: expect.stringContaining('postern trace'),
    });
  });
});

describe('what is kept aside', () => {
  test.each(['release', 'remove', 'retry', 'hold', 'show', 'list'])(
    'is no entry of the queue: %s shows the way',
    async (name) => {
      const world = fakeWorld();
      await keepAside(world, 1);
      expect(await run(world, 'queue', name, `${id(1)}.1`)).toMatchObject({
        status: 1,
        err: `postern: ${id(1)}.1 is in quarantine, not in the queue: see \`postern quarantine show ${id(1)}.1\`\n`,
      });
    },
  );

  test('is no state of an entry: an empty list would say that nothing is', async () => {
    const { status, err } = await run(fakeWorld(), 'queue', 'list', '--state', 'quarantined');
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining('postern quarantine list') });
  });
});

describe('postern quarantine', () => {
  test('lists and shows what is kept aside, by any choice', async () => {
    const world = fakeWorld();
    await keepAside(world, 1);
    await keepAside(world, 2, { recipient: 'carol@example.com' }, { class: 'spoof', reason: 'DMARC example.net' });
    const { out } = await run(world, 'quarantine', 'list');
    expect(out.split('\n')[0]).toBe(
      `${id(1)}.1  2026-11-22T12:00:00Z  spam               12 B  <alice@example.org> -> <bob@example.com>  spam score 7`,
    );
    for (const words of [['--class', 'spoof'], ['--recipient', 'carol@example.com'], ['--reason', 'DMARC'], [id(2)]])
      expect((await run(world, 'quarantine', 'list', ...words)).out).toMatch(new RegExp(`^${id(2)}\\.1 [^\\n]*\\n$`));
    expect((await run(world, 'quarantine', 'show', id(2))).out).toContain('why     DMARC example.net');
  });

  test('--since chooses what came in from then on, for looking as for changing', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, {}, { at: NOON - 2 * HOUR });
    await keepAside(world, 2, {}, { at: NOON - HOUR });
    for (const since of ['90m', '2026-11-22T11:00:00Z'])
      expect((await run(world, 'quarantine', 'list', '--since', since)).out).toMatch(
        new RegExp(`^${id(2)}\\.1 [^\n]*\n$`),
      );
    expect(await run(world, 'quarantine', 'list', '--since', 'lunch')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--since "lunch" is not a time'),
    });
    expect((await run(world, 'quarantine', 'delete', '--since', '90m')).out).toBe('1 deleted\n');
    expect((await world.store.queue.quarantined({})).map((item) => item.id)).toEqual([`${id(1)}.1`]);
  });

  test('release puts it into the queue with its time begun anew, and joins the record', async () => {
    const world = fakeWorld();
    await keepAside(world, 1, { attempts: 3, expiresAt: NOON - 1 });
    await keepAside(world, 2);
    expect(await run(world, 'quarantine', 'release', id(1), '--why', 'asked by phone')).toMatchObject({
      status: 0,
      out: '1 released\n',
    });
    const [entry] = await world.store.queue.list({});
    expect(entry).toMatchObject({ id: `${id(1)}.1`, attempts: 0, state: { kind: 'waiting', due: NOON } });
    expect(entry?.expiresAt).toBeGreaterThan(NOON);
    expect(await story(world, 1)).toMatchObject({ kind: 'released', by: 'olga', text: 'asked by phone' });
    expect(await world.store.queue.quarantined({})).toHaveLength(1);
  });

  test('delete drops what was chosen and nothing else', async () => {
    const world = fakeWorld();
    await keepAside(world, 1);
    await keepAside(world, 2, {}, { class: 'malware' });
    expect(await run(world, 'quarantine', 'delete', '--class', 'malware')).toMatchObject({
      status: 0,
      out: '1 deleted\n',
    });
    expect((await world.store.queue.quarantined({})).map((item) => item.id)).toEqual([`${id(1)}.1`]);
    expect(await story(world, 2)).toMatchObject({ kind: 'removed', by: 'olga' });
    expect(await run(world, 'quarantine', 'delete', '--class', 'malware')).toMatchObject({
      status: 1,
      out: '0 deleted\n',
    });
  });
});

describe('what other programs read', () => {
  const SPELT = /^[a-z][a-z0-9_]*$/;
  const keysOf = (value: unknown): string[] =>
    typeof value !== 'object' || value === null
      ? []
      : Array.isArray(value)
        ? value.flatMap(keysOf)
        : Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);

  test.each([
    ['queue', 'list'],
    ['queue', 'show', `${id(1)}.1`],
    ['queue', 'hold', `${id(1)}.1`],
    ['quarantine', 'list'],
    ['quarantine', 'show', `${id(4)}.1`],
    ['quarantine', 'release', `${id(4)}.1`],
  ])('%s %s %s is spelt with underscores, times as ISO 8601', async (...words) => {
    const world = await three();
    const last = { at: NOON, host: 'mail1:25', said: '451 later', enhanced: '4.3.0', onlyAt: '' };
    await admit(world, 5, { last, state: { kind: 'held', why: 'looks stolen', by: 'operator' } });
    await keepAside(world, 4, { last });
    await world.store.queue.lease({ owner: 'a/1/1', until: NOON + HOUR, now: NOON, limit: 1 });
    const { out } = await run(world, ...words, '--json');
    const read = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const keys = keysOf(read);
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !SPELT.test(key))).toEqual([]);
    expect(out).not.toMatch(/:1[67]\d{11}\b/);
  });
});

test('of pages nothing is kept where no id was named: a list of a million holds one page', async () => {
  async function* pages() {
    yield [{ id: '3f9k2m7q0d5xa.1', recordId: '3f9k2m7q0d5xa' }];
  }
  const [all, named]: [Named[], Named[]] = [[], []];
  for await (const _ of noting(pages(), all, []));
  for await (const _ of noting(pages(), named, ['3f9k2m7q0d5xa']));
  expect([all.length, named.length]).toEqual([0, 1]);
});
