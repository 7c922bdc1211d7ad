/** The store as a visitor sees it beside the gateway that owns it, and the room around it. */
import { statfsSync } from 'node:fs';
import { openSqliteStore } from '../adapters/sqlite/open.ts';
import { silentLog } from '../adapters/system/log.ts';
import type { Installation } from '../config/installation.ts';

export const visitStore = (installation: Installation) =>
  openSqliteStore({
    path: installation.store.path,
    mode: 'visit',
    minFreeBytes: 0,
    retention: undefined,
    log: silentLog,
  });

/** Undefined where there is no such folder. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}
