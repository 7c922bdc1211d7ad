/** One destination's line and all of them together, by themselves: what is given, what is kept back, what is forgotten. */
import { expect, test } from 'vitest';
import { Destinations, type DestinationsParts, ON_WIRE_MAX } from '../../src/gateway/destinations.ts';
import { Turns } from '../../src/gateway/turns.ts';
import { minutes } from '../../src/mail/time.ts';
import type { Lease } from '../../src/ports/queue.ts';
import { FLOW } from '../../src/queue/flow.ts';
import { SILENT_MAX, WIDTH_FIRST } from '../../src/queue/pace.ts';
import type { Route } from '../../src/queue/route.ts';
import { FakeClock } from '../support/clock.ts';
import { anEntry, aTiming, T0 } from '../support/entries.ts';

const retry = [minutes(5)];
const lease = (id: string, domain = 'store.test'): Lease => ({
  ...{ entry: anEntry({ id, domain, route: 'net' }), owner: 'me', until: T0 },
});
const routes = new Map<string, Route>([['net', { ...aTiming, name: 'net', kind: 'mx', port: 25, tls: 'none' }]]);

function all(changes: Partial<DestinationsParts> = {}) {
  const clock = new FakeClock(T0);
  const back: string[] = [];
  const woken: true[] = [];
  const destinations = new Destinations({
    clock,
    routes: () => routes,
    retry: () => retry,
    run: () => new Promise(() => {}),
    putBack: (parcels) => void back.push(...parcels.flat().map(({ entry }) => entry.id)),
    woke: () => void woken.push(true),
    stopping: new AbortController().signal,
    ...changes,
  });
  return { destinations, clock, back, woken };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a destination that falls silent is asked by one message a minute, and one answer opens it again', () => {
  const turns = new Turns({ route: 'net', domain: 'a.test' }, FLOW, retry);
  const go = (heard: boolean | undefined, at: number) => {
    turns.push('alice', [lease('x.1')]);
    turns.start(at);
    return turns.ended(heard, at);
  };
  for (let n = 0; n < SILENT_MAX; n++) expect(go(false, 1000)).toBe('same');
  expect(turns.dead).toBe(true);
  expect([turns.room(10, 1000), turns.room(10, 60_999), turns.room(10, 61_000)]).toEqual([0, 0, 1]);
  turns.held = 1;
  expect(turns.room(10, 61_000)).toBe(0);
  turns.held = 0;
  expect(go(undefined, 61_000)).toBe('same');
  expect(turns.dead).toBe(true);
  expect(go(false, 61_000)).toBe('same');
  expect(turns.room(10, 61_000)).toBe(0); // from now on a minute again
  expect(go(true, 121_000)).toBe('woke');
  expect(go(true, 121_000)).toBe('same');
});

test('a rate is not saved up while nothing goes', () => {
  const turns = new Turns({ route: 'net', domain: '' }, { ...FLOW, rate: { messages: 1, per: 1000 } }, retry);
  for (let n = 0; n < 3; n++) turns.push('alice', [lease(`x.${n}`)]);
  turns.start(60_000);
  expect(turns.startsIn(60_000)).toBeGreaterThan(900);
  expect(turns.startsIn(61_000)).toBe(0);
});

test('while it is dead one message is on the wire, however many its width lets', () => {
  const turns = new Turns({ route: 'net', domain: 'a.test' }, FLOW, retry);
  for (let n = 0; n < SILENT_MAX + 2; n++) turns.push('alice', [lease(`x.${n}`)]);
  for (let n = 0; n < SILENT_MAX; n++) turns.start(0);
  for (let n = 0; n < SILENT_MAX; n++) turns.ended(false, 0);
  expect(turns.startsIn(0)).toBe(0);
  turns.start(0);
  expect(turns.startsIn(0)).toBeUndefined();
});

test('what stands in line goes back only when the destination is dead', async () => {
  const { destinations, back } = all({ run: async () => false });
  const turns = destinations.of(lease('x.0').entry);
  for (let n = 0; n < SILENT_MAX - 1; n++) destinations.push(turns, 'alice', [lease(`x.${n}`)]);
  await settled();
  expect([turns.dead, back]).toEqual([false, []]);
  const gates: ((heard: boolean) => void)[] = [];
  const slow = all({ run: () => new Promise((resolve) => gates.push(resolve)) });
  const line = slow.destinations.of(lease('y.0').entry);
  for (let n = 0; n < WIDTH_FIRST + 4; n++) slow.destinations.push(line, 'alice', [lease(`y.${n}`)]);
  gates[0]!(false);
  await settled();
  expect([line.dead, slow.back]).toEqual([false, []]);
  gates[1]!(false);
  gates[2]!(false);
  await settled();
  expect(line.dead).toBe(true);
  expect(slow.back.length).toBeGreaterThan(0);
  expect(line.waiting).toBe(false);
});

test('all destinations together have so many messages on the wire, and the next goes when one ends', async () => {
  const ends: ((heard: boolean) => void)[] = [];
  const { destinations } = all({ run: () => new Promise((resolve) => ends.push(resolve)) });
  for (let n = 0; n < ON_WIRE_MAX + 3; n++) {
    const one = lease(`x.${n}`, `d${n}.test`);
    destinations.push(destinations.of(one.entry), 'alice', [one]);
  }
  expect(ends).toHaveLength(ON_WIRE_MAX);
  ends[0]!(true);
  ends[1]!(true);
  await settled();
  expect(ends).toHaveLength(ON_WIRE_MAX + 2);
});

test('a destination is forgotten ten minutes after its last message, and not while any is in hand', () => {
  const { destinations, clock } = all();
  const { entry } = lease('x.1');
  const known = destinations.of(entry);
  known.held = 1;
  clock.jump(T0);
  void clock.pass(minutes(11));
  destinations.tidy();
  expect(destinations.of(entry)).toBe(known);
  known.held = 0;
  void clock.pass(minutes(11));
  destinations.tidy();
  expect(destinations.of(entry)).not.toBe(known);
});

test('only a dead destination is waited for', async () => {
  let heard = false;
  const { destinations, woken } = all({ run: async () => heard });
  const turns = destinations.of(lease('x.0').entry);
  for (let n = 0; n < SILENT_MAX; n++) {
    destinations.push(turns, 'alice', [lease(`x.${n}`)]);
    await settled();
  }
  expect(destinations.probeIn()).toBe(minutes(1));
  heard = true;
  destinations.push(turns, 'alice', [lease('x.9')]);
  await settled();
  expect([turns.dead, destinations.probeIn(), woken.length]).toEqual([false, undefined, 1]);
});

test('a dead destination has no room even while nothing of it is in hand', async () => {
  const { destinations } = all({ run: async () => false });
  const turns = destinations.of(lease('x.0').entry);
  for (let n = 0; n < SILENT_MAX; n++) {
    destinations.push(turns, 'alice', [lease(`x.${n}`)]);
    await settled();
  }
  expect(destinations.lanes(100, []).rooms).toEqual([{ route: 'net', domain: 'store.test', room: 0 }]);
  expect(turns.full).toBe(true);
});
