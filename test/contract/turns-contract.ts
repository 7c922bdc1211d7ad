/** Whose turn it is, what is looked at whatever its turn, and what is suspended. */
import { expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import { ALL_LANES, type Lanes } from '../../src/queue/rooms.ts';
import type { Suspension } from '../../src/queue/suspension.ts';
import { from } from '../support/entries.ts';
import { NOON, sampleAdmission, sampleEntry, sampleId, sampleRecord, spool } from '../support/samples.ts';
import type { Engine } from './store-contract.ts';

async function admit(store: Store, n: number, changes: Partial<QueueEntry> = {}): Promise<void> {
  await store.queue.admit(sampleAdmission(sampleId(NOON, n), await spool(store.content, `message ${n}\r\n`), changes));
}

async function lease(store: Store, limit: number, lanes: Partial<Lanes> = {}, now = NOON): Promise<readonly string[]> {
  const wish = { owner: 'a', now, until: now + 60_000, limit };
  const leases = await store.queue.lease({ ...wish, lanes: { ...ALL_LANES, ...lanes } });
  return leases.map(({ entry }) => entry.recordId);
}

const ids = (...ns: readonly number[]): readonly string[] => ns.map((n) => sampleId(NOON, n));
const to = (domain: string, sender = 'alice@example.org', due = NOON): Partial<QueueEntry> => ({
  domain,
  recipient: `u@${domain}`,
  reversePath: from(sender),
  state: { kind: 'waiting', due },
});

export function turnsContract({ open, reopen }: Engine): void {
  test('domains take turns, and the senders of each, however much waits for one of them', async () => {
    const store = await open();
    for (let n = 1; n <= 6; n += 1) await admit(store, n, to('flood.test', 'bulk@example.org', NOON - 100 + n));
    await admit(store, 7, to('flood.test', 'ANN@example.org', NOON - 10));
    await admit(store, 8, to('flood.test', 'ann@example.org', NOON - 5));
    await admit(store, 9, to('small.test', 'bulk@example.org', NOON - 1));
    expect(await lease(store, 3)).toEqual(ids(1, 9, 7));
    expect(await lease(store, 2)).toEqual(ids(2, 8));
    expect(await lease(store, 9)).toEqual(ids(3, 4, 5, 6));
    await store.close();
  });

  test('who was served stands behind who waits, also when the wall clock was put back', async () => {
    const store = await open();
    for (let n = 1; n <= 3; n += 1) await admit(store, n, to('a.test', 'a@example.org', NOON - 10 + n));
    for (let n = 4; n <= 6; n += 1) await admit(store, n, to('a.test', 'b@example.org', NOON - 5 + n));
    expect(await lease(store, 1, {}, NOON + 5)).toEqual(ids(1));
    expect(await lease(store, 1, {}, NOON + 5)).toEqual(ids(4));
    expect(await lease(store, 1, {}, NOON + 6)).toEqual(ids(2));
    expect(await lease(store, 9, {}, NOON)).toEqual(ids(3, 5)); // 6 is not due then
    expect(await lease(store, 9, {}, NOON + 6)).toEqual(ids(6));
    await store.close();
  });

  test('what a person puts off, or sends another way, stands where it stood no longer', async () => {
    const store = await open();
    await admit(store, 1, to('a.test'));
    const [entry] = (await store.queue.list({})) as [QueueEntry];
    const later: QueueEntry = { ...entry, state: { kind: 'waiting', due: NOON + 60_000 } };
    expect(await store.queue.amend([{ was: entry, next: later, events: [] }])).toBe(1);
    expect(await store.queue.nextDue(NOON)).toBe(NOON + 60_000);
    expect(await store.queue.amend([{ was: later, next: { ...later, route: 'other' }, events: [] }])).toBe(1);
    const suspended = { ...ALL_LANES.suspended, routes: ['other'] };
    expect(await store.queue.nextDue(NOON, { ...ALL_LANES, suspended })).toBeUndefined();
    await store.close();
  });

  test('of a record its entries alone are found, whatever ids lie beside theirs', async () => {
    const store = await open();
    const id = sampleId(NOON, 1);
    await admit(store, 1);
    // Ids that sort before, between and after those of the record.
    for (const [n, near] of [`${id}!1.1`, `${id}-1.1`, `${id}/1.1`, `${id}0.1`, id].entries())
      await admit(store, n + 2, { id: near });
    expect((await store.queue.list({ recordId: id })).map((entry) => entry.id)).toEqual([`${id}.1`]);
    expect(await store.queue.count({ recordId: id })).toBe(1);
    await store.close();
  });

  test('of many that are changed at once each is counted', async () => {
    const store = await open();
    const id = sampleId(NOON, 1);
    const content = await spool(store.content, 'x');
    const entries = Array.from({ length: 60 }, (_, n) =>
      sampleEntry(id, content.ref, { id: `${id}.${n + 1}`, recipient: `u${n}@example.com` }),
    );
    await store.queue.admit({ record: sampleRecord(id), events: [], content, entries, quarantine: [] });
    const changes = entries.map((was) => ({ was, next: { ...was, route: 'other' }, events: [] }));
    expect(await store.queue.amend(changes)).toBe(60);
    expect(await store.queue.count({ route: 'other' })).toBe(60);
    await store.close();
  });

  test('the recipients of one message are leased together, whole, unless they alone are too many', async () => {
    const store = await open();
    const message = async (n: number, recipients: number) => {
      const id = sampleId(NOON, n);
      const content = await spool(store.content, 'x');
      const entries = Array.from({ length: recipients }, (_, i) =>
        sampleEntry(id, content.ref, { id: `${id}.${i + 1}`, recipient: `u${i}@example.com` }),
      );
      await store.queue.admit({ record: sampleRecord(id), events: [], content, entries, quarantine: [] });
    };
    await message(1, 4);
    await message(2, 4);
    expect(await lease(store, 6)).toEqual(ids(1, 1, 1, 1));
    expect(await lease(store, 3)).toEqual(ids(2, 2, 2));
    expect(await lease(store, 3)).toEqual(ids(2));
    await store.close();
  });

  test('a destination is given no more than it has room for: a route, or a domain of it', async () => {
    const store = await open();
    for (let n = 1; n <= 3; n += 1) await admit(store, n, to('a.test'));
    for (let n = 4; n <= 6; n += 1) await admit(store, n, to('b.test'));
    const room = (route: string, domain: string, left: number) => ({ rooms: [{ route, domain, room: left }] });
    expect(await lease(store, 9, room('store', '', 0))).toEqual([]);
    expect(await store.queue.nextDue(NOON, { ...ALL_LANES, ...room('store', '', 0) })).toBeUndefined();
    expect(await lease(store, 9, room('store', '', 1))).toEqual(ids(1));
    expect(await lease(store, 9, { byDomain: ['store'], each: 1, ...room('store', 'a.test', 0) })).toEqual(ids(4));
    const byDomain = { byDomain: ['store'], ...room('store', 'b.test', 0) };
    expect(await store.queue.nextDue(NOON, { ...ALL_LANES, ...byDomain })).toBe(NOON);
    expect(await lease(store, 9, byDomain)).toEqual(ids(2, 3));
    expect(await lease(store, 9)).toEqual(ids(5, 6));
    await store.close();
  });

  test('nothing suspended is leased: by route, domain or sender', async () => {
    const store = await open();
    await admit(store, 1, { ...to('a.test'), route: 'other' });
    await admit(store, 2, to('B.test'));
    await admit(store, 3, to('a.test', 'bulk@example.org'));
    await admit(store, 4, to('a.test'));
    const suspended = { routes: ['other'], domains: ['b.TEST'], senders: ['Bulk@example.org'] };
    expect(await lease(store, 9, { suspended })).toEqual(ids(4));
    expect([...(await lease(store, 9))].sort()).toEqual(ids(1, 2, 3));
    await store.close();
  });

  test('what a worker left is leased again within the same bounds: room, and nobody suspended', async () => {
    const store = await open();
    for (let n = 1; n <= 3; n += 1) await admit(store, n, to('a.test'));
    await admit(store, 4, to('a.test', 'bulk@example.org'));
    await store.queue.lease({ owner: 'gone', until: NOON, now: NOON, limit: 9 });
    const suspended = { routes: [], domains: [], senders: ['bulk@example.org'] };
    const rooms = [{ route: 'store', domain: '', room: 2 }];
    expect(await lease(store, 9, { rooms, suspended })).toHaveLength(2);
    expect(await lease(store, 9, { suspended })).toHaveLength(1);
    expect(await lease(store, 9)).toEqual(ids(4));
    await store.close();
  });

  test('whose time is over, or whose sender must hear of a delay, is leased whatever room there is', async () => {
    const store = await open();
    const old = { admittedAt: NOON - 1000, sender: 'verified' } as const;
    await admit(store, 1, { expiresAt: NOON });
    await admit(store, 2, old);
    await admit(store, 3, { ...old, delayNotified: true });
    await admit(store, 4, { ...old, sender: 'unverified' });
    await admit(store, 5, { ...old, state: { kind: 'waiting', due: NOON + 1 } });
    await admit(store, 6, { expiresAt: NOON, state: { kind: 'waiting', due: NOON + 1 } });
    await admit(store, 7, { ...old, dsn: { notify: ['FAILURE'], orcpt: '', ret: '', envid: '' } });
    const wish = { owner: 'a', now: NOON, until: NOON + 60_000, limit: 9 };
    const delayed = [{ route: 'store', admittedBy: NOON - 1000 }];
    const leases = await store.queue.leaseOverdue({ ...wish, delayed });
    expect(leases.map(({ entry }) => [entry.recordId, entry.attempts])).toEqual(ids(1, 2).map((id) => [id, 1]));
    expect(await store.queue.leaseOverdue({ ...wish, delayed })).toEqual([]);
    await store.close();
  });

  test('of what is overdue no more is leased than was asked for, whatever makes it so', async () => {
    const store = await open();
    await admit(store, 1, { expiresAt: NOON });
    for (const n of [2, 3, 4]) await admit(store, n, { admittedAt: NOON - 1000, sender: 'verified' });
    const delayed = [{ route: 'store', admittedBy: NOON - 1000 }];
    const wish = { owner: 'a', now: NOON, until: NOON + 60_000, limit: 2, delayed };
    const taken = async () => (await store.queue.leaseOverdue(wish)).length;
    expect([await taken(), await taken(), await taken()]).toEqual([2, 2, 0]);
    await store.close();
  });

  test('what is due soonest is told, be it a lease that ends or an entry that waits', async () => {
    const store = await open();
    await admit(store, 1, to('a.test'));
    await admit(store, 2, to('b.test', 'alice@example.org', NOON + 90_000));
    expect(await lease(store, 1)).toEqual(ids(1));
    expect(await store.queue.nextDue(NOON)).toBe(NOON + 60_000);
    await admit(store, 3, to('c.test', 'alice@example.org', NOON + 30_000));
    expect(await store.queue.nextDue(NOON)).toBe(NOON + 30_000);
    await store.close();
  });

  test('entries are found by user, and by what was said or why they are held', async () => {
    const store = await open();
    const last = { at: NOON, host: 'a:25', said: '451 4.3.0 "full" disk', enhanced: '4.3.0', onlyAt: '' };
    await admit(store, 1, { user: 'Alice', last });
    await admit(store, 2, { state: { kind: 'held', why: 'looks stolen', by: 'operator' } });
    await admit(store, 3);
    const found = async (filter: Parameters<Store['queue']['list']>[0]) =>
      (await store.queue.list(filter)).map(({ recordId }) => recordId);
    expect(await found({ user: 'alice' })).toEqual(ids(1));
    expect(await found({ user: 'alice', reason: '"full"' })).toEqual(ids(1));
    expect(await found({ reason: 'stolen' })).toEqual(ids(2));
    expect(await found({ reason: 'stolen', state: ['waiting'] })).toEqual([]);
    expect(await store.queue.count({ reason: 'o' })).toBe(1);
    await store.close();
  });

  test('suspensions are kept in the order in which they began, one for the same mail, until they are resumed', async () => {
    const store = await open();
    const suspension = (n: number, value: string): Suspension => ({
      id: `s${n}`,
      of: 'domain',
      value,
      since: NOON + n,
      until: n === 2 ? NOON + 99 : null,
      by: 'olga',
      why: 'INC-1',
    });
    await store.queue.suspend(suspension(1, 'a.test'));
    await store.queue.suspend(suspension(2, 'b.test'));
    await store.queue.suspend(suspension(3, 'A.test'));
    expect(await store.queue.suspensions()).toEqual([suspension(2, 'b.test'), suspension(3, 'A.test')]);
    expect(await store.queue.resume(['s2', 's9'])).toBe(1);
    expect(await store.queue.suspensions()).toEqual([suspension(3, 'A.test')]);
    await store.close();
    if (reopen === undefined) return;
    const again = await reopen(store);
    expect(await again.queue.suspensions()).toEqual([suspension(3, 'A.test')]);
    await again.close();
  });
}
