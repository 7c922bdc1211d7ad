/** The gateway as a running thing: opened in order, reloaded whole, closed in order. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DnsClient } from '../adapters/dns/client.ts';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { idSource } from '../adapters/ids.ts';
import { openSqliteStore } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { jsonLog } from '../adapters/system/log.ts';
import { type Certificates, openCertificates } from '../adapters/tls/certificates.ts';
import { CHECKS } from '../checks/registry.ts';
import type { Installation, Listener } from '../config/installation.ts';
import { RecordFold } from '../gateway/fold.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import { recordOutlet } from '../gateway/record-outlet.ts';
import { openSession } from '../gateway/session.ts';
import type { Current, OpenListener, World } from '../gateway/world.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import { parseRange, RangeSet } from '../mail/ip.ts';
import { minutes, seconds } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { TlsOffer } from '../smtp/receive/handshake.ts';
import { createReceiver, type Receiver } from '../smtp/receive/receiver.ts';
import { type Configured, configure, pidFile } from './configure.ts';
import { dispatcherFor } from './dispatcher.ts';
import { InForce } from './in-force.ts';
import { recordLines } from './record-lines.ts';
import { sha256 } from './sha256.ts';

/** How long messages in hand may take to finish at a stop. */
const GRACE = seconds(20);
const SWEEP = minutes(1);

/** What a test or the demo may put in the place of the real thing. */
export interface Stand {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly resolver?: Resolver;
}

export interface Gateway {
  /** `host:port` by listener. */
  readonly addresses: { readonly [listener: string]: string };
  /** Reopens the file of records, and puts the files' present state in force; what does not check leaves the running configuration as it is, and is answered. */
  reload(): Promise<readonly Problem[]>;
  /** The same for the lists of the policies alone. */
  reloadLists(): Promise<readonly Problem[]>;
  /** Answers 421, finishes what is in hand, closes the store. */
  stop(): Promise<void>;
  /** Resolves when the gateway can promise nothing any more (its store's thread died): stop it, and let it be started anew. */
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
  const early = stand.log ?? jsonLog('info');
  const files = watchedFiles();
  const lists = new RecipientLists(files, early);
  const read = (): Configured => configure(file, clock, lists);
  const first = soundOrThrow(read());
  const { installation } = first;
  const log = stand.log ?? jsonLog(installation.log.level);

  const store = await openSqliteStore({
    path: installation.store.path,
    minFreeBytes: installation.store.minFreeBytes,
    mode: 'serve',
    retention: installation.records.retention,
    log,
  });
  const stopping: (() => Promise<void> | void)[] = [() => store.close()];
  try {
    const inForce = new InForce(first, { read, records: store.records, files, log });
    stopping.push(() => inForce.stop());
    await inForce.start();
    const resolver =
      stand.resolver ??
      new DnsClient({ servers: installation.dns.servers, timeout: installation.dns.timeout, elapsed: clock.elapsed });
    const ids = idSource(installation.nodeNumber, 0, clock.now);
    const lines = recordLines(installation.records.jsonl, () => inForce.current.policies, log);
    stopping.push(() => lines.close());
    const { subject } = installation.records;
    const outlet = recordOutlet(store, { subject, masks: [], hash: sha256 }, lines);
    const fold = new RecordFold(outlet.records, installation.records.coalesce);
    // A fresh id tells this life of the process from the one before.
    const owner = `${installation.node}/${process.pid}/${ids.next()}`;
    const cargo = { queue: outlet.queue, content: store.content };
    const carrier = dispatcherFor({
      store: cargo,
      clock,
      log,
      ids,
      installation: () => inForce.current.installation,
      owner,
    });
    stopping.push(() => carrier.stop());

    const world: World = {
      clock,
      newId: () => ids.next(),
      resolver,
      content: store.content,
      queue: outlet.queue,
      records: fold,
      state: store.state,
      services: {},
      checks: CHECKS,
      log,
      current: () => inForce.current,
      claim: () => carrier.claim(),
      admitted: (leases) => carrier.kick(leases),
      rehearsal: undefined,
    };
    const certificates = openCertificates(installation, { files, log, now: clock.now });
    stopping.push(() => certificates?.stop());
    const receivers = installation.listeners.map((listener) => receiverFor(world, listener, certificates));
    stopping.push(async () => {
      await Promise.all(receivers.map((receiver) => receiver.close(GRACE)));
      fold.sweep();
    });
    const addresses: { [listener: string]: string } = {};
    for (const [index, listener] of installation.listeners.entries()) {
      const { address, port } = await receivers[index]!.listen();
      addresses[listener.name] = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    }
    carrier.start();
    const sweeping = setInterval(() => fold.sweep(clock.now()), SWEEP);
    stopping.push(() => clearInterval(sweeping));
    mkdirSync(installation.store.path, { recursive: true });
    writeFileSync(pidFile(installation), `${process.pid}\n`, { mode: 0o600 });
    stopping.push(() => removePid(installation));
    log.event('gateway.started', { hostname: installation.hostname, addresses });

    return {
      addresses,
      reload: async () => {
        lines.reopen();
        const wrong = await inForce.reload();
        // Also after a refused reload: certificates are looked at each by itself.
        certificates?.take(inForce.current.installation);
        if (wrong.length === 0) carrier.wake();
        return wrong;
      },
      reloadLists: () => inForce.reloadLists(),
      stop: () => stopAll(stopping, log),
      broken: store.died,
    };
  } catch (error) {
    await stopAll(stopping, log);
    throw error;
  }
}

function soundOrThrow(configured: Configured): Current {
  const wrong = [...configured.problems.filter((problem) => problem.severity === 'error'), ...configured.notYet];
  if (configured.current === undefined || wrong.length > 0) throw new ConfigurationError(wrong);
  return configured.current;
}

function receiverFor(world: World, listener: Listener, certificates: Certificates | undefined): Receiver {
  const { installation } = world.current();
  const ranges = listener.trustedNetworks.map(parseRange).filter((range) => range !== undefined);
  const open: OpenListener = { ...listener, trusted: new RangeSet(ranges) };
  return createReceiver({
    hostname: installation.hostname,
    host: listener.host,
    port: listener.port,
    newline: listener.newline,
    xclientFrom: listener.xclientFrom,
    // The routes behind are not known to take it (RFC 6531 §3.1): a later part learns what they offer.
    smtpUtf8: false,
    // Only where senders are known: a stranger's wish for a notification is a way to make backscatter.
    dsn: listener.trustedNetworks.length > 0,
    tls: certificates && offerOf(listener.tls, certificates),
    limits: installation.limits,
    open: (client) => openSession(world, open, client),
    log: world.log,
    clock: world.clock,
  });
}

const offerOf = (mode: Listener['tls'], certificates: Certificates): TlsOffer | undefined =>
  mode === 'none' ? undefined : { mode, contextFor: (name) => certificates.contextFor(name) };

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
