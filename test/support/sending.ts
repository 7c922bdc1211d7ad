/** A dispatcher over a store in memory, a clock that stands still and a next hop that answers as a test tells it. */
import { afterEach } from 'vitest';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import type { Installation } from '../../src/config/installation.ts';
import { CutThrough, type SessionLine } from '../../src/gateway/cut-through.ts';
import { Dispatcher } from '../../src/gateway/dispatch.ts';
import type { Consignment, Delivery } from '../../src/ports/delivery.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { Route } from '../../src/queue/route.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { FakeClock } from './clock.ts';
import { anEntry, aTiming, T0 } from './entries.ts';
import { sampleId, sampleRecord } from './samples.ts';

export const TEXT = 'Subject: hello\r\nMessage-ID: <m@sender.test>\r\n\r\nBody.\r\n';
export const store: Route = { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null };
export const installation = {
  hostname: 'mx.gateway.test',
  node: 'mx',
  domains: new Map([['store.test', { route: 'store' }]]),
  routes: new Map<string, Route>([
    ['store', store],
    ['internet', { ...store, name: 'internet' }],
    ['mx', { ...aTiming, name: 'mx', kind: 'mx', port: 25, tls: 'none' }],
  ]),
  routing: [],
  defaultRoute: 'internet',
  queue: aTiming,
} as unknown as Installation;

export const delivered: AttemptResult = {
  kind: 'delivered',
  host: 'a:25',
  reply: { code: 250, enhanced: '2.0.0', text: 'ok' },
  to: 'relay',
};
export const refused: AttemptResult = {
  kind: 'permanent',
  host: 'a:25',
  reply: { code: 550, enhanced: '5.1.1', text: 'nobody' },
};
export const later: AttemptResult = {
  kind: 'transient',
  host: 'a:25',
  reply: { code: 451, enhanced: '4.3.0', text: 'busy' },
  cause: '',
};

/** A next hop that answers by recipient and keeps what it was given. */
export class Hop implements Delivery {
  readonly taken: { readonly recipients: readonly string[]; readonly route: string; readonly text: string }[] = [];
  answer: (entry: QueueEntry) => AttemptResult = () => delivered;
  /** Deliveries wait here until the test lets them go. */
  gate: Promise<void> | undefined;
  /** Attempts that were broken off. */
  broken = 0;
  running = 0;
  most = 0;
  closed = false;

  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    if (this.gate) await Promise.race([this.gate, new Promise((stop) => signal.addEventListener('abort', stop))]);
    const { entries, route } = consignment;
    if (signal.aborted) this.broken += 1;
    if (signal.aborted) return entries.map(() => ({ kind: 'transient', host: '', reply: null, cause: 'stopped' }));
    const chunks: Uint8Array[] = [];
    for await (const chunk of consignment.open(signal)) chunks.push(chunk);
    this.taken.push({
      recipients: entries.map((e) => e.recipient),
      route: route.name,
      text: Buffer.concat(chunks).toString(),
    });
    this.running -= 1;
    return entries.map(this.answer);
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

const open: Dispatcher[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop(0);
});

export function house() {
  const clock = new FakeClock(T0);
  const kept = memoryStore();
  const hop = new Hop();
  const logged: string[] = [];
  const bounced: string[] = [];
  const keep = (name: string) => void logged.push(name);
  let drawn = 0;
  const cutThrough = new CutThrough(clock);
  const dispatcher = new Dispatcher({
    queue: kept.queue,
    content: kept.content,
    delivery: hop,
    signingKeys: undefined,
    clock,
    dice: { random: () => 0.5 },
    log: { event: keep, warn: keep, error: keep },
    newId: () => sampleId(clock.now(), ++drawn),
    installation: () => installation,
    owner: 'mx/1/1',
    room: () => {},
    bounced: (sender) => void bounced.push(sender),
    cutThrough,
  });
  open.push(dispatcher);
  let admitted = 0;
  /** Admits one message; with `claimed` as the gateway does. */
  const admit = async (
    entries: readonly Partial<QueueEntry>[] = [{}],
    claimed = false,
    text = TEXT,
    awaited?: SessionLine,
  ) => {
    admitted += 1;
    const recordId = sampleId(T0 - 1, admitted);
    const writer = kept.content.create();
    writer.write(Buffer.from(text));
    const content = await writer.finish();
    const lease = claimed ? dispatcher.claim() : undefined;
    const leases = await kept.queue.admit({
      record: sampleRecord(recordId, { at: clock.now() }),
      events: [],
      content,
      quarantine: [],
      entries: entries.map((changes, n) =>
        anEntry({
          id: `${recordId}.${n + 1}`,
          recordId,
          contentRef: content.ref,
          contentSize: content.size,
          ...changes,
        }),
      ),
      ...(lease ? { lease } : {}),
    });
    if (awaited !== undefined)
      cutThrough.expect({ recordId, entries: leases.map(({ entry }) => entry.id), span: 30_000 }, awaited);
    dispatcher.kick(leases);
    return recordId;
  };
  const events = async (id: string) => (await kept.records.get(id))?.events.map((e) => `${e.recipient} ${e.kind}`);
  return { clock, kept, hop, dispatcher, cutThrough, admit, events, logged, bounced };
}

/** Lets everything run that needs no time: promises, and what is put off to after this turn. */
export async function calm(): Promise<void> {
  for (let n = 0; n < 30; n++) await new Promise<void>((done) => setImmediate(done));
}
