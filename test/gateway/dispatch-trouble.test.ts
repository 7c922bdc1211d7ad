/** What the dispatcher does when leases, notifications, room or routes fail it: nothing is lost, nothing sent twice knowingly. */
import { describe, expect, test } from 'vitest';
import { minutes } from '../../src/mail/time.ts';
import { LEASE } from '../../src/ports/queue.ts';
import { StoreError } from '../../src/ports/store-error.ts';
import { T0 } from '../support/entries.ts';
import { gate } from '../support/gate.ts';
import { calm, house, refused } from '../support/sending.ts';

describe('a lease that another worker has taken', () => {
  /** Renewals come too late: the entry of `id` has been leased by another. */
  function stolen({ kept }: ReturnType<typeof house>, id: string) {
    const renew = kept.queue.renew.bind(kept.queue);
    kept.queue.renew = async (leases, until) => {
      const theirs = leases.filter(({ entry }) => entry.id.startsWith(id));
      const far = Number.MAX_SAFE_INTEGER;
      if (theirs.length > 0)
        await kept.queue.settle(
          theirs.map((lease) => ({ ...back(lease), next: { ...lease.entry, state: { kind: 'waiting', due: 0 } } })),
        );
      if (theirs.length > 0) await kept.queue.lease({ owner: 'other/1/1', until: far, now: 1, limit: 10 });
      return renew(leases, until);
    };
  }
  const back = (lease: Parameters<ReturnType<typeof house>['kept']['queue']['renew']>[0][number]) => ({
    lease,
    events: [],
    notifications: [],
    quarantine: [],
  });

  test('ends the attempt that is on the wire, and what came of it is not kept', async () => {
    const world = house();
    const { hop, admit, dispatcher, kept, clock, events, logged } = world;
    hop.gate = new Promise(() => {});
    dispatcher.start();
    const id = await admit([{}], true);
    await stolen(world, id);
    await calm();
    await clock.pass(LEASE / 3 + 2000);
    await calm();
    expect([hop.broken, hop.taken.length, dispatcher.inHand]).toEqual([1, 0, 0]);
    expect(await events(id)).toEqual([]);
    expect(await kept.queue.list({})).toMatchObject([{ state: { kind: 'leased', owner: 'other/1/1' } }]);
    expect(logged).toContain('queue.leases_lost');
  });

  test('keeps what stands in line from being sent, and only that', async () => {
    const world = house();
    const { hop, admit, dispatcher, clock } = world;
    const { shut, open } = gate();
    hop.gate = shut;
    dispatcher.start();
    for (let n = 0; n < 20; n++) await admit([{}], true);
    const inLine = await admit([{ recipient: 'theirs@store.test' }, { recipient: 'theirs2@store.test' }], true);
    await admit([{ recipient: 'ours@store.test' }], true);
    stolen(world, inLine);
    await calm();
    await clock.pass(LEASE / 3 + 2000);
    open();
    await calm();
    const to = hop.taken.flatMap(({ recipients }) => recipients);
    expect(to).toContain('ours@store.test');
    expect(to.join()).not.toContain('theirs');
    expect([hop.taken.length, dispatcher.inHand]).toEqual([21, 0]);
  });

  test('takes the notification that was written for it away again', async () => {
    const { hop, admit, kept, logged } = house();
    hop.answer = () => refused;
    const discarded: number[] = [];
    kept.content.discard = async ({ size }) => void discarded.push(size);
    kept.queue.settle = async (settlements) => settlements.map(() => 'lost');
    await admit([{}], true);
    await calm();
    expect(discarded).toEqual([expect.any(Number)]);
    expect(logged).toEqual(['queue.lease_lost']);
  });
});

describe('a lease that ran out in our own hands', () => {
  test('starts no second attempt beside the first, and the first one counts', async () => {
    const { hop, admit, dispatcher, kept, clock, events } = house();
    const { shut, open } = gate();
    hop.gate = shut;
    // Renewals do nothing, as when the store was away for long; the wall clock has jumped beyond the lease.
    kept.queue.renew = async (leases) => leases;
    dispatcher.start();
    const id = await admit([{}], true);
    await calm();
    clock.jump(T0 + LEASE * 4);
    await clock.pass(2000);
    await calm();
    expect((await kept.queue.list({}))[0]?.attempts).toBe(2); // it was leased anew
    expect(hop.running).toBe(1);
    open();
    await calm();
    expect(hop.taken).toHaveLength(1);
    expect(await events(id)).toEqual(['1 delivered']);
    expect([await kept.queue.count({}), dispatcher.inHand]).toEqual([0, 0]);
  });
});

describe('what a thread that died left in the store', () => {
  /** As it was claimed, once it is handed over. */
  async function claimed(world: ReturnType<typeof house>) {
    const { kept, dispatcher, admit } = world;
    const kick = dispatcher.kick.bind(dispatcher);
    const seen: Parameters<typeof kick>[0][number][] = [];
    dispatcher.kick = (leases) => void seen.push(...leases);
    const id = await admit([{}], true);
    dispatcher.kick = kick;
    expect((await kept.queue.list({}))[0]?.state.kind).toBe('leased');
    return { id, leases: seen };
  }

  test('is sent where nobody handed it over', async () => {
    const world = house();
    const { leases, id } = await claimed(world);
    world.dispatcher.kick(leases);
    await calm();
    expect(world.hop.taken).toHaveLength(1);
    expect(await world.events(id)).toEqual(['1 delivered']);
  });

  test.each([
    ['in line or on the wire', 'deliver'],
    ['sent, and the store is being told', 'settle'],
  ] as const)('is not sent again where it is %s', async (_, until) => {
    const world = house();
    const { hop, dispatcher, kept, events } = world;
    const { shut, open } = gate();
    if (until === 'deliver') hop.gate = shut;
    const settle = kept.queue.settle.bind(kept.queue);
    if (until === 'settle')
      kept.queue.settle = async (settlements) => {
        await shut;
        return settle(settlements);
      };
    const { leases, id } = await claimed(world);
    dispatcher.kick(leases);
    await calm();
    dispatcher.kick(leases);
    await calm();
    open();
    await calm();
    expect(hop.taken).toHaveLength(1);
    expect(await events(id)).toEqual(['1 delivered']);
    expect([await kept.queue.count({}), dispatcher.inHand]).toEqual([0, 0]);
  });
});

describe('entries of one message', () => {
  test('that only one host may have go apart from those that any may', async () => {
    const { hop, admit } = house();
    const last = { at: 0, host: 'b:25', said: '', enhanced: '', onlyAt: 'b:25' };
    await admit([{}, { recipient: 'carol@store.test', last }], true);
    await calm();
    expect(hop.taken.map(({ recipients }) => recipients)).toEqual([['bob@store.test'], ['carol@store.test']]);
  });

  test('go out a hundred at a time (RFC 5321 §4.5.3.1.8)', async () => {
    const { hop, admit } = house();
    await admit(
      Array.from({ length: 201 }, (_, n) => ({ recipient: `r${n}@store.test` })),
      true,
    );
    await calm();
    expect(hop.taken.map(({ recipients }) => recipients.length)).toEqual([100, 100, 1]);
  });
});

describe('when the hands are full', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => ({ recipient: `r${n}@store.test` }));

  test('of one destination, what is claimed beyond half of them waits in the store until there is room', async () => {
    const { hop, admit, dispatcher, kept } = house();
    const { shut, open } = gate();
    hop.gate = shut;
    dispatcher.start();
    for (let n = 0; n < 20; n++) await admit(hundred, true);
    await calm();
    expect(dispatcher.inHand).toBe(1000);
    expect(await kept.queue.count({ state: ['waiting'] })).toBe(1000);
    expect((await kept.queue.list({ state: ['waiting'] })).every(({ attempts }) => attempts === 0)).toBe(true);
    hop.gate = undefined;
    await admit([{ route: 'internet', recipient: 'other@far.test' }], true);
    await calm();
    expect(hop.taken.map(({ recipients }) => recipients)).toEqual([['other@far.test']]);
    open();
    for (let n = 0; n < 5; n++) await calm(); // no time passes: it is the end of the others that wakes
    expect(hop.taken).toHaveLength(21);
    expect(await kept.queue.count({})).toBe(0);
  });

  test('what the store has more of than fits is fetched when there is room', async () => {
    const { hop, admit, dispatcher, clock } = house();
    const { shut, open } = gate();
    hop.gate = shut;
    for (let n = 0; n < 21; n++) await admit(hundred);
    dispatcher.start();
    for (let n = 0; n < 5; n++) await calm();
    expect(dispatcher.inHand).toBe(1000);
    open();
    for (let n = 0; n < 5; n++) await calm();
    expect(hop.taken).toHaveLength(21);
    expect(clock.now()).toBe(T0);
  });
});

describe('what falls due', () => {
  test('is looked at on the moment', async () => {
    const { hop, admit, dispatcher, clock } = house();
    await admit([{ state: { kind: 'waiting', due: T0 + 700 } }]);
    dispatcher.start();
    await calm();
    await clock.pass(699);
    expect(hop.taken).toEqual([]);
    await clock.pass(1);
    await calm();
    expect(hop.taken).toHaveLength(1);
  });

  test('is looked at again when the store could not be read', async () => {
    const { hop, admit, dispatcher, kept, clock, logged } = house();
    const lease = kept.queue.lease.bind(kept.queue);
    kept.queue.lease = () => Promise.reject(new StoreError('failed', 'disk I/O error'));
    await admit();
    dispatcher.start();
    await calm();
    kept.queue.lease = lease;
    await clock.pass(1000);
    await calm();
    expect(logged).toEqual(['queue.unreadable']);
    expect(hop.taken).toHaveLength(1);
  });

  test('waits when the attempt fails by a fault of ours', async () => {
    const { hop, admit, kept, logged } = house();
    hop.deliver = () => Promise.reject(new Error('no such method'));
    await admit([{}], true);
    await calm();
    expect(logged).toEqual(['delivery.failed']);
    expect(await kept.queue.list({})).toMatchObject([
      { last: { said: 'a fault of our own: no such method' }, state: { kind: 'waiting', due: T0 + minutes(5) } },
    ]);
  });
});

describe('at a stop', () => {
  test('what comes in late is given back untried', async () => {
    const { hop, dispatcher, kept, admit } = house();
    dispatcher.start();
    await calm();
    await admit();
    const leases = await kept.queue.lease({ owner: 'mx/1/1', until: T0 + LEASE, now: T0, limit: 1 });
    const stopped = dispatcher.stop();
    dispatcher.kick(leases);
    await stopped;
    await calm();
    expect(hop.taken).toEqual([]);
    expect(await kept.queue.list({})).toMatchObject([{ attempts: 0, state: { kind: 'waiting' } }]);
  });
});
