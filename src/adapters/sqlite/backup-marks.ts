/** What a copy of a store says of itself: everything in it is held, and who serves from it first is told so. */
import type { DatabaseSync } from 'node:sqlite';
import type { Timestamp } from '../../mail/time.ts';
import type { EntryState } from '../../queue/entry.ts';
import type { RecordEvent, TransactionRecord } from '../../record/record.ts';
import { promises } from './promises.ts';
import type { QueueTables } from './queue-tables.ts';
import type { RecordDays } from './record-days.ts';
import { eventRow } from './rows.ts';

/** Begins the reason of every entry a backup holds, so that `queue release --reason` finds them. */
const RESTORED = 'restored from the backup';

/**
 * Held in the copy itself, not by who opens it: nothing of it can be sent by accident. What was sent since, only a person
 * can know.
 */
export function holdAll(queue: QueueTables, days: RecordDays, node: string, at: Timestamp): void {
  const why = `${RESTORED} of ${node} of ${new Date(at).toISOString()}: it may have been sent since`;
  const state: EntryState = { kind: 'held', why, by: 'operator' };
  queue.db.exec('BEGIN IMMEDIATE');
  const held = queue.db
    .prepare(
      `UPDATE entries SET state = 'held', due = NULL, owner = NULL, json = json_set(json, '$.state', json(?))
       WHERE state <> 'held' RETURNING id`,
    )
    .all(JSON.stringify(state))
    .map((row) => String(row.id));
  for (const id of held) days.insertEvent(eventRow(event(id, at, 'held', why)));
  days.commit();
  queue.db.exec('COMMIT');
}

/** Accepted after the snapshot of the queue and before that of the records: the copy has the record and not the promise. */
export function sayWhatIsMissing(queue: QueueTables, days: RecordDays, at: Timestamp): void {
  const marks = queue.marks();
  const first = [...marks.keys()].sort().slice(-MARKED_DAYS)[0] ?? '';
  for (const name of days.names.filter((day) => day >= first)) {
    let seen = marks.get(name) ?? 0;
    for (let rows = days.after(name, seen, CHUNK); rows.length > 0; rows = days.after(name, seen, CHUNK)) {
      for (const { id, json } of days.opened(rows))
        if (promises(JSON.parse(json) as TransactionRecord) && !queue.keepsPromiseOf(id) && !ended(days, id))
          days.insertEvent(eventRow(event(`${id}.0`, at, 'orphaned', 'accepted while the backup was made: not in it')));
      seen = rows.at(-1)!.n;
    }
    queue.mark(name, seen);
  }
  days.commit();
}

const MARKED_DAYS = 2; // around midnight two days are written to
const CHUNK = 500;
const ENDS: readonly RecordEvent['kind'][] = ['delivered', 'bounced', 'refused', 'removed'];

const ended = (days: RecordDays, id: string): boolean =>
  (days.get(id)?.events ?? []).some((json) => ENDS.includes((JSON.parse(json) as RecordEvent).kind));

function event(entry: string, at: Timestamp, kind: RecordEvent['kind'], text: string): RecordEvent {
  const dot = entry.lastIndexOf('.');
  return { recordId: entry.slice(0, dot), at, recipient: Number(entry.slice(dot + 1)), kind, by: 'backup', text };
}

export function markRestored(db: DatabaseSync, node: string, at: Timestamp): void {
  db.exec('CREATE TABLE IF NOT EXISTS restored (node TEXT NOT NULL, at INTEGER NOT NULL); DELETE FROM restored');
  db.prepare('INSERT INTO restored VALUES (?, ?)').run(node, at);
}

/** The mark, once; undefined in a store that was never a copy. */
export function takeRestoredMark(db: DatabaseSync): { readonly node: string; readonly at: string } | undefined {
  const there = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'restored'").get();
  if (there === undefined) return undefined;
  const mark = db.prepare('SELECT node, at FROM restored').get();
  db.exec('DROP TABLE restored');
  return mark === undefined ? undefined : { node: String(mark.node), at: new Date(Number(mark.at)).toISOString() };
}
