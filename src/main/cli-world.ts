/** The world as the commands see it. */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { changeUser } from '../adapters/auth/change-user.ts';
import { LoginSources } from '../adapters/auth/login-sources.ts';
import { controlLine } from '../adapters/control/client.ts';
import { overrideFile } from '../adapters/files/override-file.ts';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { MemoryState } from '../adapters/memory/state.ts';
import { threadPreviewer } from '../adapters/preview/previewer.ts';
import { ServiceClients } from '../adapters/services/service-clients.ts';
import { makeSigningKey } from '../adapters/signing/make-signing-key.ts';
import { readSigningKey } from '../adapters/signing/read-signing-key.ts';
import { backUpStore } from '../adapters/sqlite/backup.ts';
import { restoreStore } from '../adapters/sqlite/restore.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { silentLog } from '../adapters/system/log.ts';
import { identityNow } from '../adapters/tls/client-identities.ts';
import { CHECKS } from '../checks/registry.ts';
import type { CliWorld, Loaded, Visit } from '../cli/world.ts';
import { streamWriter } from '../cli/writer.ts';
import type { Installation } from '../config/installation.ts';
import { LiveDesk } from '../gateway/live-desk.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import type { Current } from '../gateway/world.ts';
import { policyFromBundle } from '../policy/load-policy.ts';
import { askSecret } from './ask-secret.ts';
import { configure, digest } from './configure.ts';
import { examined } from './examined.ts';
import { recipientClient } from './recipient-clients.ts';
import { recipientTroubles } from './recipient-troubles.ts';
import { openRehearsals } from './rehearsals.ts';
import { runGateway } from './run-gateway.ts';
import { freeBytes, visitStore } from './store-visit.ts';
import { version } from './version.ts';

export function cliWorld(signal: AbortSignal): CliWorld {
  const err = streamWriter(process.stderr);
  const loadedAs = new WeakMap<object, Current>();
  // A command that has ended says nothing of services any more.
  const services = new ServiceClients(systemClock, () => {});
  // Asked where a person said so; what it learns is forgotten with the command.
  const learnt = new MemoryState();
  const desk = new LiveDesk({
    clientFor: (source, hostname) => recipientClient(source, hostname, identityNow(systemClock.now)),
    state: () => learnt,
    clock: systemClock,
    log: silentLog,
  });
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
    makeSigningKey: (path, kind, rsaBits) =>
      makeSigningKey(resolve(path), kind, rsaBits).catch(explained('write', path)),
    signingKey: (path) => readSigningKey(path).reading,
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
    askSecret: (words) => askSecret(words, signal),
    changeUser,
    now: systemClock.now,
    sleep: systemClock.sleep,
    signal,
    operator: userInfo().username,
    load: async (config, { secrets }) => {
      const logins = new LoginSources(watchedFiles(), silentLog, systemClock, () => {});
      const { current, installation, problems, notYet } = configure(
        resolve(config),
        systemClock,
        new RecipientLists(watchedFiles(), silentLog),
        () => [],
        secrets ? 'read' : 'leave',
        undefined,
        services,
        desk,
        logins,
      );
      // A command looks once, and watches nothing.
      logins.close();
      const loaded: Loaded = {
        installation,
        policies: current?.policies ?? new Map(),
        problems: installation === undefined ? problems : [...problems, ...recipientTroubles(installation)],
        notYet: notYet.map((problem) => ({ ...problem, severity: 'warning' as const })),
      };
      if (current !== undefined) loadedAs.set(loaded, current);
      return loaded;
    },
    visit: (installation) => visit(installation, services, desk),
    previewer: threadPreviewer(),
    directory: (loaded) => {
      const current = loadedAs.get(loaded);
      if (current === undefined) throw new RangeError('Cannot ask for recipients as the configuration must be sound');
      return current.directory;
    },
    rehearsals: async (loaded) => {
      const current = loadedAs.get(loaded);
      if (current === undefined) throw new RangeError('Cannot rehearse as the configuration must be sound');
      let opened: Awaited<ReturnType<typeof visitStore>> | undefined;
      const rehearsals = openRehearsals(current, async () => {
        opened ??= await visitStore(current.installation);
        return opened.state;
      });
      return {
        start: rehearsals.start,
        close: async () => {
          services.close();
          desk.close();
          await opened?.close();
        },
      };
    },
    serve: (config) => runGateway(resolve(config), err, signal),
    control: (installation, ask) => controlLine(installation.store.path).ask(ask, signal),
    overrides: async (installation) => overrideFile(installation.store.path).read(),
    backup: ({ store, node }, into) =>
      backUpStore({ path: store.path, into: resolve(into), node, version: version(), at: systemClock.now() }),
    restore: ({ store }, from) => restoreStore(resolve(from), store.path),
    examine: (loaded, how) => examined(loaded, how, signal),
    freeBytes: async (installation) => freeBytes(installation.store.path),
  };
}

async function visit(installation: Installation, services: ServiceClients, desk: LiveDesk): Promise<Visit> {
  const store = await visitStore(installation);
  return {
    queue: store.queue,
    records: store.records,
    scanner: services.of(installation.services).clamav,
    digests: store.digests,
    rules: async (id) => {
      // No policy decided mail of our own.
      const bundle = id === '' ? undefined : await store.records.getBundle(id);
      return bundle === undefined ? undefined : policyFromBundle(bundle, CHECKS, digest);
    },
    close: () => {
      services.close();
      desk.close();
      return store.close();
    },
  };
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
