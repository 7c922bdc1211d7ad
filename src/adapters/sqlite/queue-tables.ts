/** The queue's database: content, entries and quarantine in one file, so that one commit holds a promise whole. */
import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import type { ContentRef } from '../../ports/content.ts';
import { type LeaseWish, type OverdueWish, PAGE, type QuarantineFilter, type QueueFilter } from '../../ports/queue.ts';
import { StoreError } from '../../ports/store-error.ts';
import { ALL_LANES, type Lanes } from '../../queue/rooms.ts';
import { isConflict, type Layout } from './database.ts';
import { DigestTables } from './digest-tables.ts';
import { HeldWeight } from './held-weight.ts';
import type { ContentRow } from './protocol.ts';
import { conditions, countIndexFor, entryWhere, FILTER_LAYOUT, IN_LIST, indexFor, sql } from './queue-filter.ts';
import { LANES_LAYOUT, QueueLanes } from './queue-lanes.ts';
import { type EntryRow, entryOf, type ItemRow, type StoredEntry } from './rows.ts';
import { SUSPENSION_LAYOUT, SuspensionTable } from './suspension-table.ts';

export const QUEUE_LAYOUT: Layout = {
  version: 2,
  sql: `
    CREATE TABLE content (ref TEXT PRIMARY KEY, size INTEGER NOT NULL, body BLOB);
    CREATE TABLE entries (
      id TEXT PRIMARY KEY, recipient TEXT NOT NULL COLLATE NOCASE, sender TEXT NOT NULL COLLATE NOCASE,
      domain TEXT NOT NULL COLLATE NOCASE, route TEXT NOT NULL, state TEXT NOT NULL, due INTEGER, owner TEXT,
      attempts INTEGER NOT NULL, admitted INTEGER NOT NULL, content TEXT NOT NULL, json TEXT NOT NULL);
    CREATE INDEX entries_due ON entries (due) WHERE due IS NOT NULL;
    CREATE INDEX entries_content ON entries (content);
    CREATE INDEX entries_recipient ON entries (recipient);
    CREATE INDEX entries_domain ON entries (domain);
    CREATE INDEX entries_route ON entries (route);
    CREATE TABLE quarantine (
      id TEXT PRIMARY KEY, record TEXT NOT NULL, recipient TEXT NOT NULL COLLATE NOCASE, class TEXT NOT NULL,
      at INTEGER NOT NULL, content TEXT NOT NULL, json TEXT NOT NULL);
    CREATE INDEX quarantine_content ON quarantine (content);
    CREATE INDEX quarantine_record ON quarantine (record);
    CREATE INDEX quarantine_recipient ON quarantine (recipient);
    CREATE INDEX quarantine_class ON quarantine (class, id, at);
    -- The last record of each day that is known to have its entries: what lies beyond it after a crash is looked at.
    CREATE TABLE marks (day TEXT PRIMARY KEY, record INTEGER NOT NULL);
    CREATE TABLE life (clean INTEGER NOT NULL);
    INSERT INTO life VALUES (1)`,
  since: [`${FILTER_LAYOUT} ${LANES_LAYOUT}; ${SUSPENSION_LAYOUT}`],
};

const COLUMNS = 'state, due, owner, attempts, json';
const OURS = "id = ? AND state = 'leased' AND owner = ? AND attempts = ?";

export class QueueTables {
  readonly db: DatabaseSync;
  readonly weight: HeldWeight;
  readonly digests: DigestTables;
  readonly suspensions: SuspensionTable;
  readonly #lanes: QueueLanes;
  readonly #insertContent;
  readonly #insertEntry;
  readonly #insertItem;
  readonly #take;
  readonly #endOurs;
  readonly #putOurs;
  readonly #renew;
  readonly #find;
  readonly #end;
  readonly #put;
  readonly #dropItem;
  readonly #free;
  readonly #mark;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.weight = new HeldWeight(db);
    this.digests = new DigestTables(db);
    this.suspensions = new SuspensionTable(db);
    this.#lanes = new QueueLanes(db);
    this.#insertContent = db.prepare('INSERT INTO content VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    this.#insertEntry = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertItem = db.prepare('INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#take = db.prepare(
      `UPDATE entries SET state = 'leased', owner = ?, due = ?, attempts = attempts + 1 WHERE id = ? RETURNING ${COLUMNS}`,
    );
    this.#endOurs = db.prepare(`DELETE FROM entries WHERE ${OURS}`);
    const put = `UPDATE entries SET recipient = ?, sender = ?, domain = ?, route = ?, state = ?, due = ?, owner = ?,
      attempts = ?, admitted = ?, content = ?, json = ?, user = ?, expires = ?, told = ?`;
    this.#putOurs = db.prepare(`${put} WHERE ${OURS}`);
    this.#renew = db.prepare(`UPDATE entries SET due = ? WHERE ${OURS}`);
    this.#find = db.prepare(`SELECT ${COLUMNS} FROM entries WHERE id = ?`);
    this.#end = db.prepare('DELETE FROM entries WHERE id = ?');
    this.#put = db.prepare(`${put} WHERE id = ?`);
    this.#dropItem = db.prepare('DELETE FROM quarantine WHERE id = ? RETURNING record, content');
    this.#free = db.prepare(
      `DELETE FROM content WHERE ref = ?1 AND NOT EXISTS (SELECT 1 FROM entries WHERE content = ?1)
       AND NOT EXISTS (SELECT 1 FROM quarantine WHERE content = ?1) RETURNING body IS NULL AS spooled`,
    );
    this.#mark = db.prepare('INSERT INTO marks VALUES (?1, ?2) ON CONFLICT DO UPDATE SET record = ?2');
  }

  insertContent({ ref, size, body }: ContentRow): void {
    this.#insertContent.run(ref, size, body);
  }

  insertEntry(row: EntryRow): void {
    try {
      this.#insertEntry.run(...row);
    } catch (error) {
      if (isConflict(error))
        throw new StoreError('conflict', `Cannot queue entry "${row[0]}" as it must be new: it is there`);
      throw error;
    }
  }

  insertItem(row: ItemRow): void {
    try {
      this.#insertItem.run(...row);
      this.weight.added(row[5]);
    } catch (error) {
      if (isConflict(error))
        throw new StoreError('conflict', `Cannot quarantine "${row[0]}" as it must be new: it is there`);
      throw error;
    }
  }

  lease({ owner, until, now, limit, lanes = ALL_LANES }: LeaseWish): StoredEntry[] {
    return this.#lanes.lease(now, limit, lanes, (id) => this.#take.get(owner, until, id) as unknown as StoredEntry);
  }

  leaseOverdue({ owner, until, now, limit, delayed }: OverdueWish): StoredEntry[] {
    const ids = this.#lanes.overdue(now, limit, delayed);
    return ids.map((id) => this.#take.get(owner, until, id) as unknown as StoredEntry);
  }

  /** False: the entry is not leased to this owner at this attempt, and nothing changed. */
  settle(id: string, owner: string, attempts: number, next: EntryRow | null): boolean {
    const { changes } =
      next === null ? this.#endOurs.run(id, owner, attempts) : this.#putOurs.run(...rest(next), id, owner, attempts);
    return changes === 1;
  }

  renew(id: string, owner: string, attempts: number, until: number): boolean {
    return this.#renew.run(until, id, owner, attempts).changes === 1;
  }

  /** Replaces an unleased entry that is still as `was` says; answers its content when it did. */
  amend(id: string, was: string, next: EntryRow | null): ContentRef | undefined {
    const stored = this.#find.get(id) as StoredEntry | undefined;
    if (stored === undefined || stored.state === 'leased') return undefined;
    const entry = entryOf(stored);
    if (!isDeepStrictEqual(entry, JSON.parse(was))) return undefined;
    if (next === null) this.#end.run(id);
    else this.#put.run(...rest(next), id);
    return entry.contentRef;
  }

  dropItem(id: string): { readonly record: string; readonly content: ContentRef } | undefined {
    const dropped = this.#dropItem.get(id) as { record: string; content: ContentRef } | undefined;
    if (dropped !== undefined) this.weight.removed(dropped.content);
    return dropped;
  }

  /** Deletes content that nothing refers to any more: derived, not counted, so that no count can be wrong. */
  free(ref: ContentRef): 'kept' | 'freed' | 'spooled' {
    const gone = this.#free.get(ref);
    return gone === undefined ? 'kept' : gone.spooled === 1 ? 'spooled' : 'freed';
  }

  mark(day: string, record: number): void {
    this.#mark.run(day, record);
  }
  marks(): ReadonlyMap<string, number> {
    return new Map(
      this.db
        .prepare('SELECT day, record FROM marks')
        .all()
        .map((row) => [String(row.day), Number(row.record)]),
    );
  }
  forgetMark(day: string): void {
    this.db.prepare('DELETE FROM marks WHERE day = ?').run(day);
  }

  /** Whether the last one who served closed in order; from now on the answer is no until `close` says so. */
  begin(): 'clean' | 'unclean' {
    const clean = this.db.prepare('SELECT clean FROM life').get()!.clean === 1;
    this.db.exec('UPDATE life SET clean = 0');
    this.#lanes.begin();
    return clean ? 'clean' : 'unclean';
  }
  end(): void {
    this.db.exec('UPDATE life SET clean = 1');
  }

  /** Nobody's hands any more: due since they were admitted, so that what has waited longest goes first. */
  freeLeases(): readonly string[] {
    return this.db
      .prepare("UPDATE entries SET state = 'waiting', due = admitted, owner = NULL WHERE state = 'leased' RETURNING id")
      .all()
      .map((row) => String(row.id));
  }

  list(filter: QueueFilter): StoredEntry[] {
    const { where, values } = entryWhere(filter);
    if (filter.after !== undefined) where.push('id > ?');
    const after = filter.after === undefined ? [] : [filter.after];
    return this.db
      .prepare(`SELECT ${COLUMNS} FROM entries ${indexFor(filter)} ${sql(where)} ORDER BY id LIMIT ?`)
      .all(...values, ...after, filter.limit ?? PAGE) as unknown as StoredEntry[];
  }

  count(filter: QueueFilter): number {
    const { where, values } = entryWhere(filter);
    return Number(
      this.db.prepare(`SELECT count(*) AS n FROM entries ${countIndexFor(filter)} ${sql(where)}`).get(...values)!.n,
    );
  }

  nextDue(lanes: Lanes | undefined): number | undefined {
    return this.#lanes.nextDue(lanes);
  }

  items(filter: QuarantineFilter): string[] {
    const { where, values, add } = conditions();
    if (filter.ids !== undefined) add(IN_LIST, JSON.stringify(filter.ids));
    if (filter.recordId !== undefined) add('record = ?', filter.recordId);
    if (filter.recipient !== undefined) add('recipient = ?', filter.recipient);
    if (filter.class !== undefined) add('class = ?', filter.class);
    if (filter.since !== undefined) add('at >= ?', filter.since);
    if (filter.until !== undefined) add('at <= ?', filter.until);
    if (filter.after !== undefined) add('id > ?', filter.after);
    const rows = this.db.prepare(`SELECT json FROM quarantine ${sql(where)} ORDER BY id LIMIT ?`);
    return rows.all(...values, filter.limit ?? PAGE).map((row) => String(row.json));
  }

  content(ref: ContentRef): { readonly body: Uint8Array | null } | undefined {
    return this.db.prepare('SELECT body FROM content WHERE ref = ?').get(ref) as
      | { body: Uint8Array | null }
      | undefined;
  }

  /** Content that lies in the spool and is promised. */
  spooled(): ReadonlySet<ContentRef> {
    return new Set(
      this.db
        .prepare('SELECT ref FROM content WHERE body IS NULL')
        .all()
        .map((row) => String(row.ref)),
    );
  }

  /** Whether anything of this record was promised and is still kept. */
  keepsPromiseOf(record: string): boolean {
    const { where, values } = entryWhere({ recordId: record });
    const kept = this.db.prepare(
      `SELECT EXISTS (SELECT 1 FROM entries ${sql(where)}) OR EXISTS (SELECT 1 FROM quarantine WHERE record = ?) AS kept`,
    );
    return kept.get(...values, record)!.kept === 1;
  }
}

const rest = (row: EntryRow) => row.slice(1) as (string | number | null)[];
