/** What is not to be sent for a while, beside the entries it speaks of: whoever opens the store sees it, and a backup takes it along. */
import type { DatabaseSync } from 'node:sqlite';
import type { Suspendable, Suspension } from '../../queue/suspension.ts';

export const SUSPENSION_LAYOUT = `
  CREATE TABLE suspensions (
    id TEXT PRIMARY KEY, of TEXT NOT NULL, value TEXT NOT NULL COLLATE NOCASE, since INTEGER NOT NULL, until INTEGER,
    by TEXT NOT NULL, why TEXT NOT NULL);
  CREATE UNIQUE INDEX suspensions_of ON suspensions (of, value)`;

export class SuspensionTable {
  readonly #all;
  readonly #put;
  readonly #end;

  constructor(db: DatabaseSync) {
    this.#all = db.prepare('SELECT id, of, value, since, until, by, why FROM suspensions ORDER BY since, id');
    this.#put = db.prepare('INSERT OR REPLACE INTO suspensions VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#end = db.prepare('DELETE FROM suspensions WHERE id IN (SELECT value FROM json_each(?))');
  }

  all(): readonly Suspension[] {
    return this.#all.all().map((row) => ({
      id: String(row.id),
      of: row.of as Suspendable,
      value: String(row.value),
      since: Number(row.since),
      until: row.until === null ? null : Number(row.until),
      by: String(row.by),
      why: String(row.why),
    }));
  }

  put({ id, of, value, since, until, by, why }: Suspension): void {
    this.#put.run(id, of, value, since, until, by, why);
  }

  end(ids: readonly string[]): number {
    return Number(this.#end.run(JSON.stringify(ids)).changes);
  }
}
