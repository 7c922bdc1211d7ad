/** Where things lie in a store's folder. */
import { join } from 'node:path';
import type { ContentRef } from '../../ports/content.ts';

export const storePaths = (path: string) => ({
  queue: join(path, 'queue.db'),
  state: join(path, 'state.db'),
  records: join(path, 'records'),
  search: join(path, 'search'),
  spool: join(path, 'spool'),
  bundles: join(path, 'bundles'),
});

const REF = /^[0-9a-z-]+$/;

/** Refs come back from the database: one that is no name of ours must not become a path. */
export function spoolFile(path: string, ref: ContentRef): string {
  if (!REF.test(ref)) throw new RangeError(`Cannot find content "${ref}" as its name must be one that was drawn`);
  return join(storePaths(path).spool, ref);
}
