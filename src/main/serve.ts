/** The gateway as a running thing: opened in order, reloaded whole, closed in order. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { LoginSources } from '../adapters/auth/login-sources.ts';
import { keptTexts } from '../adapters/files/kept-texts.ts';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { idSource } from '../adapters/ids.ts';
import { ServiceClients } from '../adapters/services/service-clients.ts';
import { KeyRing } from '../adapters/signing/signing-keys.ts';
import { openSqliteStore } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { jsonLog } from '../adapters/system/log.ts';
import { openCertificates } from '../adapters/tls/certificates.ts';
import { ClientIdentities } from '../adapters/tls/client-identities.ts';
import { parseHostPort } from '../config/host-port.ts';
import type { Installation, Listener } from '../config/installation.ts';
import type { Place } from '../config/own-listener.ts';
import { CutThrough } from '../gateway/cut-through.ts';
import { LiveDesk } from '../gateway/live-desk.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import { recordOutlet } from '../gateway/record-outlet.ts';
import { DIRECTORIES, ServiceHealth } from '../gateway/service-health.ts';
import { StoreWords } from '../gateway/store-words.ts';
import type { Current } from '../gateway/world.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Resolver } from '../ports/resolver.ts';
import { crowdRoom } from '../smtp/receive/crowd.ts';
import { type Configured, configure, pidFile } from './configure.ts';
import { openControl } from './control.ts';
import { openDigests } from './digests.ts';
import { dispatcherFor } from './dispatcher.ts';
import { cannotListen, openEdge } from './edge.ts';
import { InForce, NOBODY } from './in-force.ts';
import { keepQuarantine } from './keep-quarantine.ts';
import { keyFiles, openKeys } from './key-files.ts';
import { overridesNow } from './overrides-now.ts';
import { listKeeping, recipientClient } from './recipient-clients.ts';
import { recordLines } from './record-lines.ts';
import { SessionThreads } from './session-threads.ts';
import { sha256 } from './sha256.ts';

const NO_SOCKETS: ReadonlyMap<string, readonly number[]> = new Map();
/** More session threads than this wait for the one store thread. */
const THREADS_MAX = 4;

/** What a test or the demo may put in the place of the real thing. */
export interface Stand {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly resolver?: Resolver;
  /** Sockets that listen already, by listener: descriptors that whoever started us passed on. */
  readonly passed?: (listeners: readonly string[]) => ReadonlyMap<string, readonly number[]>;
  /** Session threads, whatever the configuration says. */
  readonly threads?: number;
}

export interface Gateway {
  /** `host:port` by listener. */
  readonly addresses: { readonly [listener: string]: string };
  /** Where the pages of digests are served; undefined where there are none. */
  readonly pages: string | undefined;
  /** Reopens the file of records, and puts the files' present state in force; what does not check leaves the running configuration as it is, and is answered. */
  reload(): Promise<readonly Problem[]>;
  /** The same for the lists of the policies alone. */
  reloadLists(): Promise<readonly Problem[]>;
  /** Answers 421, finishes what is in hand, closes the store. */
  stop(): Promise<void>;
  /** The session threads that live now; none where the main thread speaks with clients itself. */
  readonly workers: readonly Worker[];
  /** Resolves when the gateway can promise nothing any more (its store's thread died, or session threads die as they are started): stop it, and let it be started anew. */
  readonly broken: Promise<Error>;
}

/** Bad configuration stops it before any port is opened. */
export class ConfigurationError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(sayProblem).join('\n'));
    this.problems = problems;
  }
}

export async function startGateway(file: string, stand: Stand = {}): Promise<Gateway> {
  const clock = stand.clock ?? systemClock;
  // What stands in for the world cannot go to another thread.
  const alone = stand.clock !== undefined || stand.log !== undefined || stand.resolver !== undefined;
  const early = stand.log ?? jsonLog('info');
  const files = watchedFiles();
  const lists = new RecipientLists(files, early, (store) => keptTexts(store, 'keep', early));
  // The main thread's are news of thread 0.
  const services = new ServiceClients(clock, (news) => health.heard(0, news));
  const identities = new ClientIdentities(files, { log: early, now: clock.now });
  const desk = new LiveDesk({
    clientFor: (source, hostname) => recipientClient(source, hostname, identities.of),
    state: () => store.state,
    clock,
    log: early,
    lists: listKeeping,
  });
  const logins = new LoginSources(files, early, clock, (news) => directories.heard(0, news));
  const read = (): Configured =>
    configure(file, clock, lists, overridesNow(clock), 'read', undefined, services, desk, logins);
  const began = read();
  const first = soundOrThrow(began);
  began.takeOver();
  const { installation } = first;
  const log = stand.log ?? jsonLog(installation.log.level);
  const health = new ServiceHealth(log, clock.now());
  const directories = new ServiceHealth<string>(log, clock.now(), DIRECTORIES);
  const passed = stand.passed?.(installation.listeners.map(({ name }) => name)) ?? NO_SOCKETS;
  const threads = stand.threads ?? (alone ? 0 : threadsFor(installation, passed));
  if (threads > 0) await mustBeFree(installation.listeners.filter(({ name }) => !passed.has(name)));

  const store = await openSqliteStore({
    path: installation.store.path,
    minFreeBytes: installation.store.minFreeBytes,
    mode: 'serve',
    retention: installation.records.retention,
    log,
  });
  const stopping: (() => Promise<void> | void)[] = [
    () => store.close(),
    () => desk.close(),
    () => services.close(),
    () => logins.close(),
    () => identities.stop(),
  ];
  try {
    const ids = idSource(installation.nodeNumber, 0, clock.now);
    // A fresh id tells this life of the process from the one before.
    const owner = `${installation.node}/${process.pid}/${ids.next()}`;
    const room = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    // Seeded anew at each start: nobody can learn which networks share a slot.
    const [one, two] = crypto.getRandomValues(new Int32Array(2));
    const crowd = crowdRoom(Math.max(1, threads), [one!, two!]);
    const cutThrough = new CutThrough(clock);
    const sessions =
      threads === 0
        ? undefined
        : new SessionThreads({
            file: installation.file,
            snapshot: () => inForce.snapshot,
            count: threads,
            owner,
            listeners: installation.listeners.map(({ name }) => name),
            store,
            room,
            crowd,
            clock,
            log,
            passed,
            admitted: (leases) => carrier.kick(leases),
            cutThrough,
            services: health,
            directories,
            recipients: desk,
          });
    const inForce = new InForce(first, began.snapshot, {
      read,
      records: store.records,
      files,
      log,
      others: sessions ?? NOBODY,
    });
    stopping.push(() => inForce.stop());
    await inForce.start();
    const lines = recordLines(installation.records.jsonl, () => inForce.current.policies, log);
    stopping.push(() => lines.close());
    const { subject } = installation.records;
    const outlet = recordOutlet(store, { subject, masks: [], hash: sha256 }, lines);
    const kept = { queue: store.queue, log, told: lines.events };
    stopping.push(keepQuarantine(kept, () => inForce.current.installation.quarantine, clock));
    identities.take(installation);
    let listening: readonly Place[] = [];
    // One tells of them for all.
    const signingKeys = new KeyRing(files, log);
    stopping.push(() => signingKeys.stop());
    openKeys(signingKeys, installation);
    const carrier = dispatcherFor({
      store: { queue: outlet.queue, content: store.content },
      signingKeys,
      clock,
      log,
      ids,
      installation: () => inForce.current.installation,
      owner,
      state: store.state,
      cutThrough,
      identityOf: identities.of,
      room: (entries) => Atomics.store(new Int32Array(room), 0, entries),
      resolver: stand.resolver,
      listening: () => listening,
    });
    let storeGone = false;
    void store.died.then(() => {
      storeGone = true;
    });
    // Without a store nothing that ends on the wire can be kept: it is left to its leases at once.
    stopping.push(() => carrier.stop(storeGone ? 0 : undefined));

    // In this thread even where others speak TLS: one tells of them for all, and makes what there must be.
    const certificates = openCertificates(installation, { files, log, now: clock.now });
    stopping.push(() => certificates?.stop());
    if (sessions !== undefined) stopping.push(() => sessions.close());
    await sessions?.start();
    // Of those that the main thread speaks with itself.
    const words = new StoreWords({
      clock,
      report: (recordId, heard) => cutThrough.heard(recordId, heard),
      addEvents: (events) => outlet.records.addEvents(events),
    });
    const edge =
      sessions ??
      (await openEdge({
        clock,
        log,
        outlet,
        content: store.content,
        state: store.state,
        signingKeys,
        current: () => inForce.current,
        claim: () => carrier.claim(),
        admitted: (leases, awaited) => {
          if (awaited !== undefined) cutThrough.expect(awaited, (recordId, word) => words.came(recordId, word));
          carrier.kick(leases);
        },
        words,
        resolver: stand.resolver,
        crowd,
        certificates,
        number: 1,
        socketOf: (listener) => {
          const fds = passed.get(listener);
          return fds === undefined ? { kind: 'own' } : { kind: 'passed', fds };
        },
      }));
    if (sessions === undefined) stopping.push(() => edge.close());
    listening = Object.values(edge.addresses).flatMap((text) => parseHostPort(text) ?? []);
    carrier.start();
    const digests = await openDigests({
      store,
      outlet,
      signingKeys,
      clock,
      log,
      newId: () => ids.next(),
      current: () => inForce.current,
      queued: () => carrier.wake(),
    });
    stopping.push(() => digests?.stop());
    mkdirSync(installation.store.path, { recursive: true });
    writeFileSync(pidFile(installation), `${process.pid}\n`, { mode: 0o600 });
    stopping.push(() => removePid(installation));
    const { addresses } = edge;
    const control = await openControl({
      current: () => inForce.current,
      reload: async () => {
        lines.reopen();
        await sessions?.reopen();
        const wrong = await inForce.reload();
        // Also after a refused reload: certificates are looked at each by itself.
        certificates?.take(inForce.current.installation);
        identities.take(inForce.current.installation);
        signingKeys.keep(keyFiles(inForce.current.installation));
        sessions?.lookAtCertificates();
        if (wrong.length === 0) carrier.wake();
        return wrong;
      },
      reloadLists: () => inForce.reloadLists(),
      override: (overrides) => inForce.override(overrides),
      edge,
      digests,
      clock,
      log,
      newId: () => ids.next(),
      services: health,
      directories,
      recipients: desk,
      state: store.state,
      queue: store.queue,
      dead: () => carrier.dead,
    });
    // The last to go but the store: until then it answers, and nobody takes a gateway that is stopping for none.
    stopping.splice(1, 0, () => control.close());
    log.event('gateway.started', { hostname: installation.hostname, addresses, threads });

    return {
      addresses,
      pages: digests?.address,
      reload: () => control.reload(),
      reloadLists: () => inForce.reloadLists(),
      get workers() {
        return sessions?.workers ?? [];
      },
      stop: async () => {
        log.event('gateway.stopping', {});
        await stopAll(stopping, log);
        log.event('gateway.stopped', {});
      },
      broken: sessions === undefined ? store.died : Promise.race([store.died, sessions.broken]),
    };
  } catch (error) {
    await stopAll(stopping, log);
    throw error;
  }
}

/** Passed sockets are one thread's each; else a core is left to sending and the store. */
function threadsFor({ threads }: Installation, passed: ReadonlyMap<string, readonly number[]>): number {
  const most = threads === 'cores' ? Math.min(THREADS_MAX, Math.max(1, availableParallelism() - 1)) : threads;
  const sockets = [...passed.values()].map(({ length }) => length);
  return sockets.length === 0 ? most : Math.min(most, Math.max(...sockets));
}

/** Threads that share a port would share it with another gateway too, if it did the same: so each is tried alone first. */
async function mustBeFree(listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) {
    const { host, port } = listener;
    const probe = createServer();
    await new Promise<void>((resolve, reject) => {
      probe.once('error', (error) => reject(cannotListen(listener, error)));
      probe.listen({ host, port }, () => probe.close(() => resolve()));
    });
  }
}

function soundOrThrow(configured: Configured): Current {
  const wrong = [...configured.problems.filter((problem) => problem.severity === 'error'), ...configured.notYet];
  if (configured.current === undefined || wrong.length > 0) throw new ConfigurationError(wrong);
  return configured.current;
}

/** The last opened is closed first; one that fails does not keep the others open. */
async function stopAll(stopping: (() => Promise<void> | void)[], log: Log): Promise<void> {
  for (const stop of stopping.splice(0).reverse()) {
    try {
      await stop();
    } catch (error) {
      log.error('stop.failed', { error: String(error) });
    }
  }
}

function removePid(installation: Installation): void {
  const file = pidFile(installation);
  if (readFileSync(file, 'utf8').trim() === String(process.pid)) rmSync(file, { force: true });
}
