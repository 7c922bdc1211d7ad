/**
 * A consistent copy of a store, made beside the gateway that serves from it.
 *
 * The order is what makes it whole. The queue first: one snapshot of entries, quarantine and small content. Then the spool:
 * a file that has gone since belongs to what ended since, and is taken out of the copy. Then the records, which were
 * committed before their entries: each entry's is there, and so is each ending. Bundles last: a record never names one that
 * was not kept before it.
 */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Timestamp } from '../../mail/time.ts';
import type { Manifest } from '../../ports/backup.ts';
import { sync, writeManifest } from '../files/manifest.ts';
import { holdAll, markRestored, sayWhatIsMissing } from './backup-marks.ts';
import { openDatabase } from './database.ts';
import { spoolFile, storePaths } from './paths.ts';
import { QUEUE_LAYOUT, QueueTables } from './queue-tables.ts';
import { daysIn, RecordDays } from './record-days.ts';

export interface BackupOptions {
  /** The store's folder. */
  readonly path: string;
  /** Must not be there, or be an empty folder. */
  readonly into: string;
  readonly node: string;
  readonly version: string;
  readonly at: Timestamp;
}

export async function backUpStore({ path, into, node, version, at }: BackupOptions): Promise<Manifest> {
  mustBeFree(into);
  if (!existsSync(storePaths(path).queue))
    throw new Error(`Cannot back up ${path} as it must be a store: ${storePaths(path).queue} is not there`);
  const unfinished = `${into}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  try {
    const about = copyInto(unfinished, path, node, at);
    const manifest = await writeManifest(unfinished, { backup: 1, version, node, at, ...about });
    await rename(unfinished, into);
    await sync(dirname(into));
    return manifest;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

export function mustBeFree(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`Cannot write to ${folder} as it must be empty or not there: something lies in it`);
}

/** How long a copy waits for another process's short transaction. */
const BUSY_MS = 10_000;

type About = Pick<Manifest, 'entries' | 'quarantined' | 'records' | 'ended'>;

function copyInto(into: string, path: string, node: string, at: Timestamp): About {
  const from = storePaths(path);
  const to = storePaths(into);
  for (const folder of [to.records, to.spool, to.bundles]) mkdirSync(folder, { mode: 0o700 });
  copyDatabase(from.queue, to.queue);
  const queue = new QueueTables(openDatabase(to.queue, 'FULL', QUEUE_LAYOUT));
  try {
    const ended = queue.spooled().size === 0 ? [] : copySpool(queue, path, into);
    for (const day of daysIn(from.records)) copyDay(join(from.records, `${day}.db`), join(to.records, `${day}.db`));
    if (existsSync(from.state)) copyDatabase(from.state, to.state);
    for (const name of readdirSync(from.bundles))
      if (name.endsWith('.json')) copyFileSync(join(from.bundles, name), join(to.bundles, name));
    const overrides = join(path, 'overrides.json');
    if (existsSync(overrides)) copyFileSync(overrides, join(into, 'overrides.json'));

    // A damaged record is copied as it is; the gateway's own log names it.
    const days = new RecordDays(to.records, () => {});
    try {
      sayWhatIsMissing(queue, days, at);
      holdAll(queue, days, node, at);
      const counts = {
        entries: queue.count({}),
        quarantined: Number(queue.db.prepare('SELECT count(*) AS n FROM quarantine').get()!.n),
        records: days.names.reduce((sum, day) => sum + recordsOf(days, day), 0),
      };
      markRestored(queue.db, node, at);
      queue.end();
      return { ...counts, ended };
    } finally {
      days.close();
    }
  } finally {
    queue.db.close();
  }
}

const recordsOf = (days: RecordDays, day: string): number =>
  Number(days.reading(day)?.prepare('SELECT count(*) AS n FROM records').get()?.n ?? 0);

/**
 * One snapshot, however much is written meanwhile: SQLite's page-by-page backup would begin anew with each commit of
 * another process.
 */
function copyDatabase(from: string, to: string): void {
  const db = new DatabaseSync(from, { timeout: BUSY_MS });
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
  chmodSync(to, 0o600);
}

/** A day whose time was over may be dropped under our hands: it is no loss. */
function copyDay(from: string, to: string): void {
  try {
    copyDatabase(from, to);
  } catch (error) {
    if (existsSync(from)) throw error;
  }
}

/** Spooled content is written once: a second name for it is a copy. Answers what ended meanwhile. */
function copySpool(queue: QueueTables, path: string, into: string): readonly string[] {
  const gone: string[] = [];
  for (const ref of queue.spooled()) {
    const file = spoolFile(path, ref);
    const copy = spoolFile(into, ref);
    try {
      linkSync(file, copy);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') gone.push(ref);
      // Another file system, or one that knows no links.
      else if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK' || code === 'ENOTSUP') {
        if (!copied(file, copy)) gone.push(ref);
      } else throw error;
    }
  }
  const ended = gone.flatMap((ref) => ['entries', 'quarantine'].flatMap((table) => takeOut(queue, table, ref)));
  for (const ref of gone) queue.free(ref);
  return ended;
}

const takeOut = (queue: QueueTables, table: string, ref: string): readonly string[] =>
  queue.db
    .prepare(`DELETE FROM ${table} WHERE content = ? RETURNING id`)
    .all(ref)
    .map((row) => String(row.id));

function copied(file: string, copy: string): boolean {
  try {
    copyFileSync(file, copy);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
