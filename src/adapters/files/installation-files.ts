/** The installation's files on disk. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, relative } from 'node:path';
import type { PairReading } from '../../config/certificate-pair.ts';
import type { InstallationFiles } from '../../config/sections.ts';
import type { Timestamp } from '../../mail/time.ts';
import { readSigningKey } from '../signing/read-signing-key.ts';
import { readPair } from '../tls/read-pair.ts';

/** Problems name files as seen from `cwd`, where that is shorter. Without `secrets`, keys are left alone. */
export function installationFiles(cwd: string, now: () => Timestamp, secrets: boolean): InstallationFiles {
  return {
    read: readText,
    exists: existsSync,
    glob: (pattern) =>
      globSync(pattern)
        // Editors and packagers leave dot files behind.
        .filter((path) => !basename(path).startsWith('.') && statSync(path).isFile())
        .sort(),
    pair: (certificate, key) => (secrets ? readingOf(readPair(certificate, key, now())) : { kind: 'unread' }),
    signingKey: (path) => (secrets ? readSigningKey(path).reading : { kind: 'unread' }),
    show: (path) => {
      const near = relative(cwd, path);
      return near.startsWith('..') || isAbsolute(near) ? path : near;
    },
  };
}

/** What may be told of it, and to other threads. */
function readingOf(pair: ReturnType<typeof readPair>): PairReading {
  if (pair.kind !== 'read') return pair;
  return { kind: 'read', facts: pair.facts };
}

/** Undefined where there is no such file, or none that we may read: the caller says so with its place. */
function readText(path: string): string | undefined {
  try {
    // A pipe or a device would be waited for.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EISDIR') return undefined;
    throw error;
  }
}
