/** The list of a backup's files with their digests: made last, asked first. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Manifest } from '../../ports/backup.ts';

export const MANIFEST = 'manifest.json';

const SHAPE = z.object({
  backup: z.literal(1),
  version: z.string(),
  node: z.string(),
  at: z.number(),
  entries: z.number(),
  quarantined: z.number(),
  records: z.number(),
  ended: z.array(z.string()),
  files: z.record(z.string(), z.object({ size: z.number(), sha256: z.string() })),
});

export async function writeManifest(folder: string, about: Omit<Manifest, 'files'>): Promise<Manifest> {
  const files: { [path: string]: { size: number; sha256: string } } = {};
  for (const path of await filesIn(folder)) files[path] = await digestOf(join(folder, path));
  const manifest: Manifest = { ...about, files };
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  await syncAll(folder);
  return manifest;
}

/** Rejects with a sentence where the folder is not what its manifest says. */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, MANIFEST);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      `Cannot restore from ${folder} as it must be a whole backup: ${error.code === 'ENOENT' ? `${MANIFEST} is not there` : error.message}`,
    );
  });
  const read = SHAPE.safeParse(parsed(text));
  if (!read.success)
    throw new Error(`Cannot restore from ${folder} as ${MANIFEST} must be ours: ${read.error.issues[0]?.message}`);
  const there = new Set(await filesIn(folder));
  for (const [path, { size, sha256 }] of Object.entries(read.data.files)) {
    // Only what we found ourselves is opened: a path that leads out of the folder is not among it.
    const found = there.has(path) ? await digestOf(join(folder, path)) : undefined;
    if (found?.sha256 !== sha256 || found.size !== size)
      throw new Error(
        `Cannot restore from ${folder} as ${path} must be as it was copied: it ${found === undefined ? 'is not there' : 'has changed'}`,
      );
  }
  return read.data;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which no shape takes
  }
};

/** Paths of all files but the manifest, from the folder. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .filter((path) => path !== MANIFEST)
    .sort();
}

async function digestOf(file: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest('hex') };
}

/** Files and the folders that name them, on stable storage. */
export async function syncAll(folder: string): Promise<void> {
  const inside = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const path of [...inside.map((one) => join(one.parentPath, one.name)), folder]) await sync(path);
}

export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
