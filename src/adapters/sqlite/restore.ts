/** A store from a backup: checked whole, copied beside its place, put there in one step. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '../../ports/backup.ts';
import { readManifest, sync, syncAll } from '../files/manifest.ts';
import { mustBeFree } from './backup.ts';

export async function restoreStore(from: string, path: string): Promise<Manifest> {
  mustBeFree(path);
  const manifest = await readManifest(from);
  const unfinished = `${path}.restoring`;
  await rm(unfinished, { recursive: true, force: true });
  try {
    for (const folder of ['', 'records', 'spool', 'bundles'])
      mkdirSync(join(unfinished, folder), { recursive: true, mode: 0o700 });
    for (const file of Object.keys(manifest.files)) copyFileSync(join(from, file), join(unfinished, file));
    await syncAll(unfinished);
    await rename(unfinished, path);
    await sync(dirname(path));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  return manifest;
}
