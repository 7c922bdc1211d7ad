/** One gateway to a store: a second one would lease what the first is delivering. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../ports/store-error.ts';

/**
 * Held by the operating system, so that it ends with the process whatever its end, and is not deceived by a process
 * number that was given out again (in a container every gateway is number 1). The number is kept for the message only.
 */
export function lockStore(path: string): () => void {
  const file = join(path, 'lock.db');
  const holder = join(path, 'serve.pid');
  closeSync(openSync(file, 'a', 0o600));
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== SQLITE_BUSY) throw error;
    throw new StoreError(
      'failed',
      `Cannot serve from ${path} as no other gateway may use it: process ${numberIn(holder)} does. Stop it, or give this one a store.path of its own`,
    );
  }
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return () => lock.close();
}

const SQLITE_BUSY = 5;

function numberIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'of unknown number';
    throw error;
  }
}
