/** One session thread: speaks with clients and decides; what it admits the main thread sends. */
import { parentPort, workerData } from 'node:worker_threads';
import { LoginSources } from '../adapters/auth/login-sources.ts';
import { keptTexts } from '../adapters/files/kept-texts.ts';
import { watchedFiles } from '../adapters/files/watched-files.ts';
import { ServiceClients } from '../adapters/services/service-clients.ts';
import { KeyRing } from '../adapters/signing/signing-keys.ts';
import { joinStore } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { jsonLog, silentLog } from '../adapters/system/log.ts';
import { RecipientLine } from '../adapters/threads/recipient-line.ts';
import { StateLine } from '../adapters/threads/state-line.ts';
import { openCertificates } from '../adapters/tls/certificates.ts';
import { RecipientLists } from '../gateway/recipient-list.ts';
import { recordOutlet } from '../gateway/record-outlet.ts';
import { type Awaited, StoreWords } from '../gateway/store-words.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import type { Log } from '../ports/log.ts';
import { LEASE, type Lease } from '../ports/queue.ts';
import { configure } from './configure.ts';
import type { Snapshot } from './disk.ts';
import { type Edge, openEdge } from './edge.ts';
import { InForce, NOBODY } from './in-force.ts';
import { keyFiles, openKeys } from './key-files.ts';
import { overridesNow } from './overrides-now.ts';
import { recordLines } from './record-lines.ts';
import { sha256 } from './sha256.ts';
import type { Handed, News, Order, ThreadData } from './thread-words.ts';

const data = workerData as ThreadData;
const tell = (news: News, transfer: readonly ArrayBuffer[] = []): void => parentPort!.postMessage(news, transfer);

async function open(): Promise<void> {
  const files = watchedFiles();
  // The main thread watches them too, and tells of them once for all.
  // What only whoever asks can know is told here, once the configuration says how much is.
  let log = silentLog;
  const asked: Log = {
    event: (name, said) => log.event(name, said),
    warn: (name, said) => log.warn(name, said),
    error: (name, said) => log.error(name, said),
  };
  const lists = new RecipientLists(files, silentLog, (store) => keptTexts(store, 'follow', silentLog), asked);
  const services = new ServiceClients(systemClock, (news) => tell({ kind: 'service', news }));
  const asking = new RecipientLine(data.recipients);
  // The main thread opens what it asks for all, and closes it.
  const desk = { open: () => {}, keep: () => {}, ask: asking.ask.bind(asking) };
  const logins = new LoginSources(files, silentLog, systemClock, (news) => tell({ kind: 'directory', news }), asked);
  const read = (from: Snapshot = data.from) =>
    configure(data.file, systemClock, lists, overridesNow(systemClock), 'read', from, services, desk, logins);
  const { current, problems, snapshot } = read();
  if (current === undefined) return tell({ kind: 'refused', message: problems.map(sayProblem).join('\n') });
  const { installation } = current;
  log = jsonLog(installation.log.level);
  const store = joinStore(data.store, installation.store.path, installation.store.minFreeBytes);
  // The main thread watches the lists of policies for all.
  const unwatched = { watch: () => () => {} };
  const inForce = new InForce(current, snapshot, {
    read,
    records: store.records,
    files: unwatched,
    log,
    others: NOBODY,
  });
  const lines = recordLines(installation.records.jsonl, () => inForce.current.policies, log);
  const { subject } = installation.records;
  const outlet = recordOutlet(store, { subject, masks: [], hash: sha256 }, lines);
  const state = new StateLine(data.state);
  const certificates = openCertificates(installation, { files, log: silentLog, now: systemClock.now });
  const signingKeys = new KeyRing(files, silentLog);
  openKeys(signingKeys, installation);
  const room = new Int32Array(data.room);
  const handing = handOver(store.shelf);
  const words = new StoreWords({
    clock: systemClock,
    // Behind the message itself, which is handed over at the end of a turn.
    report: (recordId, heard) => void setImmediate(() => tell({ kind: 'heard', recordId, heard })),
    addEvents: (events) => outlet.records.addEvents(events),
  });
  let edge: Edge;
  try {
    edge = await openEdge({
      clock: systemClock,
      log,
      outlet,
      content: store.content,
      state,
      signingKeys,
      current: () => inForce.current,
      claim: () => (Atomics.load(room, 0) > 0 ? { owner: data.owner, until: systemClock.now() + LEASE } : undefined),
      admitted: handing,
      words,
      resolver: undefined,
      crowd: data.crowd,
      certificates,
      number: data.number,
      socketOf: (listener) => data.sockets[listener] ?? { kind: 'none' },
    });
  } catch (error) {
    return tell({ kind: 'refused', message: error instanceof Error ? error.message : String(error) });
  }

  const stop = async (): Promise<void> => {
    await edge.close();
    inForce.stop();
    certificates?.stop();
    signingKeys.stop();
    services.close();
    logins.close();
    await store.close();
    await lines.close();
    state.close();
    asking.close();
    process.exit(0); // of this thread alone: nothing of it is wanted any more, whatever still holds it
  };
  const answered = ({ no }: { readonly no: number }, problems: readonly Problem[]): void =>
    tell({ kind: 'answered', no, problems });
  parentPort!.on('message', (order: Order) => {
    switch (order.kind) {
      case 'prepare':
        return void inForce.prepare(order.from).then((problems) => answered(order, problems));
      case 'commit':
        return void inForce.commit().then((problems) => answered(order, problems));
      case 'abandon':
        return inForce.abandon();
      case 'lists':
        return void inForce.reloadLists();
      case 'override':
        return void inForce.override(order.overrides).then((problems) => answered(order, problems));
      case 'drain':
        return edge.drain(order.on);
      case 'count':
        return void edge.sessions().then((sessions) => tell({ kind: 'counted', no: order.no, sessions }));
      case 'reopen':
        lines.reopen();
        return answered(order, []);
      case 'certificates':
        signingKeys.keep(keyFiles(inForce.current.installation));
        return certificates?.take(inForce.current.installation);
      case 'word':
        return words.came(order.recordId, order.word);
      case 'stop':
        return void stop();
    }
  });
  edge.drain(data.draining);
  // The lists of the policies may have changed since they came in force with the rest.
  void inForce.reloadLists();
  tell({ kind: 'ready', addresses: edge.addresses });
}

/** Hands over what was admitted in one turn together, and the octets with it: the sending thread need not ask the store. */
function handOver(shelf: ReturnType<typeof joinStore>['shelf']): (leases: readonly Lease[], awaited?: Awaited) => void {
  let waiting: Handed[] = [];
  const post = (): void => {
    const handed = waiting;
    waiting = [];
    tell(
      { kind: 'admitted', handed },
      handed.flatMap(({ content }) => content.map(({ octets }) => octets.buffer)),
    );
  };
  return (leases, awaited) => {
    // What was quarantined or held beside needs no octets at hand either.
    if (leases.length === 0) return;
    const refs = new Set(leases.map(({ entry }) => entry.contentRef));
    const content = [...refs].flatMap((ref) => {
      const octets = shelf.take(ref);
      return octets === undefined ? [] : [{ ref, octets: octets as Uint8Array<ArrayBuffer> }];
    });
    if (waiting.length === 0) setImmediate(post);
    waiting.push({ leases, content, ...(awaited === undefined ? {} : { awaited }) });
  };
}

await open();
