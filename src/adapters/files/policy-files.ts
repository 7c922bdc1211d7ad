/** The policies' folder on disk. */
import { closeSync, constants, fstatSync, globSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { PolicyFiles } from '../../ports/bundles.ts';

/** More is no policy and no list of one: it is compiled, shipped to every thread and kept with each record's bundle. */
const OCTETS_MAX = 64 * 1024 * 1024;

/** Reads files below `folder` only: a path that leads out of it, or to what is no file, is one that is not there. */
export function policyFolder(folder: string): PolicyFiles {
  return {
    name: folder,
    read(path) {
      const file = inside(folder, path);
      if (file === undefined) return undefined;
      return { path, text: readText(file) };
    },
    glob: (pattern) =>
      isAbsolute(pattern) || pattern.split('/').includes('..')
        ? []
        : globSync(pattern, { cwd: folder })
            .map((name) => name.split(sep).join('/'))
            .filter((name) => inside(folder, name) !== undefined)
            .sort(),
  };
}

function readText(path: string): string {
  // A pipe that took the file's place meanwhile does not block; of the open file: what stands at the path may change.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(`Cannot read ${path} as it must be a file: it is none`);
    if (stat.size > OCTETS_MAX)
      throw new Error(`Cannot read ${path} as it must be at most ${OCTETS_MAX} octets long: it is ${stat.size}`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function inside(folder: string, path: string): string | undefined {
  try {
    const real = realpathSync(join(folder, path));
    const below = relative(realpathSync(folder), real);
    return below.startsWith('..') || isAbsolute(below) || !statSync(real).isFile() ? undefined : real;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
