/** Whether the disk has room: asked before anything is promised, and while a message that may be promised is written. */
import { statfsSync } from 'node:fs';
import { StoreError } from '../../ports/store-error.ts';

/** Why `octets` more may not be written now; undefined while there is room. */
export type Room = (octets: number) => StoreError | undefined;

/** How often the disk is asked for its free space at most. */
const STATFS_MS = 1000;

/** In between, what is written counts down what was free: a second is enough to fill a small disk. */
export function roomIn(path: string, minFreeBytes: number): Room {
  let asked: number | undefined;
  let free = 0;
  return (octets) => {
    if (minFreeBytes === 0) return undefined;
    const now = performance.now();
    if (asked === undefined || now - asked >= STATFS_MS) {
      asked = now;
      const { bavail, bsize } = statfsSync(path);
      free = bavail * bsize;
    }
    free -= octets;
    if (free >= minFreeBytes) return undefined;
    free += octets;
    return new StoreError(
      'full',
      `Cannot take mail as ${path} must have ${minFreeBytes} octets free (store.min_free): it has ${free}`,
    );
  };
}
