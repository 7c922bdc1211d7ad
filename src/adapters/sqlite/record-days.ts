/** Records, one file a day by the time in their ids: immutable rows, later events appended, old days dropped whole. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { StoreError } from '../../ports/store-error.ts';
import { timeOfId } from '../../record/id.ts';
import type { TransactionRecord } from '../../record/record.ts';
import { termsOf } from '../../record/terms.ts';
import { isConflict, type Layout, openDatabase } from './database.ts';
import { packText, type StoredText, unpackText } from './record-text.ts';
import type { EventRow, RecordRow } from './rows.ts';

/**
 * Since version 2 a new row's `json` is a blob (`record-text.ts`), which the column takes as it is, since version 3 of form 2; older
 * rows stay as they were. The number keeps an older program, which could not read the new rows, away from the day.
 */
const LAYOUT: Layout = {
  version: 3,
  sql: `
    CREATE TABLE IF NOT EXISTS records
      (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL, events TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, record TEXT NOT NULL, json TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS events_record ON events (record)`,
};

/** Days kept open: today, yesterday at midnight, and those a search or an old entry has just asked for. */
const OPEN_MAX = 8;
/** Records whose words wait in memory for the index, some kilobyte each; of older ones they are read from the rows. */
const TERMS_MAX = 5000;
const DAY_MS = 86_400_000;

interface Day {
  readonly name: string;
  readonly db: DatabaseSync;
  readonly insert: StatementSync;
  readonly insertLazy: StatementSync;
  readonly insertEvent: StatementSync;
  /** The last row inserted in this transaction, 0 for none. */
  last: number;
  inTransaction: boolean;
}

/** A record's row as a query gives it. */
export interface StoredRecord {
  readonly id: string;
  readonly json: StoredText;
}

/** A record that is not in the search index yet. */
interface Unfound {
  readonly n: number;
  readonly id: string;
}

export class RecordDays {
  readonly #folder: string;
  readonly #warn: (name: string, data: object) => void;
  /** Of records that are not in the search index yet. */
  readonly #terms = new Map<string, readonly string[]>();
  /** In order of use, the latest last. */
  readonly #open = new Map<string, Day>();
  #names: Set<string>;
  #nameOf: { day: number; name: string } = { day: -1, name: '' };

  constructor(folder: string, warn: (name: string, data: object) => void) {
    this.#folder = folder;
    this.#warn = warn;
    this.#names = new Set(daysIn(folder));
  }

  /** Names of all days there are, the oldest first: asked of the disk, since a visitor sees no day begin. */
  get names(): readonly string[] {
    this.#names = new Set(daysIn(this.#folder));
    return [...this.#names].sort();
  }

  insert([id, short, events, terms]: RecordRow): void {
    const day = this.#writing(this.dayOf(id));
    try {
      day.last = Number(day.insert.run(id, packText(short), events).lastInsertRowid);
      this.#remember(id, terms);
    } catch (error) {
      if (isConflict(error))
        throw new StoreError('conflict', `Cannot store record "${id}" as it must be new: it is there`);
      throw error;
    }
  }

  /** A record nobody waits for; one that is there is left as it is. */
  insertLazy([id, short, events, terms]: RecordRow): void {
    const day = this.#writing(this.dayOf(id));
    const { changes, lastInsertRowid } = day.insertLazy.run(id, packText(short), events);
    if (changes === 0) return;
    day.last = Number(lastInsertRowid);
    this.#remember(id, terms);
  }

  /** Events of a day that was dropped are dropped with it. */
  insertEvent(row: EventRow): void {
    if (timeOfId(row[0]) === undefined) return;
    const name = this.dayOf(row[0]);
    if (this.#names.has(name)) this.#writing(name).insertEvent.run(...row);
  }

  /** Commits every day that was written to, the oldest first; answers their last new records. */
  commit(): ReadonlyMap<string, number> {
    const marks = new Map<string, number>();
    for (const day of this.#inTransaction()) {
      day.db.exec('COMMIT');
      day.inTransaction = false;
      if (day.last > 0) marks.set(day.name, day.last);
    }
    return marks;
  }

  rollback(): void {
    this.#terms.clear();
    for (const day of this.#inTransaction()) {
      if (day.db.isTransaction) day.db.exec('ROLLBACK');
      day.inTransaction = false;
    }
  }

  get(id: string): { readonly json: string; readonly events: readonly string[] } | undefined {
    if (timeOfId(id) === undefined) return undefined;
    const day = this.reading(this.dayOf(id));
    const found = day?.prepare('SELECT json, events FROM records WHERE id = ?').get(id);
    if (day === undefined || found === undefined) return undefined;
    const later = day.prepare('SELECT json FROM events WHERE record = ? ORDER BY n').all(id);
    const first = found.events === '' ? [] : (JSON.parse(String(found.events)) as unknown[]);
    return {
      json: unpackText(id, found.json as StoredText),
      events: [...first.map((event) => JSON.stringify(event)), ...later.map((row) => String(row.json))],
    };
  }

  /** Records of a day beyond its nth, in the order they were committed; `opened` has what they say. */
  after(name: string, n: number, limit: number): readonly (StoredRecord & { readonly n: number })[] {
    const rows = this.reading(name)?.prepare('SELECT n, id, json FROM records WHERE n > ? ORDER BY n LIMIT ?');
    return (rows?.all(n, limit) ?? []) as unknown as (StoredRecord & { readonly n: number })[];
  }

  /** As `after`, for the index: without what they say, and at most so many whose words must be read. */
  unfound(name: string, n: number, limit: number, readMax: number): readonly Unfound[] {
    const query = this.reading(name)?.prepare('SELECT n, id FROM records WHERE n > ? ORDER BY n LIMIT ?');
    const rows = (query?.all(n, limit) ?? []) as unknown as readonly Unfound[];
    const unread = rows.filter(({ id }) => !this.#terms.has(id))[readMax];
    return unread === undefined ? rows : rows.slice(0, rows.indexOf(unread));
  }

  /** The words each is found by: as they came with it, else read from its row. */
  terms(name: string, rows: readonly Unfound[]): readonly (readonly [id: string, terms: readonly string[]])[] {
    const one = this.reading(name)?.prepare('SELECT id, json FROM records WHERE n = ?');
    return rows.flatMap(({ n, id }): (readonly [string, readonly string[]])[] => {
      const terms = this.#terms.get(id);
      if (terms !== undefined) return [[id, terms]];
      const read = this.opened((one?.all(n) ?? []) as unknown as StoredRecord[]);
      return read.map(({ json }) => [id, termsOf(JSON.parse(json) as TransactionRecord)]);
    });
  }

  /** Their words lie in the index now. */
  found(rows: readonly Unfound[]): void {
    for (const { id } of rows) this.#terms.delete(id);
  }

  /** One that is damaged is passed over, and named in the log: it must not hide the others, nor stop a start. */
  opened(rows: readonly StoredRecord[]): readonly { readonly id: string; readonly json: string }[] {
    return rows.flatMap(({ id, json }) => {
      try {
        return [{ id, json: unpackText(id, json) }];
      } catch (error) {
        this.#warn('store.record.damaged', { id, error: String(error) });
        return [];
      }
    });
  }

  /** The day's database; undefined when there is no such day. */
  reading(name: string): DatabaseSync | undefined {
    const there = this.#names.has(name) || this.names.includes(name);
    return there ? this.#day(name).db : undefined;
  }

  drop(name: string): void {
    this.#open.get(name)?.db.close();
    this.#open.delete(name);
    this.#names.delete(name);
    removeDatabase(join(this.#folder, `${name}.db`));
  }

  close(): void {
    for (const { db } of this.#open.values()) db.close();
    this.#open.clear();
  }

  dayOf(id: string): string {
    const at = timeOfId(id);
    if (at === undefined) throw new RangeError(`Cannot store record "${id}" as its id must be one that was drawn`);
    const day = Math.floor(at / DAY_MS);
    if (this.#nameOf.day !== day) this.#nameOf = { day, name: new Date(day * DAY_MS).toISOString().slice(0, 10) };
    return this.#nameOf.name;
  }

  #remember(id: string, terms: readonly string[]): void {
    this.#terms.set(id, terms);
    const [oldest] = this.#terms.keys();
    if (this.#terms.size > TERMS_MAX) this.#terms.delete(oldest!);
  }

  #writing(name: string): Day {
    const day = this.#day(name);
    if (!day.inTransaction) {
      day.db.exec('BEGIN IMMEDIATE');
      day.inTransaction = true;
      day.last = 0;
    }
    return day;
  }

  #inTransaction(): Day[] {
    return [...this.#open.values()].filter((day) => day.inTransaction).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #day(name: string): Day {
    const open = this.#open.get(name);
    if (open !== undefined) {
      if (this.#open.size > 1) {
        this.#open.delete(name);
        this.#open.set(name, open);
      }
      return open;
    }
    const db = openDatabase(join(this.#folder, `${name}.db`), 'FULL', LAYOUT);
    const insert = 'INTO records (id, json, events) VALUES (?, ?, ?)';
    const day: Day = {
      name,
      db,
      insert: db.prepare(`INSERT ${insert}`),
      insertLazy: db.prepare(`INSERT OR IGNORE ${insert}`),
      insertEvent: db.prepare('INSERT INTO events (record, json) VALUES (?, ?)'),
      last: 0,
      inTransaction: false,
    };
    this.#open.set(name, day);
    this.#names.add(name);
    this.#closeUnused();
    return day;
  }

  #closeUnused(): void {
    for (const [name, day] of this.#open) {
      if (this.#open.size <= OPEN_MAX) return;
      if (day.inTransaction) continue;
      day.db.close();
      this.#open.delete(name);
    }
  }
}

export function daysIn(folder: string): string[] {
  return readdirSync(folder).flatMap((file) => /^(\d{4}-\d\d-\d\d)\.db$/.exec(file)?.[1] ?? []);
}

export function removeDatabase(file: string): void {
  for (const companion of ['', '-wal', '-shm']) rmSync(`${file}${companion}`, { force: true });
}
