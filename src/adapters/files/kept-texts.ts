/** The last good text of each list of recipients, or of each policy of MTA-STS, in a folder of the store: a restart knows it too. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeptTexts } from '../../ports/kept-texts.ts';
import type { Log } from '../../ports/log.ts';

/** `follow`: another thread keeps them; what it kept is read, and nothing written. */
export function keptTexts(
  store: string,
  mode: 'keep' | 'follow',
  log: Log,
  what: 'recipients' | 'mta-sts' = 'recipients',
): KeptTexts {
  const folder = join(store, what);
  const fileOf = (key: string): string => join(folder, `${createHash('sha256').update(key).digest('hex')}.txt`);
  return {
    read(key) {
      try {
        return readFileSync(fileOf(key), 'utf8');
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOENT' && code !== 'ENOTDIR') log.warn('kept.unread', { folder, error: String(error) });
        return undefined;
      }
    },
    write(key, text) {
      if (mode === 'follow') return;
      const file = fileOf(key);
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(`${file}.new`, text, { mode: 0o600 });
        renameSync(`${file}.new`, file);
      } catch (error) {
        // The list is in force all the same; only a restart would not know it.
        log.warn('kept.unkept', { folder, error: String(error) });
      }
    },
    async clear(isOver) {
      let cleared = 0;
      const names = mode === 'follow' ? [] : await readdir(folder).catch(() => []); // nothing was kept yet
      for (const [n, name] of names.entries()) {
        if (n % BURST === BURST - 1) await turn();
        const file = join(folder, name);
        try {
          // In one step: what is written anew under this name meanwhile is not thrown away for what it was.
          if (!isOver(readFileSync(file, 'utf8'))) continue;
          rmSync(file);
          cleared += 1;
        } catch (error) {
          log.warn('kept.uncleared', { file, error: String(error) });
        }
      }
      return cleared;
    },
  };
}

/** Files in one turn of the event loop. */
const BURST = 20;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
