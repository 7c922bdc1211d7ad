/** Where lists lie that were loaded from directories: beside the last good ones, in the store's folder. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '../files/replace-file.ts';

/** Whoever watches the file watches its folder: it must be there before. */
export function prepareList(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
}

/** Throws what the disk says. A line a address, in an order of their own: the same addresses make the same file. */
export function writeList(path: string, addresses: readonly string[]): void {
  prepareList(path);
  replaceFile(path, `${[...addresses].sort().join('\n')}\n`);
}
