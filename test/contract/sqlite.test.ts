import { join } from 'node:path';
import type { Store } from '../../src/ports/store.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';
import { storeContract } from './store-contract.ts';

const places = new WeakMap<Store, string>();

async function openAt(path: string): Promise<Store> {
  const store = await openStore(path);
  places.set(store, path);
  return store;
}

storeContract({
  name: 'sqlite',
  open: () => openAt(join(temporaryFolder(), 'store')),
  reopen: (store) => openAt(places.get(store)!),
});
