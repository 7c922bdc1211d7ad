/** What a dispatcher takes, how often it asks the store, and which of several words about an entry counts. */
import { expect, test } from 'vitest';
import { IN_HAND_MAX } from '../../src/gateway/dispatch.ts';
import { seconds } from '../../src/mail/time.ts';
import { LEASE, type Lease } from '../../src/ports/queue.ts';
import { T0 } from '../support/entries.ts';
import { gate } from '../support/gate.ts';
import { calm, delivered, house } from '../support/sending.ts';

const hundred = Array.from({ length: 100 }, (_, n) => ({ recipient: `r${n}@store.test` }));

/** The store takes no outcome until `open`: whatever is given back to it stays in hand so long. */
function stuck({ kept }: ReturnType<typeof house>): () => void {
  const { shut, open } = gate();
  const settle = kept.queue.settle.bind(kept.queue);
  kept.queue.settle = async (settlements) => {
    await shut;
    return settle(settlements);
  };
  return open;
}

test('with full hands nothing is claimed; with room again it is', async () => {
  const world = house();
  const { admit, dispatcher, clock } = world;
  const open = stuck(world);
  for (let n = 0; n < IN_HAND_MAX / 100; n++) {
    expect(dispatcher.claim()).toEqual({ owner: 'mx/1/1', until: clock.now() + LEASE });
    await admit(hundred, true);
  }
  expect([dispatcher.inHand, dispatcher.claim()]).toEqual([IN_HAND_MAX, undefined]);
  open();
  for (let n = 0; n < 5; n++) await calm();
  expect(dispatcher.claim()).toBeDefined();
});

test('while nothing falls due the store is asked every two seconds, no more often', async () => {
  const { kept, dispatcher, clock } = house();
  const looks: number[] = [];
  const lease = kept.queue.lease.bind(kept.queue);
  kept.queue.lease = async (wish) => {
    looks.push(clock.now() - T0);
    return lease(wish);
  };
  dispatcher.start();
  await calm();
  await clock.pass(seconds(6));
  expect(looks).toEqual([0, 2000, 4000, 6000]);
});

test('leases are renewed once each third of their time', async () => {
  const { hop, kept, admit, dispatcher, clock } = house();
  const { shut, open } = gate();
  hop.gate = shut;
  const renewals: number[] = [];
  const renew = kept.queue.renew.bind(kept.queue);
  kept.queue.renew = async (leases, until) => {
    renewals.push(clock.now() - T0);
    return renew(leases, until);
  };
  dispatcher.start();
  await admit([{}], true);
  await calm();
  await clock.pass(LEASE);
  expect(renewals).toEqual([LEASE / 3, (2 * LEASE) / 3, LEASE]);
  open();
  await calm();
});

test('an older lease of what is in hand, heard of late, changes nothing', async () => {
  const { hop, kept, admit, dispatcher, clock, events } = house();
  const { shut, open } = gate();
  hop.gate = shut;
  kept.queue.renew = async (leases) => leases;
  const lease = kept.queue.lease.bind(kept.queue);
  const given: Lease[] = [];
  kept.queue.lease = async (wish) => {
    const leases = await lease(wish);
    given.push(...leases);
    return leases;
  };
  const id = await admit();
  dispatcher.start();
  await calm();
  clock.jump(T0 + LEASE * 4); // it runs out, and is leased to us once more
  await clock.pass(2000);
  await calm();
  expect(given.map(({ entry }) => entry.attempts)).toEqual([1, 2]);
  kept.queue.lease = async () => given.splice(0, 1);
  await clock.pass(2000);
  await calm();
  open();
  await calm();
  expect(hop.taken).toHaveLength(1);
  expect(await events(id)).toEqual(['1 delivered']);
});

test.each([
  ['delivered', delivered, ['1 delivered'], 0],
  [
    'open: the line broke after the final dot',
    { kind: 'indeterminate', host: 'a:25', cause: 'the line broke' },
    ['1 deferred'],
    1,
  ],
] as const)('what we break off at a stop and is %s all the same counts as that', async (_, result, told, left) => {
  const { hop, kept, admit, dispatcher, clock, events } = house();
  hop.deliver = async (_parcel, signal) => {
    await new Promise((stop) => signal.addEventListener('abort', stop));
    return [result];
  };
  dispatcher.start();
  const id = await admit([{}], true);
  await calm();
  const stopped = dispatcher.stop(1000);
  await calm();
  await clock.pass(1000);
  await stopped;
  await calm();
  expect(await events(id)).toEqual(told);
  expect(await kept.queue.count({})).toBe(left);
});
