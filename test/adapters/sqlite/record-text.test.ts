/** Rows of records: new ones are small, old ones open, damaged ones say so and hide nobody else. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { packText, shortText, unpackText } from '../../../src/adapters/sqlite/record-text.ts';
import { WORDS_1 } from '../../../src/adapters/sqlite/record-words.ts';
import { jsonLine } from '../../../src/record/jsonl.ts';
import { recordView } from '../../../src/record/view.ts';
import { NOON, sampleId, sampleRecord } from '../../support/samples.ts';
import { openStore, rememberingLog, temporaryFolder } from '../../support/store-folder.ts';

const ids = [0, 1, 2].map((n) => sampleId(NOON, n));
const [first, second, third] = ids as [string, string, string];

/** A store with three records, whose rows are then changed by hand. */
async function storeWith(change: (db: DatabaseSync) => void): Promise<string> {
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path);
  for (const id of ids) store.records.append(sampleRecord(id), []);
  await store.records.flush();
  await store.close();
  const [day] = readdirSync(join(path, 'records'));
  const db = new DatabaseSync(join(path, 'records', day!));
  change(db);
  db.close();
  return path;
}

const asOld = (db: DatabaseSync): void => {
  for (const id of ids)
    db.prepare('UPDATE records SET json = ? WHERE id = ?').run(JSON.stringify(sampleRecord(id)), id);
  db.exec('PRAGMA user_version = 1');
};

test('the words of a form that was released are never changed, or its rows could not be opened', () => {
  expect(createHash('sha256').update(WORDS_1).digest('hex')).toBe(
    '1a27671981c776788e2287276bb8d7053725548cf4d961719286822fbe0566e0',
  );
});

test('a row opens to the very text it was made of', () => {
  const record = sampleRecord(first, { node: 'größer \u{1f4ee} "\u0001\u001f"' });
  const row = packText(shortText(record));
  expect(row[0]).toBe(2);
  expect(row.length).toBeLessThan(JSON.stringify(record).length);
  expect(unpackText(first, row)).toBe(JSON.stringify(record));
});

test('a row of the form before, deflated against words, still opens', () => {
  const json = JSON.stringify(sampleRecord(first));
  const deflated = deflateSync(json, { level: 3, dictionary: Buffer.from(WORDS_1) });
  expect(unpackText(first, Buffer.concat([Buffer.of(1), deflated]))).toBe(json);
});

test.each<[string, (row: Uint8Array) => string | Uint8Array]>([
  ['cut short', (row) => row.subarray(0, row.length - 10)],
  ['changed within', (row) => row.with(row.length >> 1, row[row.length >> 1]! ^ 0xff)],
  ['of a later form', (row) => row.with(0, 99)],
  ['empty', () => new Uint8Array()],
  ['no JSON', () => '{"id":'],
  ['of another record', () => JSON.stringify(sampleRecord(second))],
  ['null', () => 'null'],
])('a row that is %s is refused by the name of its record', (_, change) => {
  const row = change(packText(shortText(sampleRecord(first))));
  expect(() => unpackText(first, row)).toThrow(`Cannot open record "${first}" as its row must be`);
});

test('a day of plain JSON still opens, is searched, and takes new rows beside the old', async () => {
  const store = await openStore(await storeWith(asOld));
  expect((await store.records.get(first))!.record).toEqual(sampleRecord(first));
  const fresh = sampleId(NOON, 9);
  store.records.append(sampleRecord(fresh), []);
  expect(await store.records.search({ to: 'bob@example.com' })).toEqual(
    [fresh, third, second, first].map((id) => sampleRecord(id)),
  );
  await store.close();
});

test('an old program leaves a day with new rows alone: the layout says so', async () => {
  let version: unknown;
  await storeWith((db) => {
    version = db.prepare('PRAGMA user_version').get()!.user_version;
  });
  expect(version).toBe(3);
});

test('a damaged record is an error with its id, and a warning where others are searched; the thread goes on', async () => {
  const path = await storeWith((db) =>
    db.prepare('UPDATE records SET json = ? WHERE id = ?').run(new Uint8Array([1, 2, 3]), second),
  );
  const log = rememberingLog();
  const store = await openStore(path, { log });
  await expect(store.records.get(second)).rejects.toMatchObject({
    name: 'StoreError',
    message: expect.stringContaining(`Cannot open record "${second}"`),
  });
  // By time, by words (the index is filled from the rows), and page by page.
  expect((await store.records.search({})).map(({ id }) => id)).toEqual([third, first]);
  expect((await store.records.search({ to: 'bob@example.com' })).map(({ id }) => id)).toEqual([third, first]);
  expect((await store.records.search({ limit: 2 })).map(({ id }) => id)).toEqual([third]);
  expect(log.names).toContain('store.record.damaged');
  await store.close();
});

test('the index is filled from packed rows when it is behind at a start', async () => {
  const store = await openStore(await storeWith(() => {}));
  expect((await store.records.search({ from: 'alice@example.org' })).map(({ id }) => id)).toEqual([
    third,
    second,
    first,
  ]);
  await store.close();
});

test('a damaged record does not stop a start after a crash', async () => {
  const path = await storeWith((db) =>
    db.prepare('UPDATE records SET json = ? WHERE id = ?').run(new Uint8Array([7]), second),
  );
  const queue = new DatabaseSync(join(path, 'queue.db'));
  queue.exec('UPDATE life SET clean = 0');
  queue.close();
  const log = rememberingLog();
  const store = await openStore(path, { log });
  expect(log.names).toEqual(expect.arrayContaining(['store.unclean', 'store.record.damaged']));
  expect((await store.records.get(first))!.events.map(({ kind }) => kind)).toEqual(['orphaned']);
  await store.close();
});

test('the JSON line of a record is the same before it is stored and after', async () => {
  const store = await openStore(await storeWith(() => {}));
  const found = await store.records.get(first);
  expect(jsonLine(recordView(found!.record, [], undefined))).toBe(
    jsonLine(recordView(sampleRecord(first), [], undefined)),
  );
  await store.close();
});
