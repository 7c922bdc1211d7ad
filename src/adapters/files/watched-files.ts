/** Files on disk that tell when they change: by the system's word where it comes, by a look now and then where it does not. */
import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Millis } from '../../mail/time.ts';
import type { Reading, WatchedFiles } from '../../ports/watched-files.ts';

/** Network file systems tell nobody: look this often. */
const LOOK: Millis = 30_000;
/** A file that is being written is read when it has been quiet for so long, not half-way through. */
const QUIET: Millis = 200;
/** More is no list of addresses; it would fill the memory. */
const LIST_BYTES_MAX = 512 * 1024 * 1024;

export function watchedFiles(): WatchedFiles {
  return {
    watch(path, tell) {
      let told = stampOf(path);
      tell(read(path));
      let quiet: NodeJS.Timeout | undefined;
      const look = (): void => {
        quiet = undefined;
        const stamp = stampOf(path);
        if (stamp === told) return;
        told = stamp;
        tell(read(path));
      };
      const soon = (): void => {
        clearTimeout(quiet);
        quiet = setTimeout(look, QUIET).unref();
      };
      const timer = setInterval(soon, LOOK).unref();
      const watcher = watchFolder(dirname(path), soon);
      return () => {
        clearTimeout(quiet);
        clearInterval(timer);
        watcher?.close();
      };
    },
  };
}

/** The folder, not the file: whoever replaces a file by renaming leaves the old one watched otherwise. */
function watchFolder(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    // An error here means no more news from the system; the look now and then goes on.
    return watch(folder, { persistent: false }, changed).on('error', changed);
  } catch (error) {
    // No such folder yet, or no watches left (`fs.inotify.max_user_watches`): the look now and then serves as well.
    if (['ENOENT', 'ENOSPC', 'EMFILE', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

function read(path: string): Reading {
  try {
    const stat = statSync(path);
    // A pipe would be waited for, and everybody with it.
    if (!stat.isFile()) return { kind: 'failed', why: 'it is no file' };
    if (stat.size > LIST_BYTES_MAX) return { kind: 'failed', why: `it is larger than ${LIST_BYTES_MAX} octets` };
    return { kind: 'read', text: readFileSync(path, 'utf8'), modifiedAt: stat.mtimeMs };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'failed', why: 'there is no such file', absent: true };
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}
