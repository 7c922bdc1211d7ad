/** `postern queue suspend` and `resume`: kept with who and why, seen in listings and in the status. */
import { describe, expect, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { runCli } from '../../src/cli/program.ts';
import { suspend } from '../../src/gateway/auth/suspension.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { NOON, sampleAdmission, sampleId, spool } from '../support/samples.ts';

const HOUR = 3_600_000;
const id = (n: number): string => sampleId(NOON, n);

async function admit(world: FakeWorld, n: number, changes: Partial<QueueEntry> = {}): Promise<void> {
  await world.store.queue.admit(sampleAdmission(id(n), await spool(world.store.content, `message ${n}\r\n`), changes));
}
async function run(world: FakeWorld, ...words: string[]) {
  world.written.out = '';
  world.written.err = '';
  return { status: await runCli(words, world), ...world.written };
}

describe('postern queue suspend', () => {
  test('is kept with who, why and until when, and shown by list, show and status', async () => {
    const world = fakeWorld();
    await admit(world, 1);
    await admit(world, 2, { domain: 'example.net', recipient: 'eve@example.net' });
    const said = await run(
      world,
      'queue',
      'suspend',
      '--domain',
      'Example.com',
      '--for',
      '2h',
      '--why',
      'INC\x1b[7m-1',
    );
    expect(said).toMatchObject({
      status: 0,
      out: 'domain Example.com suspended by olga at 2026-11-22T12:00:00.000Z, for 2 h more: INC\\x1b[7m-1\n',
    });
    expect(await world.store.queue.suspensions()).toMatchObject([
      { of: 'domain', value: 'Example.com', since: NOON, until: NOON + 2 * HOUR, by: 'olga' },
    ]);
    const lines = (await run(world, 'queue', 'list')).out.split('\n');
    expect(lines[0]).toContain('domain Example.com suspended by olga');
    expect(lines.slice(1).map((line) => line.slice(15, 31).trim())).toEqual(['suspended', 'due', '']);
    const json = (await run(world, 'queue', 'list', '--json')).out.trim().split('\n');
    expect(json.map((line) => JSON.parse(line).suspended?.of ?? null)).toEqual(['domain', null]);
    expect((await run(world, 'queue', 'show', id(1))).out).toMatch(/state +suspended\n.*suspended by olga/);
    expect((await run(world, 'status')).out).toContain('suspended   domain Example.com suspended by olga');
    expect(JSON.parse((await run(world, 'status', '--json')).out).suspensions).toEqual([
      {
        of: 'domain',
        value: 'Example.com',
        since: '2026-11-22T12:00:00.000Z',
        until: '2026-11-22T14:00:00.000Z',
        by: 'olga',
        why: 'INC\x1b[7m-1',
      },
    ]);
  });

  test('wants one thing, and a route that there is', async () => {
    const world = fakeWorld();
    expect((await run(world, 'queue', 'suspend')).status).toBe(2);
    expect((await run(world, 'queue', 'suspend', '--route', 'store', '--user', 'a')).status).toBe(2);
    expect((await run(world, 'queue', 'suspend', '--route', 'store', '--for', 'soon')).status).toBe(2);
    expect(await run(world, 'queue', 'suspend', '--route', 'stroe')).toMatchObject({
      status: 1,
      err: expect.stringContaining('there is no route "stroe"; there are: store'),
    });
    expect(await world.store.queue.suspensions()).toEqual([]);
  });
});

test('who may not send at all has its mail wait as long: a shorter word takes no place of that, a longer one does', async () => {
  const world = fakeWorld();
  const rule = { user: 'alice', since: NOON, until: NOON + 24 * HOUR, by: 'rule:stolen', why: 'sudden', recordId: '' };
  await suspend(new MemoryState(), world.store.queue, rule);
  expect(await run(world, 'queue', 'suspend', '--user', 'Alice', '--for', '2h')).toMatchObject({
    status: 1,
    err: expect.stringContaining('what Alice has queued waits as long already'),
  });
  expect(await world.store.queue.suspensions()).toMatchObject([{ by: 'rule:stolen', until: rule.until }]);
  expect((await run(world, 'queue', 'suspend', '--user', 'Alice')).status).toBe(0);
  expect(await world.store.queue.suspensions()).toMatchObject([{ by: 'olga', until: null }]);
});

describe('postern queue resume', () => {
  test('ends what is named, and what was put off for it is due as soon as the gateway knows', async () => {
    const world = fakeWorld();
    await run(world, 'queue', 'suspend', '--user', 'alice');
    await run(world, 'queue', 'suspend', '--sender', '<>');
    await admit(world, 1, { user: 'Alice', state: { kind: 'waiting', due: NOON + HOUR } });
    expect((await run(world, 'queue', 'resume')).status).toBe(2);
    expect(await run(world, 'queue', 'resume', '--user', 'ALICE')).toMatchObject({ status: 0, out: '1 resumed\n' });
    expect((await run(world, 'queue', 'resume', '--user', 'alice')).status).toBe(1);
    expect(await world.store.queue.suspensions()).toMatchObject([{ of: 'sender', value: '' }]);
    expect((await world.store.queue.list({}))[0]?.state).toEqual({ kind: 'waiting', due: NOON + 2000 });
    expect(await run(world, 'queue', 'resume', '--all')).toMatchObject({ status: 0, out: '1 resumed\n' });
  });
});

test('entries are chosen by the user who sent them', async () => {
  const world = fakeWorld();
  await admit(world, 1, { user: 'alice' });
  await admit(world, 2);
  const { out } = await run(world, 'queue', 'list', '--user', 'alice');
  expect(out.trim().split('\n')).toHaveLength(1);
  expect(await run(world, 'queue', 'hold', '--user', 'alice')).toMatchObject({ status: 0, out: '1 held\n' });
});

test('the status tells which destinations do not answer', async () => {
  const world = fakeWorld();
  const dead = [{ destination: 'example.com by route internet', why: 'connection refused', probeIn: 30_000 }];
  world.answer = {
    kind: 'answered',
    answer: {
      problems: [],
      status: {
        pid: 42,
        version: '0.1.0',
        startedAt: NOON - HOUR,
        configuration: 'abc',
        draining: false,
        listeners: [],
        policies: [],
        lastReload: null,
        services: [],
        sources: [],
        suspensions: [],
        room: { minFreeBytes: 0, quarantineBytes: 0 },
        digest: null,
        overrides: [],
        dead,
      },
    },
  };
  expect((await run(world, 'status')).out).toContain(
    'example.com by route internet: connection refused; asked again in 30 s',
  );
  expect(JSON.parse((await run(world, 'status', '--json')).out).dead[0]).toMatchObject({ probe_in_ms: 30_000 });
});
