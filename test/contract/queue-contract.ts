/** The queue: promises whole, leases with one owner, filters. */
import { expect, test } from 'vitest';
import type { Lease, QueueFilter, Settlement } from '../../src/ports/queue.ts';
import type { Store } from '../../src/ports/store.ts';
import type { EntryState, QueueEntry } from '../../src/queue/entry.ts';
import {
  NOON,
  octetsOf,
  sampleAdmission,
  sampleEntry,
  sampleEvent,
  sampleId,
  sampleItem,
  sampleRecord,
  spool,
} from '../support/samples.ts';
import type { Engine } from './store-contract.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;

async function admit(store: Store, n: number, changes: Partial<QueueEntry> = {}): Promise<QueueEntry> {
  const id = sampleId(NOON, n);
  const admission = sampleAdmission(id, await spool(store.content, `message ${n}\r\n`), changes);
  await store.queue.admit(admission);
  return admission.entries[0]!;
}
const end = (lease: Lease, state: EntryState, rest: Partial<Settlement> = {}): Settlement => ({
  lease,
  next: { ...lease.entry, state },
  events: [sampleEvent(lease.entry.recordId, 'attempted', lease.owner)],
  notifications: [],
  quarantine: [],
  ...rest,
});

export function queueContract({ open, reopen }: Engine): void {
  test('an admitted entry is listed as it was given, with its record and events', async () => {
    const store = await open();
    const entry = await admit(store, 1, {
      edits: [
        { kind: 'removeField', index: 3 },
        { kind: 'addField', field: 'X-Größe: ja' },
        { kind: 'removeStray', index: 0 },
        { kind: 'replaceOctets', start: 0, end: 5, text: 'A note.\r\n' },
      ],
      reversePath: { kind: 'null' },
      last: { at: NOON, host: 'mail1.internal:25', said: '451 4.3.0 "später"', enhanced: '4.3.0', onlyAt: '' },
    });
    expect(await store.queue.list({})).toEqual([entry]);
    const found = await store.records.get(entry.recordId);
    expect(found).toEqual({ record: sampleRecord(entry.recordId), events: [sampleEvent(entry.recordId, 'queued')] });
    await store.close();
  });

  test('a message is admitted with the notifications it owes at once', async () => {
    const store = await open();
    const dsn = await spool(store.content, 'dsn\r\n');
    const id = sampleId(NOON, 7);
    const notice = sampleEntry(id, dsn.ref, { notification: true, reversePath: { kind: 'null' } });
    const admission = sampleAdmission(sampleId(NOON, 1), await spool(store.content, 'message\r\n'));
    const notifications = [{ content: dsn, entry: notice, record: sampleRecord(id) }];
    await store.queue.admit({ ...admission, notifications });
    expect(await store.queue.list({})).toEqual([admission.entries[0], notice]);
    expect((await octetsOf(store.queue.read(dsn.ref, never))).toString()).toBe('dsn\r\n');
    expect((await store.records.get(id))!.record.id).toBe(id);
    await store.close();
  });

  test('an admission that cannot be kept whole leaves nothing behind', async () => {
    const store = await open();
    const taken = await admit(store, 1);
    const content = await spool(store.content, 'second\r\n');
    const id = sampleId(NOON, 2);
    const good = sampleEntry(id, content.ref);
    const bad: readonly (readonly [string, readonly QueueEntry[], RegExp])[] = [
      ['an id that is there', [good, { ...good, id: taken.id }], /"\w+\.1" as it must be new/],
      [
        'an entry without content',
        [good, { ...good, id: `${id}.2`, contentRef: 'nothing' }],
        /content must be spooled/,
      ],
      [
        'an entry that is over',
        [good, { ...good, id: `${id}.2`, state: { kind: 'delivered' } }],
        /state must be waiting, held/,
      ],
    ];
    for (const [, entries, why] of bad)
      await expect(
        store.queue.admit({ record: sampleRecord(id), events: [], content, entries, quarantine: [] }),
      ).rejects.toThrow(why);
    expect(await store.queue.count({})).toBe(1);
    expect(await store.records.get(id)).toBeUndefined();
    await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [good], quarantine: [] });
    await expect(
      store.queue.admit({ record: sampleRecord(id), events: [], content: null, entries: [], quarantine: [] }),
    ).rejects.toMatchObject({ name: 'StoreError', kind: 'conflict' });
    expect((await octetsOf(store.queue.read(content.ref, never))).toString()).toBe('second\r\n');
    await store.close();
  });

  test('admission hands out what is due to its owner, the attempt counted', async () => {
    const store = await open();
    const id = sampleId();
    const content = await spool(store.content, 'x');
    const entries = [
      sampleEntry(id, content.ref),
      sampleEntry(id, content.ref, { id: `${id}.2`, state: { kind: 'waiting', due: NOON + 1 } }),
      sampleEntry(id, content.ref, { id: `${id}.3`, state: { kind: 'held', why: 'rule', by: 'rule' } }),
    ];
    const until = NOON + MINUTE;
    const leases = await store.queue.admit({
      record: sampleRecord(id),
      events: [],
      content,
      entries,
      quarantine: [],
      lease: { owner: 'a', until },
    });
    const leased: QueueEntry = { ...entries[0]!, attempts: 1, state: { kind: 'leased', owner: 'a', until } };
    expect(leases).toEqual([{ entry: leased, owner: 'a', until }]);
    expect(await store.queue.list({})).toEqual([leased, entries[1], entries[2]]);
    expect(await store.queue.settle([end(leases[0]!, { kind: 'delivered' })])).toEqual(['settled']);
    expect(await store.queue.list({})).toEqual([entries[1], entries[2]]);
    await store.close();
  });

  test('what is due is leased oldest first, up to the limit, and to one owner only', async () => {
    const store = await open();
    for (const [n, due] of [
      [1, 30],
      [2, 10],
      [3, 20],
      [4, 40],
    ] as const)
      await admit(store, n, { state: { kind: 'waiting', due: NOON + due } });
    const first = await store.queue.lease({ owner: 'a', now: NOON + 30, until: NOON + MINUTE, limit: 2 });
    const second = await store.queue.lease({ owner: 'b', now: NOON + 30, until: NOON + MINUTE, limit: 9 });
    expect([first, second].map((leases) => leases.map(({ entry }) => entry.id))).toEqual([
      [`${sampleId(NOON, 2)}.1`, `${sampleId(NOON, 3)}.1`],
      [`${sampleId(NOON, 1)}.1`],
    ]);
    expect(second[0]).toMatchObject({
      owner: 'b',
      entry: { attempts: 1, state: { kind: 'leased', owner: 'b', until: NOON + MINUTE } },
    });
    expect(await store.queue.nextDue(NOON)).toBe(NOON + 40);
    await store.close();
  });

  test('of many owners asking at once, each entry goes to exactly one', async () => {
    const store = await open();
    for (let n = 0; n < 20; n += 1) await admit(store, n);
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        store.queue.lease({ owner: `w${n}`, now: NOON, until: NOON + MINUTE, limit: 7 }),
      ),
    );
    const ids = asked.flat().map(({ entry }) => entry.id);
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
    await store.close();
  });

  test('a lease that ran out goes to the next, and the stale owner changes nothing', async () => {
    const store = await open();
    const entry = await admit(store, 1);
    const [stale] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + MINUTE, limit: 1 });
    expect(await store.queue.lease({ owner: 'b', now: NOON + MINUTE - 1, until: NOON + 2 * MINUTE, limit: 1 })).toEqual(
      [],
    );
    expect(await store.queue.nextDue(NOON)).toBe(NOON + MINUTE);
    const [fresh] = await store.queue.lease({ owner: 'b', now: NOON + MINUTE, until: NOON + 2 * MINUTE, limit: 1 });
    expect(fresh!.entry.attempts).toBe(2);

    const content = await spool(store.content, 'dsn');
    const dsn = sampleId(NOON, 9);
    const late = end(
      stale!,
      { kind: 'bounced' },
      {
        notifications: [
          { content, entry: sampleEntry(dsn, content.ref, { notification: true }), record: sampleRecord(dsn) },
        ],
        quarantine: [sampleItem(entry)],
      },
    );
    expect(await store.queue.settle([late])).toEqual(['lost']);
    expect(await store.queue.renew([stale!], NOON + 9 * MINUTE)).toEqual([]);
    expect(await store.queue.list({})).toEqual([fresh!.entry]);
    expect(await store.queue.quarantined({})).toEqual([]);
    expect(await store.records.get(dsn)).toBeUndefined();
    expect((await store.records.get(entry.recordId))!.events).toHaveLength(1);

    expect(await store.queue.settle([end(fresh!, { kind: 'waiting', due: NOON + 5 * MINUTE })])).toEqual(['settled']);
    expect(await store.queue.settle([end(fresh!, { kind: 'delivered' })])).toEqual(['lost']);
    await store.close();
  });

  test('an owner that leases its own expired entry again is another claim: the first one is lost', async () => {
    const store = await open();
    await admit(store, 1);
    const [first] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + 1, limit: 1 });
    const [second] = await store.queue.lease({ owner: 'a', now: NOON + 1, until: NOON + 2, limit: 1 });
    expect(await store.queue.settle([end(first!, { kind: 'delivered' }), end(second!, { kind: 'delivered' })])).toEqual(
      ['lost', 'settled'],
    );
    await store.close();
  });

  test('a renewed lease is still the same claim, and lasts longer', async () => {
    const store = await open();
    await admit(store, 1);
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + 10, limit: 1 });
    const [renewed] = await store.queue.renew([lease!], NOON + MINUTE);
    expect(renewed!.until).toBe(NOON + MINUTE);
    expect(renewed!.entry.state).toEqual({ kind: 'leased', owner: 'a', until: NOON + MINUTE });
    expect(await store.queue.lease({ owner: 'b', now: NOON + 10, until: NOON + MINUTE, limit: 1 })).toEqual([]);
    expect(await store.queue.settle([end(lease!, { kind: 'delivered' })])).toEqual(['settled']);
    await store.close();
  });

  test('nobody settles or renews under a name that is not the owner', async () => {
    const store = await open();
    await admit(store, 1);
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + 10, limit: 1 });
    const stolen = { ...lease!, owner: 'b' };
    expect(await store.queue.renew([stolen], NOON + MINUTE)).toEqual([]);
    expect(await store.queue.settle([end(stolen, { kind: 'delivered' })])).toEqual(['lost']);
    expect(await store.queue.list({})).toEqual([lease!.entry]);
    await store.close();
  });

  test('a lease that ran out and was not taken can still be settled', async () => {
    const store = await open();
    await admit(store, 1);
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + 10, limit: 1 });
    expect(await store.queue.settle([end(lease!, { kind: 'delivered' })])).toEqual(['settled']);
    expect(await store.queue.count({})).toBe(0);
    await store.close();
  });

  test('a settlement commits the next form, its events, notifications and quarantine together', async () => {
    const store = await open();
    const entry = await admit(store, 1);
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + MINUTE, limit: 1 });
    const content = await spool(store.content, 'dsn\r\n');
    const id = sampleId(NOON, 7);
    const notice = sampleEntry(id, content.ref, { notification: true, reversePath: { kind: 'null' } });
    const last = { at: NOON, host: 'mail1:25', said: '550 no', enhanced: '5.0.0', onlyAt: '' };
    const item = sampleItem({ ...lease!.entry, last }, { class: 'undeliverable' });
    expect(
      await store.queue.settle([
        {
          ...end(lease!, { kind: 'quarantined' }),
          notifications: [{ content, entry: notice, record: sampleRecord(id) }],
          quarantine: [item],
        },
      ]),
    ).toEqual(['settled']);
    expect(await store.queue.list({})).toEqual([notice]);
    expect(await store.queue.quarantined({})).toEqual([item]);
    expect((await octetsOf(store.queue.read(content.ref, never))).toString()).toBe('dsn\r\n');
    expect((await octetsOf(store.queue.read(entry.contentRef, never))).toString()).toBe('message 1\r\n');
    expect((await store.records.get(entry.recordId))!.events.map(({ kind }) => kind)).toEqual(['queued', 'attempted']);
    expect((await store.records.get(id))!.record.id).toBe(id);
    await store.close();
  });

  test('an entry that is put back keeps what the attempt taught', async () => {
    const store = await open();
    await admit(store, 1);
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + MINUTE, limit: 1 });
    const next: QueueEntry = {
      ...lease!.entry,
      state: { kind: 'waiting', due: NOON + 5 * MINUTE },
      last: { at: NOON, host: 'mail1:25', said: '451 later', enhanced: '4.3.0', onlyAt: '' },
      delayNotified: true,
    };
    await store.queue.settle([{ ...end(lease!, next.state), next }]);
    expect(await store.queue.list({})).toEqual([next]);
    const [again] = await store.queue.lease({ owner: 'b', now: NOON + 5 * MINUTE, until: NOON + 6 * MINUTE, limit: 1 });
    expect(again!.entry).toEqual({
      ...next,
      attempts: 2,
      state: { kind: 'leased', owner: 'b', until: NOON + 6 * MINUTE },
    });
    await store.close();
  });

  test('filters and pages', async () => {
    const store = await open();
    const HELD = { kind: 'held', why: 'rule', by: 'rule' } as const;
    await admit(store, 1, { recipient: 'Bob@example.com' });
    await admit(store, 2, { recipient: 'eve@example.net', domain: 'example.net', route: 'internet' });
    await admit(store, 3, { reversePath: { kind: 'null' }, state: HELD, admittedAt: NOON - 10 });
    await admit(store, 4, { state: { kind: 'waiting', due: NOON + 99 } });
    const id = (n: number) => sampleId(NOON, n);
    const table: readonly (readonly [QueueFilter, readonly number[]])[] = [
      [{}, [1, 2, 3, 4]],
      [{ ids: [`${id(4)}.1`, `${id(2)}.1`, 'none'] }, [2, 4]],
      [{ ids: [] }, []],
      [{ recordId: id(3) }, [3]],
      [{ recipient: 'bob@EXAMPLE.com' }, [1, 3, 4]],
      [{ sender: 'alice@example.org' }, [1, 2, 4]],
      [{ sender: '' }, [3]],
      [{ domain: 'example.net' }, [2]],
      [{ route: 'store' }, [1, 3, 4]],
      [{ state: ['held'] }, [3]],
      [{ state: ['held', 'waiting'], route: 'internet' }, [2]],
      [{ dueBy: NOON }, [1, 2]],
      [{ admittedBy: NOON - 1 }, [3]],
      [{ admittedBy: NOON - 10 }, [3]],
      [{ admittedBy: NOON - 11 }, []],
    ];
    for (const [filter, expected] of table) {
      expect((await store.queue.list(filter)).map((entry) => entry.recordId)).toEqual(expected.map(id));
      expect(await store.queue.count(filter)).toBe(expected.length);
    }
    const page = await store.queue.list({ limit: 3 });
    expect(page.map((entry) => entry.recordId)).toEqual([id(1), id(2), id(3)]);
    expect((await store.queue.list({ after: page[2]!.id })).map((entry) => entry.recordId)).toEqual([id(4)]);
    expect(await store.queue.count({ limit: 1 })).toBe(4);
    // What is in somebody's hands waits for nothing, whenever its lease runs out.
    await store.queue.lease({ owner: 'a', until: NOON, now: NOON, limit: 10 });
    expect(await store.queue.list({ dueBy: NOON })).toEqual([]);
    await store.close();
  });

  test('a person changes what is still as it was listed, and nothing else', async () => {
    const store = await open();
    for (let n = 1; n <= 4; n += 1) await admit(store, n);
    const [first, second, third, fourth] = (await store.queue.list({})) as [
      QueueEntry,
      QueueEntry,
      QueueEntry,
      QueueEntry,
    ];
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + MINUTE, limit: 1 });
    expect(lease!.entry.id).toBe(first.id);
    const hold = { kind: 'held', why: 'INC-1', by: 'operator' } as const;
    const event = (entry: QueueEntry) => [sampleEvent(entry.recordId, 'held')];
    await store.queue.amend([{ was: second, next: { ...second, route: 'other' }, events: [] }]);
    expect(
      await store.queue.amend([
        { was: first, next: { ...first, state: hold }, events: event(first) },
        { was: lease!.entry, next: { ...first, state: hold }, events: event(first) },
        { was: second, next: { ...second, state: hold }, events: event(second) },
        { was: third, next: { ...third, state: hold }, events: event(third) },
        { was: fourth, next: { ...fourth, state: { kind: 'removed' } }, events: event(fourth) },
      ]),
    ).toBe(2);
    expect((await store.queue.list({})).map(({ state }) => state.kind)).toEqual(['leased', 'waiting', 'held']);
    expect((await store.records.get(third.recordId))!.events).toHaveLength(2);
    expect((await store.records.get(second.recordId))!.events).toHaveLength(1);
    await expect(octetsOf(store.queue.read(fourth.contentRef, never))).rejects.toThrow(/is not there/);
    await store.close();
  });

  test.runIf(reopen)('entries and quarantine survive closing', async () => {
    const store = await open();
    const entry = await admit(store, 1);
    const id = sampleId(NOON, 2);
    const content = await spool(store.content, 'held');
    const item = sampleItem(sampleEntry(id, content.ref));
    await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine: [item] });
    await store.close();
    const again = await reopen!(store);
    expect(await again.queue.list({})).toEqual([entry]);
    expect(await again.queue.quarantined({})).toEqual([item]);
    expect((await again.records.get(entry.recordId))!.events).toHaveLength(1);
    await again.close();
  });

  test.runIf(reopen)('leases end with the one who served: due at once, the attempt counted and on record', async () => {
    const store = await open();
    const later = { kind: 'waiting', due: NOON + MINUTE } as const;
    const taken = await admit(store, 1, { id: `${sampleId(NOON, 1)}.2` });
    const waiting = await admit(store, 2, { state: later });
    const held = await admit(store, 3, { state: { kind: 'held', why: 'odd', by: 'rule' } });
    const [lease] = await store.queue.lease({ owner: 'a', now: NOON, until: NOON + MINUTE, limit: 9 });
    await store.close();

    const again = await reopen!(store);
    const free: QueueEntry = { ...taken, attempts: 1, state: { kind: 'waiting', due: taken.admittedAt } };
    expect(await again.queue.list({})).toEqual([free, waiting, held]);
    expect((await again.records.get(taken.recordId))!.events.slice(1)).toMatchObject([
      { kind: 'attempted', recipient: 2, text: expect.stringContaining('not known') },
    ]);
    expect((await again.records.get(waiting.recordId))!.events).toHaveLength(1);
    expect(await again.queue.settle([end(lease!, { kind: 'delivered' })])).toEqual(['lost']);
    const retaken = await again.queue.lease({ owner: 'b', now: NOON, until: NOON + MINUTE, limit: 9 });
    expect(retaken.map(({ entry }) => [entry.id, entry.attempts])).toEqual([[taken.id, 2]]);
    await again.close();
  });
}
