/** Policy bundles: a file each under its digest, written whole or not at all, never again. */
import { randomBytes } from 'node:crypto';
import { access, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredBundle } from '../../record/record.ts';
import { storeError } from './database.ts';

const DIGEST = /^[0-9a-f]{16,128}$/;

export class BundleFiles {
  readonly #folder: string;
  readonly #stored = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(bundle: StoredBundle): Promise<void> {
    if (this.#stored.has(bundle.digest)) return;
    const file = this.#file(bundle.digest);
    try {
      if (!(await isThere(file))) await writeWhole(file, JSON.stringify(bundle), this.#folder);
    } catch (error) {
      throw storeError(error);
    }
    this.#stored.add(bundle.digest);
  }

  async get(digest: string): Promise<StoredBundle | undefined> {
    const file = this.#file(digest);
    return (await isThere(file)) ? (JSON.parse(await readFile(file, 'utf8')) as StoredBundle) : undefined;
  }

  /** Digests come from records, which may come from elsewhere: one that is none must not become a path. */
  #file(digest: string): string {
    if (!DIGEST.test(digest)) throw new RangeError(`Cannot find bundle "${digest}" as a digest must be lower-case hex`);
    return join(this.#folder, `${digest}.json`);
  }
}

async function writeWhole(file: string, text: string, folder: string): Promise<void> {
  // Threads of one process may write the same one at once.
  const unfinished = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
