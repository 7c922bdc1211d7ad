/** The world as the commands see it. */
import { createReadStream, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { openSqliteStore } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { silentLog } from '../adapters/system/log.ts';
import { CHECKS } from '../checks/registry.ts';
import type { CliWorld, Loaded, Running, Visit } from '../cli/world.ts';
import { streamWriter } from '../cli/writer.ts';
import type { Installation } from '../config/installation.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import type { Current } from '../gateway/world.ts';
import { policyFromBundle } from '../policy/load-policy.ts';
import { configure, digest, pidFile } from './configure.ts';
import { openRehearsals } from './rehearsals.ts';
import { runGateway } from './run-gateway.ts';

export function cliWorld(signal: AbortSignal): CliWorld {
  const err = streamWriter(process.stderr);
  const loadedAs = new WeakMap<object, Current>();
  return {
    out: streamWriter(process.stdout),
    err,
    readText: (path) => (path === '-' ? readAll() : readFile(path, 'utf8').catch(explained('read', path))),
    readLines: (path) =>
      createInterface({
        input: path === '-' ? process.stdin : createReadStream(path),
        crlfDelay: Number.POSITIVE_INFINITY,
      }),
    writeText: async (path, text) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    },
    list: async (folder, ending) => {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
        throw error;
      });
      return names
        .filter((name) => name.endsWith(ending))
        .sort()
        .map((name) => join(folder, name));
    },
    now: systemClock.now,
    sleep: systemClock.sleep,
    signal,
    operator: userInfo().username,
    load: async (config) => {
      const { current, installation, problems, notYet } = configure(
        resolve(config),
        systemClock,
        new RecipientLists(watchedFiles(), silentLog),
      );
      const loaded: Loaded = {
        installation,
        policies: current?.policies ?? new Map(),
        problems,
        notYet: notYet.map((problem) => ({ ...problem, severity: 'warning' as const })),
      };
      if (current !== undefined) loadedAs.set(loaded, current);
      return loaded;
    },
    visit: (installation) => visit(installation),
    rehearsals: async (loaded) => {
      const current = loadedAs.get(loaded);
      if (current === undefined) throw new RangeError('Cannot rehearse as the configuration must be sound');
      let opened: Awaited<ReturnType<typeof openStore>> | undefined;
      const rehearsals = openRehearsals(current, async () => {
        opened ??= await openStore(current.installation);
        return opened.state;
      });
      return { start: rehearsals.start, close: async () => opened?.close() };
    },
    serve: (config) => runGateway(resolve(config), err, signal),
    reload: async (installation, what) => {
      const state = running(installation);
      if (state.kind === 'running') process.kill(state.pid, what === 'lists' ? 'SIGUSR2' : 'SIGHUP');
      return state;
    },
    running: async (installation) => running(installation),
  };
}

const openStore = (installation: Installation) =>
  openSqliteStore({
    path: installation.store.path,
    mode: 'visit',
    minFreeBytes: 0,
    retention: undefined,
    log: silentLog,
  });

async function visit(installation: Installation): Promise<Visit> {
  const store = await openStore(installation);
  return {
    queue: store.queue,
    records: store.records,
    rules: async (id) => {
      const bundle = await store.records.getBundle(id);
      return bundle === undefined ? undefined : policyFromBundle(bundle, CHECKS, digest);
    },
    close: () => store.close(),
  };
}

function running(installation: Installation): Running {
  const file = pidFile(installation);
  let pid: number;
  try {
    pid = Number(readFileSync(file, 'utf8').trim());
  } catch {
    return { kind: 'stopped', why: `${file} is not there: no gateway runs on this store` };
  }
  try {
    process.kill(pid, 0);
    return { kind: 'running', pid };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return { kind: 'running', pid };
    return { kind: 'stopped', why: `${file} names process ${pid}, which has ended` };
  }
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const explained =
  (what: string, path: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new Error(`cannot ${what} ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`);
  };
