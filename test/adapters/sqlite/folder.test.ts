import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { RecordDays } from '../../../src/adapters/sqlite/record-days.ts';
import { recordRow } from '../../../src/adapters/sqlite/rows.ts';
import {
  NOON,
  sampleAdmission,
  sampleId,
  sampleItem,
  sampleRecipient,
  sampleRecord,
  spool,
} from '../../support/samples.ts';
import { openStore, rememberingLog, temporaryFolder } from '../../support/store-folder.ts';

function crash(path: string): void {
  const db = new DatabaseSync(join(path, 'queue.db'));
  db.exec('UPDATE life SET clean = 0');
  db.close();
}

test('a record beyond the last commit of the queue that speaks of a promise nobody keeps is marked as orphaned', async () => {
  const path = join(temporaryFolder(), 'store');
  const id = (n: number) => sampleId(NOON, n);
  const first = await openStore(path);
  await first.queue.admit(sampleAdmission(id(1), await spool(first.content, 'kept')));
  // Of this one all that was promised lies in quarantine.
  const aside = sampleAdmission(id(5), await spool(first.content, 'aside'));
  await first.queue.admit({ ...aside, entries: [], quarantine: aside.entries.map((entry) => sampleItem(entry)) });
  await first.close();
  const queue = new DatabaseSync(join(path, 'queue.db'));
  queue.exec('DELETE FROM marks'); // as if its last commit had not told of them
  queue.close();

  const days = new RecordDays(join(path, 'records'), console.warn);
  days.insert(recordRow(sampleRecord(id(2)), []));
  days.insert(recordRow(sampleRecord(id(3), { recipients: [sampleRecipient({ outcome: 'refused' })] }), []));
  days.insert(recordRow(sampleRecord(sampleId(NOON + 86_400_000, 4)), []));
  days.commit();
  days.close();
  crash(path);

  for (let start = 0; start < 2; start += 1) {
    const again = await openStore(path);
    const kinds = async (n: string) => (await again.records.get(n))!.events.map(({ kind }) => kind);
    expect(await kinds(id(1))).toEqual(['queued']);
    expect(await kinds(id(2))).toEqual(['orphaned']);
    expect(await kinds(id(3))).toEqual([]);
    expect(await kinds(id(5))).toEqual(['queued']);
    expect(await kinds(sampleId(NOON + 86_400_000, 4))).toEqual(['orphaned']);
    await again.close();
    crash(path);
  }
});

test('a second gateway on the same folder is refused and told who holds it; after the first it may', async () => {
  const path = join(temporaryFolder(), 'store');
  const first = await openStore(path);
  await expect(openStore(path)).rejects.toThrow(`no other gateway may use it: process ${process.pid} does`);
  await first.close();
  await (await openStore(path)).close();
});

test('a visitor reads and changes the queue while the gateway runs', async () => {
  const path = join(temporaryFolder(), 'store');
  await expect(openStore(path, { mode: 'visit' })).rejects.toThrow(/must be there: it is not/);
  const serving = await openStore(path);
  for (let n = 1; n <= 3; n += 1)
    await serving.queue.admit(sampleAdmission(sampleId(NOON, n), await spool(serving.content, `message ${n}`)));
  const visiting = await openStore(path, { mode: 'visit' });
  const [entry, other] = await visiting.queue.list({});
  const held = { ...entry!, state: { kind: 'held', why: 'INC-7', by: 'operator' } as const };
  expect(await visiting.queue.amend([{ was: entry!, next: held, events: [] }])).toBe(1);
  await visiting.queue.amend([{ was: other!, next: { ...other!, state: { kind: 'removed' } }, events: [] }]);
  expect(await visiting.records.search({ to: 'bob@example.com' })).toHaveLength(3);
  await visiting.close();
  expect((await serving.queue.list({})).map(({ state }) => state.kind)).toEqual(['held', 'waiting']);
  await serving.queue.admit(sampleAdmission(sampleId(NOON, 4), await spool(serving.content, 'message 4')));
  expect(await serving.records.search({ to: 'bob@example.com' })).toHaveLength(4);
  await serving.close();
});

test('a visitor that stays sees a day that began after it came', async () => {
  const path = join(temporaryFolder(), 'store');
  const serving = await openStore(path);
  await serving.queue.admit(sampleAdmission(sampleId(NOON, 1), await spool(serving.content, 'before midnight')));
  const visiting = await openStore(path, { mode: 'visit' });
  expect(await visiting.records.search({ to: 'bob@example.com' })).toHaveLength(1);
  const [second, third] = [1, 2].map((days) => sampleId(NOON + days * 86_400_000, 1)) as [string, string];
  for (const id of [second, third])
    await serving.queue.admit(sampleAdmission(id, await spool(serving.content, 'after it')));
  expect(await serving.records.search({ to: 'bob@example.com' })).toHaveLength(3);
  expect(await visiting.records.get(second)).toMatchObject({ record: { id: second } });
  expect((await visiting.records.search({ to: 'bob@example.com' })).map(({ id }) => id).slice(0, 2)).toEqual([
    third,
    second,
  ]);
  await visiting.close();
  await serving.close();
});

test('a search index that is lost or damaged is made anew from the records', async () => {
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path);
  for (let n = 0; n < 120; n += 1) store.records.append(sampleRecord(sampleId(NOON, n)), []);
  expect(await store.records.search({ to: 'bob@example.com' })).toHaveLength(120);
  await store.close();
  const [index] = readdirSync(join(path, 'search'));
  writeFileSync(join(path, 'search', index!), 'this is no database at all, whatever it says'.repeat(100));
  const again = await openStore(path);
  expect(await again.records.search({ to: 'bob@example.com' })).toHaveLength(120);
  await again.close();
});

test('a damaged state begins anew and says so; a damaged queue stops the start with the remedy', async () => {
  const path = join(temporaryFolder(), 'store');
  await (await openStore(path)).close();
  const nonsense = 'this is no database at all, whatever it says'.repeat(200);
  writeFileSync(join(path, 'state.db'), nonsense);
  const log = rememberingLog();
  await (await openStore(path, { log })).close();
  expect(log.names).toContain('store.state.damaged');
  writeFileSync(join(path, 'queue.db'), nonsense);
  await expect(openStore(path)).rejects.toThrow(/queue\.db as it must be whole: .*Restore a backup/);
});

test('a store that a newer program wrote is left alone', async () => {
  const path = join(temporaryFolder(), 'store');
  await (await openStore(path)).close();
  const db = new DatabaseSync(join(path, 'queue.db'));
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(openStore(path)).rejects.toThrow(/must be version 2: it is 99\. A newer Postern wrote it/);
});

test('nobody else may look into the store', async () => {
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path);
  await store.queue.admit(sampleAdmission(sampleId(), await spool(store.content, 'x'.repeat(100_000))));
  await store.records.putBundle({ digest: 'ab'.repeat(16), policy: 'p', files: [], installation: { domains: {} } });
  await store.records.search({ verdict: 'accept' });
  const open = readdirSync(path, { recursive: true, withFileTypes: true }).filter(
    (one) => (statSync(join(one.parentPath, one.name)).mode & 0o077) !== 0,
  );
  expect(open.map(({ name }) => name)).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await store.close();
});

test('without the free space that was asked for, mail is refused and everything else goes on', async () => {
  const store = await openStore(join(temporaryFolder(), 'store'), { minFreeBytes: Number.MAX_SAFE_INTEGER });
  const content = await spool(store.content, 'x');
  await expect(store.queue.admit(sampleAdmission(sampleId(), content))).rejects.toMatchObject({
    name: 'StoreError',
    kind: 'full',
    message: expect.stringMatching(/octets free \(store\.min_free\)/),
  });
  store.records.append(sampleRecord(sampleId()), []);
  expect(await store.records.search({})).toHaveLength(1);
  await store.close();
});

test('after it was closed, the store refuses', async () => {
  const store = await openStore(join(temporaryFolder(), 'store'));
  await store.close();
  await expect(store.queue.count({})).rejects.toMatchObject({ name: 'StoreError', kind: 'failed' });
});

test('a message that comes leaves the free space that is asked for, and gives back its own at once', async () => {
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path, { minFreeBytes: Number.MAX_SAFE_INTEGER });
  const writer = store.content.create();
  for (let n = 0; n < 40; n++) if (!writer.write(Buffer.alloc(100_000))) await writer.drained();
  await writer.drained();
  expect(readdirSync(join(path, 'spool'))).toEqual([]);
  await expect(writer.finish()).rejects.toMatchObject({ name: 'StoreError', kind: 'full' });
  expect(readdirSync(join(path, 'spool'))).toEqual([]);
  await store.close();
});

test('another thread may join over a line of its own', async () => {
  const { joinStore } = await import('../../../src/adapters/sqlite/open.ts');
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path);
  const joined = await joinStore(store.connect(), path, 0);
  const admissions = [store, joined].map(async (one, n) =>
    one.queue.admit(sampleAdmission(sampleId(NOON, n), await spool(one.content, `from ${n}`))),
  );
  await Promise.all(admissions);
  expect(await joined.queue.count({})).toBe(2);
  await joined.close();
  expect(await store.queue.count({})).toBe(2);
  await store.close();
});

test('a store thread that dies refuses whoever waits, and says so', async () => {
  const path = join(temporaryFolder(), 'store');
  const log = rememberingLog();
  const store = await openStore(path, { log });
  const port = store.connect();
  // Nothing a client sends is like this: it stands for a fault in the thread itself.
  port.postMessage([{ no: 1, what: null }]);
  expect((await store.died).message).toMatch(/null/);
  await expect(store.queue.count({})).rejects.toMatchObject({ name: 'StoreError', kind: 'failed' });
  expect(log.names).toContain('store.thread.died');
  port.close();
  await store.close();
  await (await openStore(path)).close();
});
