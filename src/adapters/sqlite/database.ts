/** Opens one SQLite file the way the store needs it: write-ahead log, private to its owner, its layout known. */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../ports/store-error.ts';

export interface Layout {
  /** Stands in the file's `user_version`; a file with a greater one is not ours to touch. */
  readonly version: number;
  /** Lays version 1. */
  readonly sql: string;
  /** What leads to version 2, 3, …: a file of any age comes to the same. */
  readonly since?: readonly string[];
}

/** `FULL`: a commit is on stable storage when it returns. `OFF`: what a power cut destroys is made anew or missed little. */
export type Synchronous = 'FULL' | 'OFF';

/** How long a writer waits for another process's short transaction (a person's command while the gateway runs). */
const BUSY_MS = 5000;
/** Pages in the write-ahead log before they are moved into the file: large enough that entries that come and go mostly never are. */
const CHECKPOINT_PAGES = 4000;

export function openDatabase(file: string, synchronous: Synchronous, layout: Layout): DatabaseSync {
  // Made by us first, since SQLite gives its companions (-wal, -shm) the mode of the file.
  closeSync(openSync(file, 'a', 0o600));
  const db = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    db.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    );
    const version = Number(db.prepare('PRAGMA user_version').get()!.user_version);
    if (version > layout.version)
      throw new StoreError(
        'failed',
        `Cannot open ${file} as its layout must be version ${layout.version}: it is ${version}. A newer Postern wrote it; run that one`,
      );
    if (version < layout.version) lay(db, layout);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Two processes may come at once: the second finds the work done. */
function lay(db: DatabaseSync, layout: Layout): void {
  db.exec('BEGIN IMMEDIATE');
  const version = Number(db.prepare('PRAGMA user_version').get()!.user_version);
  const steps = [layout.sql, ...(layout.since ?? [])].slice(version);
  if (version < layout.version) for (const step of steps) db.exec(step);
  if (version < layout.version) db.exec(`PRAGMA user_version = ${layout.version}`);
  db.exec('COMMIT');
}

/** SQLite's own words as the one error the gateway knows. */
export function storeError(error: unknown): StoreError | RangeError {
  if (error instanceof StoreError || error instanceof RangeError) return error;
  const { errcode, code, message } = error as { errcode?: number; code?: string; message?: string };
  const primary = errcode === undefined ? undefined : errcode % 256;
  if (primary === SQLITE_FULL || code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError('full', `Cannot write to the store as there must be room on its disk: ${message}`);
  return new StoreError('failed', `Cannot use the store: ${message ?? String(error)}`);
}

const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

export const isConflict = (error: unknown): boolean =>
  ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_CONSTRAINT;

export function isDamage(error: unknown): boolean {
  const primary = ((error as { errcode?: number }).errcode ?? 0) % 256;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}
