import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { openSqliteStore, type SqliteStoreOptions } from '../../src/adapters/sqlite/open.ts';
import type { Store } from '../../src/ports/store.ts';
import { storeContract } from './store-contract.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const places = new WeakMap<Store, string>();

async function openAt(path: string): Promise<Store> {
  const silent = { event: () => {}, warn: () => {}, error: () => {} };
  const options: SqliteStoreOptions = { path, mode: 'serve', minFreeBytes: 0, retention: undefined, log: silent };
  const store = await openSqliteStore(options);
  places.set(store, path);
  return store;
}

storeContract({
  name: 'sqlite',
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-store-'));
    folders.push(folder);
    return openAt(join(folder, 'store'));
  },
  reopen: (store) => openAt(places.get(store)!),
});
