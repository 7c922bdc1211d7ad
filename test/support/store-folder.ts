/** A folder for a store on disk that goes away with the test, and a log that remembers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../src/adapters/sqlite/open.ts';
import type { Log } from '../../src/ports/log.ts';

// Each store starts a thread that reads its TypeScript anew: the cache halves what that costs.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'postern-compile-cache');

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface RememberingLog extends Log {
  readonly names: string[];
}

export function rememberingLog(): RememberingLog {
  const names: string[] = [];
  const keep = (name: string) => {
    names.push(name);
  };
  return { names, event: keep, warn: keep, error: keep };
}

export const openStore = (path: string, options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> =>
  openSqliteStore({ path, mode: 'serve', minFreeBytes: 0, retention: undefined, log: rememberingLog(), ...options });
