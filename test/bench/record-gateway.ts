/** The gateway of the record's bench, a process of its own: real sessions, our DNS client, the SQLite store; nothing is sent on. */
import { Session as Inspector, type Profiler } from 'node:inspector/promises';
import { DnsClient } from '../../src/adapters/dns/client.ts';
import { idSource } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { recordOutlet } from '../../src/gateway/record-outlet.ts';
import { openSession } from '../../src/gateway/session.ts';
import type { World } from '../../src/gateway/world.ts';
import { RangeSet } from '../../src/mail/ip.ts';
import { sha256 } from '../../src/main/sha256.ts';
import { createReceiver } from '../../src/smtp/receive/receiver.ts';
import { sound } from '../support/gateway.ts';

export interface Setting {
  readonly config: string;
  readonly store: string;
  readonly dns: string;
  /** Clients come from addresses of the loopback network; this is who they are. */
  readonly clients: { readonly [loopback: string]: string };
}
export type Word =
  | { readonly kind: 'reset'; readonly profile: boolean }
  | { readonly kind: 'report' }
  | { readonly kind: 'end' };
/** CPU in ms since the reset. `making`: the share of the deciding thread's busy samples that lie in the record. */
export interface Used {
  readonly all: number;
  readonly session: number;
  readonly making: number;
}

const log = { event: () => {}, warn: console.error, error: console.error };
const setting = JSON.parse(process.argv[2]!) as Setting;
const current = sound(setting.config);
const listener = { ...current.installation.listeners.find(({ name }) => name === 'mx')!, trusted: new RangeSet([]) };
const store = await openSqliteStore({ path: setting.store, mode: 'serve', minFreeBytes: 0, retention: undefined, log });
const ids = idSource(1, 0, systemClock.now);
const told = { record: () => {}, events: () => {} };
const outlet = recordOutlet(store, { subject: 'full', masks: [], hash: sha256 }, told);
const world: World = {
  clock: systemClock,
  newId: () => ids.next(),
  resolver: new DnsClient({ servers: [setting.dns], timeout: 5000, elapsed: systemClock.elapsed, log }),
  content: store.content,
  queue: outlet.queue,
  records: outlet.records,
  state: store.state,
  checks: CHECKS,
  log,
  current: () => current,
  claim: () => undefined,
  admitted: () => {},
  words: undefined,
  signingKeys: undefined,
  rehearsal: undefined,
};
const receiver = createReceiver({
  hostname: current.installation.hostname,
  host: '0.0.0.0',
  port: 0,
  newline: 'strict',
  xclientFrom: [],
  offer: () => ({ smtpUtf8: false, messageBytes: current.installation.limits.messageBytes }),
  dsn: false,
  limits: current.installation.limits,
  open: (client) => openSession(world, listener, { ...client, ip: setting.clients[client.ip] ?? client.ip }),
  log,
  clock: systemClock,
});

/** Where a record is made, masked and written: these functions and all that they call. */
const RECORD = /\/src\/(gateway\/record-of|record\/redact)\.ts$/;
const WRITTEN = ['recordRow', 'eventRow'];

const isOfRecord = ({ url, functionName }: { readonly url: string; readonly functionName: string }): boolean =>
  RECORD.test(url) || (WRITTEN.includes(functionName) && url.endsWith('/sqlite/rows.ts'));

function shareOfRecord({ nodes, samples, timeDeltas }: Profiler.Profile): number {
  const parents = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id] as const)));
  const known = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const isRecord = (id: number | undefined): boolean =>
    id !== undefined && (isOfRecord(known.get(id)!) || isRecord(parents.get(id)));
  let busy = 0;
  let record = 0;
  for (const [n, id] of (samples ?? []).entries()) {
    // The collector clears up after everybody alike.
    if (/^\((idle|garbage collector)\)$/.test(known.get(id)!.functionName)) continue;
    busy += timeDeltas![n]!;
    if (isRecord(id)) record += timeDeltas![n]!;
  }
  return record / busy;
}

const inspector = new Inspector();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.setSamplingInterval', { interval: 250 });
let profiling = false;
let all = process.cpuUsage();
let session = process.threadCpuUsage();
const ms = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

process.on('message', async (word: Word) => {
  switch (word.kind) {
    case 'reset':
      profiling = word.profile;
      if (profiling) await inspector.post('Profiler.start');
      all = process.cpuUsage();
      session = process.threadCpuUsage();
      return process.send!('ready');
    case 'report': {
      const used = { all: ms(process.cpuUsage(all)), session: ms(process.threadCpuUsage(session)) };
      const making = profiling ? shareOfRecord((await inspector.post('Profiler.stop')).profile) : 0;
      return process.send!({ ...used, making } satisfies Used);
    }
    case 'end':
      await receiver.close(0);
      await store.close();
      return process.exit();
  }
});
process.on('disconnect', () => process.exit());
process.send!((await receiver.listen()).port);
