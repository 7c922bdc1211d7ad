/** A disk for tests: files by absolute path, pairs by the path of their certificate; another pair is not looked at. */
import type { PairReading } from '../../src/config/certificate-pair.ts';
import type { InstallationFiles } from '../../src/config/sections.ts';
import type { KeyReading } from '../../src/config/signing-key.ts';

export function filesOf(
  files: { readonly [path: string]: string },
  pairs: { readonly [certificate: string]: PairReading } = {},
  keys: { readonly [path: string]: KeyReading } = {},
): InstallationFiles {
  return {
    read: (path) => files[path],
    exists: (path) => path in files,
    glob: (pattern) => {
      const matcher = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
      return Object.keys(files)
        .filter((path) => matcher.test(path))
        .sort();
    },
    signingKey: (path) => keys[path] ?? { kind: 'unread' },
    pair: (certificate) => pairs[certificate] ?? { kind: 'unread' },
    show: (path) => path.replace(/^\/etc\/postern\//, ''),
  };
}
