/** The policies' folder on disk. */
import { globSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { PolicyFiles } from '../../ports/bundles.ts';

/** Reads below `folder` only: a path that leads out of it is one that is not there. */
export function policyFolder(folder: string): PolicyFiles {
  return {
    name: folder,
    read(path) {
      const file = inside(folder, path);
      if (file === undefined) return undefined;
      return { path, text: readFileSync(file, 'utf8') };
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

function inside(folder: string, path: string): string | undefined {
  try {
    const real = realpathSync(join(folder, path));
    const below = relative(realpathSync(folder), real);
    return below.startsWith('..') || isAbsolute(below) ? undefined : real;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
