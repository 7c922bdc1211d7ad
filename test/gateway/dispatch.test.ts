import { afterEach, describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import type { Installation } from '../../src/config/installation.ts';
import { Dispatcher, UNSETTLED_MAX } from '../../src/gateway/dispatch.ts';
import { LANE_WIDTH } from '../../src/gateway/lane.ts';
import { hours, minutes } from '../../src/mail/time.ts';
import type { Consignment, Delivery } from '../../src/ports/delivery.ts';
import { LEASE, type Settlement } from '../../src/ports/queue.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { Route } from '../../src/queue/route.ts';
import { type AttemptResult, transition } from '../../src/queue/transition.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry, aTiming, T0 } from '../support/entries.ts';
import { sampleId, sampleRecord } from '../support/samples.ts';

const TEXT = 'Subject: hello\r\nMessage-ID: <m@sender.test>\r\n\r\nBody.\r\n';
const store: Route = { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null };
const installation = {
  hostname: 'mx.gateway.test',
  node: 'mx',
  domains: new Map([['store.test', { route: 'store' }]]),
  routes: new Map([
    ['store', store],
    ['internet', { ...store, name: 'internet' }],
  ]),
  defaultRoute: 'internet',
  queue: aTiming,
} as unknown as Installation;

const delivered: AttemptResult = {
  kind: 'delivered',
  host: 'a:25',
  reply: { code: 250, enhanced: '2.0.0', text: 'ok' },
  to: 'relay',
};
const refused: AttemptResult = {
  kind: 'permanent',
  host: 'a:25',
  reply: { code: 550, enhanced: '5.1.1', text: 'nobody' },
};
const later: AttemptResult = {
  kind: 'transient',
  host: 'a:25',
  reply: { code: 451, enhanced: '4.3.0', text: 'busy' },
  cause: '',
};

/** A next hop that answers by recipient and keeps what it was given. */
class Hop implements Delivery {
  readonly taken: { readonly recipients: readonly string[]; readonly route: string; readonly text: string }[] = [];
  answer: (entry: QueueEntry) => AttemptResult = () => delivered;
  /** Deliveries wait here until the test lets them go. */
  gate: Promise<void> | undefined;
  running = 0;
  most = 0;
  closed = false;

  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    if (this.gate) await Promise.race([this.gate, new Promise((stop) => signal.addEventListener('abort', stop))]);
    const { entries, route } = consignment;
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

function house() {
  const clock = new FakeClock(T0);
  const kept = memoryStore();
  const hop = new Hop();
  const logged: string[] = [];
  const keep = (name: string) => void logged.push(name);
  let drawn = 0;
  const dispatcher = new Dispatcher({
    queue: kept.queue,
    content: kept.content,
    delivery: hop,
    clock,
    dice: { random: () => 0.5 },
    log: { event: keep, warn: keep, error: keep },
    newId: () => sampleId(clock.now(), ++drawn),
    installation: () => installation,
    owner: 'mx/1/1',
  });
  open.push(dispatcher);
  let admitted = 0;
  /** Admits one message; with `claimed` as the gateway does. */
  const admit = async (entries: readonly Partial<QueueEntry>[] = [{}], claimed = false, text = TEXT) => {
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
    dispatcher.kick(leases);
    return recordId;
  };
  const events = async (id: string) => (await kept.records.get(id))?.events.map((e) => `${e.recipient} ${e.kind}`);
  return { clock, kept, hop, dispatcher, admit, events, logged };
}

/** Lets everything run that needs no time: promises, and what is put off to after this turn. */
async function calm(): Promise<void> {
  for (let n = 0; n < 30; n++) await new Promise<void>((done) => setImmediate(done));
}

describe('dispatch', () => {
  test('delivers what was admitted with its claim at once, and the record tells it', async () => {
    const { hop, admit, events, kept } = house();
    const id = await admit([{}], true);
    await calm();
    expect(hop.taken).toEqual([{ recipients: ['bob@store.test'], route: 'store', text: TEXT }]);
    expect(await events(id)).toEqual(['1 delivered']);
    expect(await kept.queue.count({})).toBe(0);
  });

  test('finds by itself what became due, within seconds', async () => {
    const { hop, admit, dispatcher, clock } = house();
    dispatcher.start();
    await calm();
    await admit();
    await clock.pass(2000);
    await calm();
    expect(hop.taken).toHaveLength(1);
  });

  test('sends the recipients of one message together, and those whose octets differ apart', async () => {
    const { hop, admit } = house();
    const edits = [{ kind: 'addField', field: 'X-Spam: yes' }] as const;
    await admit([{}, { recipient: 'carol@store.test' }, { recipient: 'dave@store.test', edits }], true);
    await calm();
    expect(hop.taken.map((c) => c.recipients)).toEqual([['bob@store.test', 'carol@store.test'], ['dave@store.test']]);
    expect(hop.taken[1]?.text).toBe(`X-Spam: yes\r\n${TEXT}`);
  });

  test('tries again by the schedule of the route', async () => {
    const { hop, admit, dispatcher, clock, kept, events } = house();
    hop.answer = () => later;
    dispatcher.start();
    const id = await admit([{}], true);
    await calm();
    expect(await kept.queue.list({})).toMatchObject([
      { attempts: 1, state: { kind: 'waiting', due: T0 + minutes(5) } },
    ]);
    await clock.pass(minutes(5) - 1);
    expect(hop.taken).toHaveLength(1);
    hop.answer = () => delivered;
    await clock.pass(1);
    await calm();
    expect(hop.taken).toHaveLength(2);
    expect(await events(id)).toEqual(['1 deferred', '1 delivered']);
  });

  test('a refusal is told to a verified sender, once for all recipients, by the route of the sender', async () => {
    const { hop, admit, dispatcher, events, kept, clock } = house();
    hop.answer = (entry) => (entry.recipient === 'alice@sender.test' ? delivered : refused);
    dispatcher.start();
    await calm();
    const id = await admit([{}, { recipient: 'carol@store.test' }], true);
    await calm();
    await clock.pass(2000);
    await calm();
    expect(hop.taken.map((c) => [c.route, c.recipients])).toEqual([
      ['store', ['bob@store.test', 'carol@store.test']],
      ['internet', ['alice@sender.test']],
    ]);
    expect(hop.taken[1]?.text).toMatch(
      /Final-Recipient: rfc822; bob@store.test\r\nAction: failed[\s\S]*Final-Recipient: rfc822; carol@/,
    );
    expect(await events(id)).toEqual(['1 bounced', '1 notified', '2 bounced', '2 notified']);
    expect(await kept.queue.count({})).toBe(0);
    const told = await kept.records.search({ to: 'alice@sender.test' });
    expect(told).toMatchObject([{ recipients: [{ outcome: 'queued', reason: 'builtin:notification' }] }]);
  });

  test('a notification that fails is kept for the postmaster and never answered', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    hop.answer = () => refused;
    dispatcher.start();
    await admit([{}], true);
    await calm();
    await clock.pass(2000);
    await calm();
    expect(hop.taken).toHaveLength(2);
    expect(await kept.queue.count({})).toBe(0);
    expect(await kept.queue.quarantined({})).toMatchObject([
      { class: 'undeliverable', entry: { notification: true, recipient: 'alice@sender.test' } },
    ]);
  });

  test('a refusal for a sender nobody knows is kept for the postmaster, who may release it', async () => {
    const { hop, admit, dispatcher, kept, clock, events } = house();
    hop.answer = () => refused;
    const id = await admit([{ sender: 'unverified' }], true);
    await calm();
    const items = await kept.queue.quarantined({});
    expect(items).toMatchObject([{ class: 'undeliverable', reason: '550 5.1.1 nobody', recordId: id }]);
    hop.answer = () => delivered;
    await clock.pass(hours(200));
    dispatcher.start();
    await calm();
    const released = transition(items[0]!.entry, { kind: 'release' }, store, clock.now(), 0);
    if (released.kind === 'refused') throw new Error(released.why);
    await kept.queue.release([{ ...items[0]!, entry: released.next }], [], clock.now());
    await clock.pass(2000);
    await calm();
    expect(await events(id)).toEqual(['1 quarantined', '1 delivered']);
  });

  test('where no route leads to the sender, nobody is told', async () => {
    const { hop, admit, kept } = house();
    hop.answer = () => refused;
    (installation as { defaultRoute: string }).defaultRoute = '';
    await admit([{}], true);
    await calm();
    (installation as { defaultRoute: string }).defaultRoute = 'internet';
    expect(await kept.queue.quarantined({})).toHaveLength(1);
  });

  test('what is past its time is not tried', async () => {
    const { hop, admit, dispatcher, events, clock } = house();
    dispatcher.start();
    const id = await admit([{ expiresAt: T0, sender: 'unverified' }]);
    await clock.pass(2000);
    await calm();
    expect(hop.taken).toEqual([]);
    expect(await events(id)).toEqual(['1 quarantined']);
  });

  test('an entry whose route is gone waits, and says so', async () => {
    const { admit, kept } = house();
    await admit([{ route: 'old' }], true);
    await calm();
    expect(await kept.queue.list({})).toMatchObject([{ last: { said: 'there is no route "old" any more' } }]);
  });

  test('so many go out at once by one route, the rest stand in line', async () => {
    const { hop, admit } = house();
    let go = () => {};
    hop.gate = new Promise((resolve) => {
      go = resolve;
    });
    for (let n = 0; n < LANE_WIDTH + 5; n++) await admit([{}], true);
    await calm();
    expect(hop.running).toBe(LANE_WIDTH);
    go();
    await calm();
    expect([hop.most, hop.taken.length]).toEqual([LANE_WIDTH, LANE_WIDTH + 5]);
  });

  test('a store in trouble is asked again until it has what was done, and nothing is delivered twice', async () => {
    const { hop, admit, kept, clock, events, logged } = house();
    const settle = kept.queue.settle.bind(kept.queue);
    let failures = 2;
    kept.queue.settle = async (settlements: readonly Settlement[]) => {
      if (failures-- > 0) throw new Error('disk full');
      return settle(settlements);
    };
    const id = await admit([{}], true);
    await calm();
    await clock.pass(1000);
    await clock.pass(1000);
    await calm();
    expect(hop.taken).toHaveLength(1);
    expect(await events(id)).toEqual(['1 delivered']);
    expect(logged.filter((name) => name === 'queue.not_settled')).toHaveLength(2);
  });

  test('while the store does not take what was done, no more is done than a crash may repeat', async () => {
    const { kept, hop, dispatcher, admit } = house();
    const settle = kept.queue.settle.bind(kept.queue);
    let release: () => void = () => {};
    const stuck = new Promise<void>((go) => {
      release = go;
    });
    kept.queue.settle = async (settlements) => {
      await stuck;
      return settle(settlements);
    };
    for (let n = 0; n < UNSETTLED_MAX + 2 * LANE_WIDTH; n += 1) await admit([{}], true);
    await calm();
    expect(hop.taken).toHaveLength(UNSETTLED_MAX + LANE_WIDTH);
    release();
    await calm();
    expect(hop.taken).toHaveLength(UNSETTLED_MAX + 2 * LANE_WIDTH);
    expect(dispatcher.inHand).toBe(0);
  });

  test('a lease is renewed while the message is on the wire', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    let go = () => {};
    hop.gate = new Promise((resolve) => {
      go = resolve;
    });
    dispatcher.start();
    await admit([{}], true);
    await clock.pass(LEASE + minutes(5));
    await calm();
    expect(hop.running).toBe(1);
    const [entry] = await kept.queue.list({});
    expect(entry?.state).toMatchObject({ kind: 'leased', owner: 'mx/1/1' });
    go();
    await calm();
    expect(await kept.queue.count({})).toBe(0);
  });

  test('stopping gives back what stands in line, and waits for what is on the wire', async () => {
    const { hop, admit, dispatcher, kept } = house();
    let go = () => {};
    hop.gate = new Promise((resolve) => {
      go = resolve;
    });
    dispatcher.start();
    for (let n = 0; n < LANE_WIDTH + 1; n++) await admit([{}], true);
    const stopped = dispatcher.stop();
    await calm();
    expect(dispatcher.claim()).toBeUndefined();
    expect(await kept.queue.list({ state: ['waiting'] })).toMatchObject([{ attempts: 0 }]);
    go();
    await stopped;
    expect(hop.closed).toBe(true);
    expect(hop.taken).toHaveLength(LANE_WIDTH);
    expect(await kept.queue.count({})).toBe(1);
  });

  test('what does not end within the grace is broken off and waits', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    hop.gate = new Promise(() => {});
    dispatcher.start();
    await admit([{}], true);
    await calm();
    const stopped = dispatcher.stop(1000);
    await calm();
    await clock.pass(1000);
    await stopped;
    expect(await kept.queue.list({})).toMatchObject([{ last: { said: 'stopped' }, state: { kind: 'waiting' } }]);
  });
});
