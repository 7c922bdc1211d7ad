/** The words records are found by, one file a day beside the records, filled behind them and made anew when it is lost. */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PAGE, type RecordQuery } from '../../ports/queue.ts';
import { firstIdAt } from '../../record/id.ts';
import { termsSought } from '../../record/terms.ts';
import { isDamage, openDatabase } from './database.ts';
import { daysIn, type RecordDays, removeDatabase, type StoredRecord } from './record-days.ts';

const LAYOUT = {
  version: 1,
  sql: `
    CREATE TABLE terms (term TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (term, id)) WITHOUT ROWID;
    CREATE TABLE filled (record INTEGER NOT NULL);
    INSERT INTO filled VALUES (0)`,
};

/** Records put into the index at a time: two or three milliseconds for which nobody else is served. */
const SLICE = 200;
/** Of these, the ones whose words must be read from their rows, which takes five times as long. */
const READ_MAX = 25;
/** Words a statement: more save nothing. */
const TOGETHER = 32;
const OPEN_MAX = 8;

const INSERT = 'INSERT OR IGNORE INTO terms VALUES';

interface Day {
  readonly db: DatabaseSync;
  readonly insert: StatementSync;
  readonly insertMany: StatementSync;
  readonly filled: StatementSync;
  readonly fill: StatementSync;
}

export class SearchDays {
  readonly #folder: string;
  readonly #records: RecordDays;
  readonly #open = new Map<string, Day>();
  /** Days that may hold records which are not in the index yet; all of them at first. */
  readonly #behind: Set<string>;

  constructor(folder: string, records: RecordDays) {
    this.#folder = folder;
    this.#records = records;
    this.#behind = new Set(records.names);
  }

  /** Records were added to this day. */
  lag(day: string): void {
    this.#behind.add(day);
  }
  get isBehind(): boolean {
    return this.#behind.size > 0;
  }

  /** Reads the next records of the newest day that is behind. */
  catchUp(): void {
    const name = [...this.#behind].sort().at(-1);
    if (name === undefined) return;
    // A day that cannot be written is left until it gets new records, so that nobody waits for it for ever.
    let read = 0;
    try {
      read = this.#readSlice(name);
    } finally {
      if (read === 0) this.#behind.delete(name);
    }
  }

  /** Records as JSON, newest first; day by day, so that a page costs what it shows. */
  search(query: RecordQuery): string[] {
    const least = query.since === undefined ? '' : firstIdAt(query.since);
    const beyond = [query.before, query.until === undefined ? undefined : firstIdAt(query.until + 1)]
      .filter((bound) => bound !== undefined)
      .sort()[0];
    const terms = termsSought(query);
    const limit = query.limit ?? PAGE;
    const found: StoredRecord[] = [];
    for (const name of [...this.#records.names].reverse()) {
      const records = this.#records.reading(name);
      if (records === undefined || found.length >= limit) break;
      if (beyond !== undefined && name > this.#records.dayOf(beyond)) continue;
      if (least !== '' && name < this.#records.dayOf(least)) break;
      const bounds = { least, beyond: beyond ?? LAST, limit: limit - found.length };
      if (terms.length === 0) found.push(...newest(records, bounds));
      else found.push(...rowsOf(records, this.#idsWith(name, terms, bounds)));
    }
    // Those that cannot be opened count for the page, so that the next one begins where this one ended.
    return this.#records.opened(found).map(({ json }) => json);
  }

  /** Forgets a day whose records were dropped. */
  drop(name: string): void {
    this.#open.get(name)?.db.close();
    this.#open.delete(name);
    this.#behind.delete(name);
    removeDatabase(this.#file(name));
  }

  /** Index files whose records are gone, after a crash between the two. */
  sweep(): void {
    const there = new Set(this.#records.names);
    for (const name of daysIn(this.#folder)) if (!there.has(name)) this.drop(name);
  }

  close(): void {
    for (const { db } of this.#open.values()) db.close();
    this.#open.clear();
  }

  #idsWith(name: string, terms: readonly string[], { least, beyond, limit }: Bounds): string[] {
    const others = terms.slice(1).map(() => 'AND EXISTS (SELECT 1 FROM terms o WHERE o.term = ? AND o.id = t.id)');
    const rows = this.#day(name).db.prepare(
      `SELECT id FROM terms t WHERE term = ? AND id >= ? AND id < ? ${others.join(' ')} ORDER BY id DESC LIMIT ?`,
    );
    return rows.all(terms[0]!, least, beyond, ...terms.slice(1), limit).map((row) => String(row.id));
  }

  #readSlice(name: string): number {
    try {
      return this.#fill(name);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // Nothing here is worth mending: the records have it all.
      this.#open.get(name)?.db.close();
      this.#open.delete(name);
      removeDatabase(this.#file(name));
      return this.#fill(name);
    }
  }

  #fill(name: string): number {
    const day = this.#day(name);
    day.db.exec('BEGIN IMMEDIATE');
    try {
      const rows = this.#records.unfound(name, Number(day.filled.get()!.record), SLICE, READ_MAX);
      const words = this.#records
        .terms(name, rows)
        .flatMap(([id, terms]) => terms.map((term): [string, string] => [term, id]));
      // In order of the tree: neighbours share a page.
      words.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      const many = words.length - (words.length % TOGETHER);
      for (let n = 0; n < many; n += TOGETHER) day.insertMany.run(...words.slice(n, n + TOGETHER).flat());
      for (const word of words.slice(many)) day.insert.run(...word);
      if (rows.length > 0) day.fill.run(rows.at(-1)!.n);
      day.db.exec('COMMIT');
      this.#records.found(rows);
      return rows.length;
    } catch (error) {
      if (day.db.isTransaction) day.db.exec('ROLLBACK');
      throw error;
    }
  }

  #day(name: string): Day {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const db = this.#openOrAnew(name);
    const day: Day = {
      db,
      insert: db.prepare(`${INSERT} (?, ?)`),
      insertMany: db.prepare(`${INSERT} ${Array<string>(TOGETHER).fill('(?, ?)').join()}`),
      filled: db.prepare('SELECT record FROM filled'),
      fill: db.prepare('UPDATE filled SET record = ?'),
    };
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size >= OPEN_MAX) {
      oldest[1].db.close();
      this.#open.delete(oldest[0]);
    }
    this.#open.set(name, day);
    return day;
  }

  #openOrAnew(name: string): DatabaseSync {
    try {
      return openDatabase(this.#file(name), 'OFF', LAYOUT);
    } catch (error) {
      if (!isDamage(error)) throw error;
      removeDatabase(this.#file(name));
      return openDatabase(this.#file(name), 'OFF', LAYOUT);
    }
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.db`);
  }
}

interface Bounds {
  readonly least: string;
  readonly beyond: string;
  readonly limit: number;
}

/** Beyond every id there can be. */
const LAST = '~';

function newest(records: DatabaseSync, { least, beyond, limit }: Bounds): readonly StoredRecord[] {
  const rows = records.prepare('SELECT id, json FROM records WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?');
  return rows.all(least, beyond, limit) as unknown as StoredRecord[];
}

function rowsOf(records: DatabaseSync, ids: readonly string[]): readonly StoredRecord[] {
  const one = records.prepare('SELECT id, json FROM records WHERE id = ?');
  return ids.flatMap((id) => (one.get(id) as StoredRecord | undefined) ?? []);
}
