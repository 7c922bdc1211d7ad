/** What a copy of the store says of what ended, or came, while it was made. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUpStore } from '../../../src/adapters/sqlite/backup.ts';
import { restoreStore } from '../../../src/adapters/sqlite/restore.ts';
import { NOON, sampleAdmission, sampleEvent, sampleId, sampleRecord, spool } from '../../support/samples.ts';
import { openStore, rememberingLog, temporaryFolder } from '../../support/store-folder.ts';

const LARGE = `Subject: x\r\n\r\n${'x'.repeat(100_000)}\r\n`;
const id = (n: number) => sampleId(NOON, n);

test('an entry whose content went while it was copied is left out and named; its record is there, and all else is whole', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'store');
  const store = await openStore(path);
  for (const n of [1, 2]) await store.queue.admit(sampleAdmission(id(n), await spool(store.content, LARGE)));
  await store.queue.admit(sampleAdmission(id(3), await spool(store.content, 'Subject: y\r\n\r\ny\r\n')));
  const [first] = await store.queue.list({});
  rmSync(join(path, 'spool', first!.contentRef));
  const into = join(folder, 'copy');
  const manifest = await backUpStore({ path, into, node: 'mx1', version: '0', at: NOON });
  await store.close();
  expect(manifest).toMatchObject({ entries: 2, records: 3, ended: [first!.id] });
  expect(readdirSync(join(into, 'spool'))).toHaveLength(1);

  const log = rememberingLog();
  const again = join(folder, 'again');
  await restoreStore(into, again);
  const restored = await openStore(again, { log });
  expect(log.names).toEqual(['store.restored']);
  const entries = await restored.queue.list({});
  expect(entries.map(({ id: entry, state }) => [entry, state.kind])).toEqual([
    [`${id(2)}.1`, 'held'],
    [`${id(3)}.1`, 'held'],
  ]);
  expect((await restored.records.get(first!.recordId))?.record.id).toBe(first!.recordId);
  await restored.close();
  const later = rememberingLog();
  await (await openStore(again, { log: later })).close();
  expect(later.names).toEqual([]);
});

test('a record that came after the snapshot of the queue is said to be without its promise, unless it had ended', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'store');
  const store = await openStore(path);
  store.records.append(sampleRecord(id(1)), [sampleEvent(id(1), 'queued')]);
  store.records.append(sampleRecord(id(2)), [sampleEvent(id(2), 'queued'), sampleEvent(id(2), 'delivered')]);
  await store.records.flush();
  const into = join(folder, 'copy');
  await backUpStore({ path, into, node: 'mx1', version: '0', at: NOON });
  await store.close();
  const copy = await openStore(into, { mode: 'visit' });
  const kinds = async (n: number) => (await copy.records.get(id(n)))?.events.map(({ kind }) => kind);
  expect(await kinds(1)).toEqual(['queued', 'orphaned']);
  expect(await kinds(2)).toEqual(['queued', 'delivered']);
  await copy.close();
});

test('what cannot be copied leaves nothing behind', async () => {
  const folder = temporaryFolder();
  const into = join(folder, 'copy');
  await expect(backUpStore({ path: join(folder, 'none'), into, node: 'a', version: '0', at: 0 })).rejects.toThrow(
    'must be a store',
  );
  const path = join(folder, 'store');
  const store = await openStore(path);
  rmSync(join(path, 'bundles'), { recursive: true });
  await expect(backUpStore({ path, into, node: 'a', version: '0', at: 0 })).rejects.toThrow('bundles');
  await store.close();
  expect([existsSync(into), existsSync(`${into}.unfinished`)]).toEqual([false, false]);
});
