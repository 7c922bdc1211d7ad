import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { type FakeWorld, fakeWorld } from '../support/cli-world.ts';
import { NOON, sampleEntry, sampleId, sampleItem, sampleRecord, spool } from '../support/samples.ts';

async function run(world: FakeWorld, ...words: string[]) {
  const status = await runCli(['quarantine', 'digest', ...words], world);
  return { status, ...world.written };
}
async function withHeld(): Promise<FakeWorld> {
  const world = fakeWorld();
  const { installation } = world.loaded;
  const digest = {
    link: 'https://q.example.com',
    address: { host: '127.0.0.1', port: 0 },
    schedule: { kind: 'every', span: 3_600_000 },
    timeZone: 'UTC',
    from: '',
    expires: 86_400_000,
    others: 'count',
    domains: undefined,
  } as const;
  world.loaded = { ...world.loaded, installation: { ...installation!, digest } };
  const id = sampleId(NOON, 1);
  const content = await spool(world.store.content, 'From: <a@b.example>\r\nSubject: Win\r\n\r\nx');
  const quarantine = [sampleItem(sampleEntry(id, content.ref))];
  await world.store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine });
  return world;
}

test('prints what would be told, and tells nobody', async () => {
  const world = await withHeld();
  const { status, out } = await run(world);
  expect(status).toBe(0);
  expect(out).toContain('did not deliver to <bob@example.com>');
  expect(out).toContain('Subject: Win');
  expect(await world.store.digests.untoldRecipients('', 9)).toEqual(['bob@example.com']);
});

test('says why one would be told nothing', async () => {
  const { status, out } = await run(await withHeld(), '--recipient', 'carol@elsewhere.example');
  expect([status, out]).toEqual([1, 'nothing for carol@elsewhere.example: its domain is not hosted here\n']);
});

test('without a digest in the configuration it says what to add', async () => {
  const { status, err } = await run(fakeWorld());
  expect(status).not.toBe(0);
  expect(err).toContain('quarantine: { digest: { link:');
});
