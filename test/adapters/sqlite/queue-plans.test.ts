/** However many entries there are: every look at the queue is answered from an index, and a page is no more than a page. */
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { entryWhere, indexFor, sql } from '../../../src/adapters/sqlite/queue-filter.ts';
import { QUEUE_LAYOUT, QueueTables } from '../../../src/adapters/sqlite/queue-tables.ts';
import { entryRow } from '../../../src/adapters/sqlite/rows.ts';
import type { QueueFilter } from '../../../src/ports/queue.ts';
import { NOON, sampleEntry, sampleId } from '../../support/samples.ts';

function laid(steps: readonly string[] = [QUEUE_LAYOUT.sql, ...(QUEUE_LAYOUT.since ?? [])]): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  for (const step of steps) db.exec(step);
  return db;
}

const planOf = (db: DatabaseSync, query: string, values: readonly (string | number)[]): string =>
  db
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .all(...values)
    .map(({ detail }) => String(detail))
    .join('; ');

describe('a page of a listing', () => {
  const filters: readonly (readonly [QueueFilter, RegExp])[] = [
    [{}, /SEARCH entries USING INDEX sqlite_autoindex_entries_1 \(id>\?\)/],
    [{ state: ['waiting'] }, /SEARCH entries USING INDEX sqlite_autoindex_entries_1 \(id>\?\)/],
    [{ reason: 'full' }, /SEARCH entries USING INDEX sqlite_autoindex_entries_1 \(id>\?\)/],
    [{ admittedBy: NOON }, /SEARCH entries USING INDEX sqlite_autoindex_entries_1 \(id>\?\)/],
    [{ recordId: sampleId() }, /SEARCH entries USING INDEX sqlite_autoindex_entries_1/],
    [{ recipient: 'a@b.test' }, /SEARCH entries USING INDEX entries_recipient \(recipient=\? AND id>\?\)/],
    [{ sender: 'a@b.test' }, /SEARCH entries USING INDEX entries_sender \(sender=\? AND id>\?\)/],
    [{ sender: '', route: 'store' }, /SEARCH entries USING INDEX entries_sender \(sender=\? AND id>\?\)/],
    [{ domain: 'b.test' }, /SEARCH entries USING INDEX entries_domain \(domain=\? AND id>\?\)/],
    [{ route: 'store' }, /SEARCH entries USING INDEX entries_route \(route=\? AND id>\?\)/],
    [{ route: 'store', state: ['waiting'] }, /SEARCH entries USING INDEX entries_route \(route=\? AND id>\?\)/],
    [{ user: 'alice' }, /SEARCH entries USING INDEX entries_user \(user=\? AND id>\?\)/],
    [{ state: ['held'] }, /SEARCH entries USING INDEX entries_held \(id>\?\)/],
    [{ state: ['held'], route: 'store', reason: 'x' }, /SEARCH entries USING INDEX entries_held \(id>\?\)/],
  ];

  test.each(filters)('by %j goes by an index, in the order of the index', (filter, index) => {
    const db = laid();
    const { where, values } = entryWhere(filter);
    const query = `SELECT json FROM entries ${indexFor(filter)} ${sql([...where, 'id > ?'])} ORDER BY id LIMIT ?`;
    const plan = planOf(db, query, [...values, 'x', 500]);
    expect(plan).toMatch(index);
    expect(plan).not.toMatch(/TEMP B-TREE|SCAN entries/);
  });
});

test('what a worker asks is answered from an index, in its order', () => {
  const db = laid();
  const prepared: string[] = [];
  const watched = new Proxy(db, {
    get: (to, name) =>
      name === 'prepare'
        ? (query: string) => {
            prepared.push(query);
            return to.prepare(query);
          }
        : Reflect.get(to, name).bind(to),
  });
  new QueueTables(watched).nextDue(undefined);
  const asked = prepared.filter((query) => /^SELECT [^(]*(\(\w+\) AS \w+ )?FROM (entries|lines|lanes)\b/.test(query));
  expect(asked.length).toBeGreaterThanOrEqual(9);
  for (const query of asked) {
    const plan = planOf(
      db,
      query,
      Array.from(query.matchAll(/\?/g), () => 1),
    );
    expect(`${query}: ${plan}`).toMatch(/ (COVERING )?INDEX | PRIMARY KEY /);
    expect(`${query}: ${plan}`).not.toMatch(/SCAN entries/);
    // Of entries whose leases ran out there are few.
    if (!query.includes("state = 'leased'")) expect(`${query}: ${plan}`).not.toMatch(/TEMP B-TREE/);
  }
});

test('a queue that an older gateway laid is taken over: its entries have their turns, and what can be found by has its columns', () => {
  const db = laid([QUEUE_LAYOUT.sql]);
  const old = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const entries = [1, 2, 3].map((n) =>
    sampleEntry(sampleId(NOON, n), 'c', { sender: 'verified', state: { kind: 'waiting', due: NOON + n } }),
  );
  for (const entry of entries) old.run(...entryRow(entry).slice(0, 12));
  for (const step of QUEUE_LAYOUT.since ?? []) db.exec(step);
  const queue = new QueueTables(db);
  const wish = { owner: 'a', now: NOON + 2, until: NOON + 99, limit: 9 };
  expect(queue.nextDue(undefined)).toBe(NOON + 1);
  expect(queue.leaseOverdue({ ...wish, delayed: [{ route: 'store', admittedBy: NOON }], limit: 1 })).toHaveLength(1);
  expect(queue.lease(wish)).toHaveLength(1);
  expect(queue.nextDue(undefined)).toBe(NOON + 3);
});
