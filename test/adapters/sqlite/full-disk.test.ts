import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openFiles } from '../../../src/adapters/sqlite/files.ts';
import { GroupCommit } from '../../../src/adapters/sqlite/group-commit.ts';
import type { Write } from '../../../src/adapters/sqlite/protocol.ts';
import { entryRow, recordRow } from '../../../src/adapters/sqlite/rows.ts';
import { NOON, sampleEntry, sampleId, sampleRecord } from '../../support/samples.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

function admission(n: number, octets: number): Write {
  const id = sampleId(NOON, n);
  const ref = `c-${n}`;
  const content = { ref, size: octets, body: new Uint8Array(octets).fill(120) };
  const promised = {
    record: recordRow(sampleRecord(id), []),
    content,
    entries: [entryRow(sampleEntry(id, ref))],
    items: [],
  };
  return { do: 'admit', promised, notifications: [], quarantineMaxBytes: undefined };
}

function opened() {
  const files = openFiles({ path: join(temporaryFolder(), 'store'), mode: 'serve', minFreeBytes: 0 }, () => {});
  onTestFinished(() => files.close());
  return { ...files, commits: new GroupCommit(files.queue, files.days, files.roomFor) };
}
/** No page more than there are and `spare`: what a full disk looks like to SQLite. */
function fill(db: DatabaseSync, spare: number): void {
  const pages = Number(db.prepare('PRAGMA page_count').get()!.page_count);
  db.exec(`PRAGMA max_page_count = ${pages + spare}`);
}
const empty = (db: DatabaseSync) => db.exec('PRAGMA max_page_count = 1000000');

test('of those who wait together, only what does not fit is refused, and leaves nothing', () => {
  const { queue, days, commits } = opened();
  expect(commits.commit([], [admission(0, 10)]).outcomes[0]!.kind).toBe('done');
  fill(queue.db, 8);
  const { outcomes } = commits.commit([], [admission(1, 100), admission(2, 60_000), admission(3, 100)]);
  expect(
    outcomes.map((outcome) => (outcome.kind === 'refused' ? (outcome.error as { kind?: string }).kind : 'done')),
  ).toEqual(['done', 'full', 'done']);
  expect(days.get(sampleId(NOON, 1))).toBeDefined();
  expect(days.get(sampleId(NOON, 2))).toBeUndefined();
  expect(queue.content('c-2')).toBeUndefined();
  empty(queue.db);
  expect(commits.commit([], [admission(2, 60_000)]).outcomes[0]!.kind).toBe('done');
  expect(queue.count({})).toBe(4);
});

test('when the records have no room nothing is promised, and the refusals nobody waits for are kept back', () => {
  const { queue, days, commits } = opened();
  commits.commit([], [admission(0, 10)]);
  const db = days.reading('2026-11-22')!;
  fill(db, 0);
  const many = Array.from({ length: 40 }, (_, n) => admission(n + 1, 10));
  const refusal = recordRow(sampleRecord(sampleId(NOON, 99)), []);
  const { outcomes, appended } = commits.commit([refusal], many);
  const promised = outcomes.filter(({ kind }) => kind === 'done').length;
  expect(promised).toBeLessThan(40);
  expect(queue.count({})).toBe(1 + promised);
  expect(appended).toBe(days.get(sampleId(NOON, 99)) !== undefined);
  empty(db);
  expect(commits.commit([refusal], [admission(50, 10)])).toMatchObject({
    appended: true,
    outcomes: [{ kind: 'done' }],
  });
});
