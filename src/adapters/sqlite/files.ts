/** The store's folder as the thread holds it: opened, checked and mended after a crash, closed in order. */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../../ports/store-error.ts';
import type { TransactionRecord } from '../../record/record.ts';
import { takeRestoredMark } from './backup-marks.ts';
import { isDamage, openDatabase } from './database.ts';
import { orphaned } from './group-commit.ts';
import { lockStore } from './lock.ts';
import { spoolFile, storePaths } from './paths.ts';
import { promises } from './promises.ts';
import type { ThreadData } from './protocol.ts';
import { QUEUE_LAYOUT, QueueTables } from './queue-tables.ts';
import { RecordDays } from './record-days.ts';
import { roomIn } from './room.ts';
import type { EventRow } from './rows.ts';
import { SearchDays } from './search-days.ts';
import { StateTable } from './state-table.ts';

export interface StoreFiles {
  readonly queue: QueueTables;
  readonly days: RecordDays;
  readonly search: SearchDays;
  readonly state: StateTable;
  /** Why nothing may be promised now; undefined while there is room. */
  roomFor(): StoreError | undefined;
  unspool(ref: string): void;
  close(): void;
}

export function openFiles(
  { path, mode, minFreeBytes }: ThreadData,
  warn: (name: string, data: object) => void,
): StoreFiles {
  const at = storePaths(path);
  if (mode === 'visit') mustBeThere(at.queue);
  else
    for (const folder of [path, at.records, at.search, at.spool, at.bundles])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unlock = mode === 'serve' ? lockStore(path) : () => {};
  const closers: (() => void)[] = [unlock];
  const close = () => {
    for (const closer of closers.splice(0).reverse()) closer();
  };
  try {
    const room = roomIn(path, minFreeBytes);
    const queue = new QueueTables(openQueue(at.queue));
    closers.push(() => queue.db.close());
    const days = new RecordDays(at.records, warn);
    closers.push(() => days.close());
    const search = new SearchDays(at.search, days);
    closers.push(() => search.close());
    const state = new StateTable(at.state, (error) =>
      warn('store.state.damaged', { file: at.state, error: String(error) }),
    );
    closers.push(() => state.close());
    if (mode === 'serve') {
      const restored = takeRestoredMark(queue.db);
      if (restored !== undefined)
        warn('store.restored', { ...restored, held: queue.count({ state: ['held'] }), remedy: RELEASE });
      if (queue.begin() === 'unclean') mend(queue, days, at.queue, warn);
      takeBack(queue, days, warn);
      sweepSpool(queue, at.spool);
      search.sweep();
      closers.push(() => queue.end());
    }
    return {
      queue,
      days,
      search,
      state,
      roomFor: () => room(0),
      unspool: (ref) => rmSync(spoolFile(path, ref), { force: true }),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

const RELEASE =
  'nothing of it is sent until it is released: postern queue list --state held; postern queue release --reason "restored from the backup"';

function mustBeThere(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) === undefined)
    throw new StoreError(
      'failed',
      `Cannot look into the store as ${file} must be there: it is not. Has the gateway run with this store.path?`,
    );
}

function openQueue(file: string) {
  try {
    return openDatabase(file, 'FULL', QUEUE_LAYOUT);
  } catch (error) {
    if (isDamage(error)) throw damaged(file, String(error));
    throw error;
  }
}

const damaged = (file: string, what: string) =>
  new StoreError(
    'failed',
    `Cannot serve from ${file} as it must be whole: ${what}. Restore a backup, or save what can be with: sqlite3 ${file} .recover`,
  );

/** After a crash: is the queue whole, and is every promise that a record speaks of there? */
function mend(queue: QueueTables, days: RecordDays, file: string, warn: (name: string, data: object) => void): void {
  const found = String(queue.db.prepare('PRAGMA quick_check(1)').get()!.quick_check);
  if (found !== 'ok') throw damaged(file, found);
  const marks = queue.marks();
  // The queue's last commit moved the marks of the days it wrote to: an older day cannot hold a newer record.
  const first = [...marks.keys()].sort().slice(-MARKED_DAYS)[0] ?? '';
  const lost: string[] = [];
  const seenUpTo = new Map<string, number>();
  for (const name of days.names.filter((day) => day >= first)) {
    let seen = marks.get(name) ?? 0;
    for (let rows = days.after(name, seen, CHUNK); rows.length > 0; rows = days.after(name, seen, CHUNK)) {
      for (const { id, json } of days.opened(rows))
        if (promises(JSON.parse(json) as TransactionRecord) && !queue.keepsPromiseOf(id)) lost.push(id);
      seen = rows.at(-1)!.n;
    }
    seenUpTo.set(name, seen);
  }
  for (const id of lost) days.insertEvent(orphaned(id, Date.now()));
  days.commit();
  // Only now: a crash in between says it twice rather than never.
  for (const [day, record] of seenUpTo) queue.mark(day, record);
  warn('store.unclean', { file, orphaned: lost.length });
}

/** Around midnight two days are written to; a notification may carry an id of its own day. */
const MARKED_DAYS = 2;
const CHUNK = 500;

/**
 * Whoever leased before us is gone, as only one serves at a time: his entries need not wait for his leases to run out. The
 * attempt stays counted; how it ended nobody knows, which the record says, since the next hop may get the message twice.
 */
function takeBack(queue: QueueTables, days: RecordDays, warn: (name: string, data: object) => void): void {
  queue.db.exec('BEGIN IMMEDIATE');
  try {
    const ids = queue.freeLeases();
    const at = Date.now();
    for (const id of ids) days.insertEvent(unfinished(id, at));
    // A crash in between says it twice rather than never.
    days.commit();
    queue.db.exec('COMMIT');
    if (ids.length > 0) warn('store.leases.taken_back', { entries: ids.length });
  } catch (error) {
    days.rollback();
    if (queue.db.isTransaction) queue.db.exec('ROLLBACK');
    throw error;
  }
}

function unfinished(id: string, at: number): EventRow {
  const dot = id.lastIndexOf('.');
  const recordId = id.slice(0, dot);
  const text = 'the gateway ended with this in its hands: how the attempt came out is not known, so it is made again';
  return [
    recordId,
    JSON.stringify({ recordId, at, recipient: Number(id.slice(dot + 1)), kind: 'attempted', by: 'store', text }),
  ];
}

/** What was still arriving when the last one stopped was never promised. */
function sweepSpool(queue: QueueTables, spool: string): void {
  const promised = queue.spooled();
  for (const name of readdirSync(spool)) if (!promised.has(name)) rmSync(join(spool, name), { force: true });
}
