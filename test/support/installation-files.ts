/** A disk for tests: files by absolute path. */
import type { InstallationFiles } from '../../src/config/sections.ts';

export function filesOf(files: { readonly [path: string]: string }): InstallationFiles {
  return {
    read: (path) => files[path],
    exists: (path) => path in files,
    glob: (pattern) => {
      const matcher = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
      return Object.keys(files)
        .filter((path) => matcher.test(path))
        .sort();
    },
    show: (path) => path.replace(/^\/etc\/postern\//, ''),
  };
}
