/** What is remembered between transactions, on disk: written behind, so that a crash costs at most the last second of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isDamage, openDatabase } from './database.ts';
import type { StateRow } from './protocol.ts';
import { removeDatabase } from './record-days.ts';

const LAYOUT = {
  version: 1,
  sql: `CREATE TABLE remembered (
    space TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (space, key)) WITHOUT ROWID`,
};

export class StateTable {
  readonly #db: DatabaseSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;

  /** A damaged file is put aside by the caller's word: greylist and rates begin anew, which delays mail and loses none. */
  constructor(file: string, damaged: (error: unknown) => void) {
    this.#db = openOrAnew(file, damaged);
    this.#put = this.#db.prepare('INSERT OR REPLACE INTO remembered VALUES (?, ?, ?, ?)');
    this.#forget = this.#db.prepare('DELETE FROM remembered WHERE space = ? AND key = ?');
  }

  write(rows: readonly StateRow[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const [space, key, json, expires] of rows)
        if (json === null) this.#forget.run(space, key);
        else this.#put.run(space, key, json, expires);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** All that has not expired, the soonest to expire first. */
  all(now: number): StateRow[] {
    this.#db.prepare('DELETE FROM remembered WHERE expires <= ?').run(now);
    return this.#db
      .prepare('SELECT space, key, json, expires FROM remembered ORDER BY expires')
      .all()
      .map((row) => [String(row.space), String(row.key), String(row.json), Number(row.expires)]);
  }

  close(): void {
    this.#db.close();
  }
}

function openOrAnew(file: string, damaged: (error: unknown) => void): DatabaseSync {
  try {
    return openDatabase(file, 'OFF', LAYOUT);
  } catch (error) {
    if (!isDamage(error)) throw error;
    damaged(error);
    removeDatabase(file);
    return openDatabase(file, 'OFF', LAYOUT);
  }
}
