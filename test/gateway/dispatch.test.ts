import { describe, expect, test } from 'vitest';
import { UNSETTLED_MAX } from '../../src/gateway/dispatch.ts';
import { hours, minutes } from '../../src/mail/time.ts';
import { LEASE, type Settlement } from '../../src/ports/queue.ts';
import { FLOW } from '../../src/queue/flow.ts';
import { WIDTH_FIRST } from '../../src/queue/pace.ts';
import { transition } from '../../src/queue/transition.ts';
import { T0 } from '../support/entries.ts';
import { calm, delivered, house, installation, later, refused, store, TEXT } from '../support/sending.ts';

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

  test('sends the recipients of one message apart by domain where DNS names a host for each', async () => {
    const { hop, admit } = house();
    const to = (recipient: string, domain: string) => ({ route: 'mx', recipient, domain });
    await admit([to('a@x.test', 'x.test'), to('b@y.test', 'y.test'), to('c@x.test', 'x.test')], true);
    await calm();
    expect(hop.taken.map((c) => c.recipients)).toEqual([['a@x.test', 'c@x.test'], ['b@y.test']]);
  });

  test.each([
    ['store', ['route.down']],
    ['mx', []],
  ])('domains that are silent are told as an outage of route %s: %j', async (route, told) => {
    const { hop, admit, logged } = house();
    hop.answer = () => ({ kind: 'transient', host: 'a:25', reply: null, cause: 'connection refused' });
    for (let n = 0; n < 5; n++) await admit([{ route }], true);
    await calm();
    expect(logged).toEqual(told);
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
    for (let n = 0; n < WIDTH_FIRST + 5; n++) await admit([{}], true);
    await calm();
    expect(hop.running).toBe(WIDTH_FIRST);
    go();
    await calm();
    expect(hop.taken.length).toBe(WIDTH_FIRST + 5);
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
    for (let n = 0; n < UNSETTLED_MAX + 2 * FLOW.concurrency; n += 1) await admit([{}], true);
    await calm();
    expect(hop.taken.length).toBeGreaterThan(UNSETTLED_MAX);
    expect(hop.taken.length).toBeLessThanOrEqual(UNSETTLED_MAX + FLOW.concurrency);
    release();
    await calm();
    expect(hop.taken).toHaveLength(UNSETTLED_MAX + 2 * FLOW.concurrency);
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
    await calm(); // it sleeps, and wakes as time passes
    await clock.pass(LEASE + minutes(5));
    await calm();
    expect(hop.running).toBe(1);
    expect(await kept.queue.list({})).toMatchObject([{ attempts: 1, state: { kind: 'leased', owner: 'mx/1/1' } }]);
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
    for (let n = 0; n < WIDTH_FIRST + 1; n++) await admit([{}], true);
    const stopped = dispatcher.stop();
    await calm();
    expect(dispatcher.claim()).toBeUndefined();
    expect(await kept.queue.list({ state: ['waiting'] })).toMatchObject([{ attempts: 0 }]);
    go();
    await stopped;
    expect(hop.closed).toBe(true);
    expect(hop.taken).toHaveLength(WIDTH_FIRST);
    expect(await kept.queue.count({})).toBe(1);
  });

  test('what does not end within the grace is broken off and put back: that says nothing about the message', async () => {
    const { hop, admit, dispatcher, kept, clock } = house();
    hop.gate = new Promise(() => {});
    dispatcher.start();
    await admit([{}], true);
    await calm();
    const stopped = dispatcher.stop(1000);
    await calm();
    await clock.pass(1000);
    await stopped;
    expect(await kept.queue.list({})).toMatchObject([
      { last: null, attempts: 0, state: { kind: 'waiting', due: clock.now() } },
    ]);
  });
});
