/** Settlements go to the store together; one that the store can never take keeps back none of the others. */
import { expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { SettleUp } from '../../src/gateway/settle-up.ts';
import type { Lease, QueueStore, Settlement } from '../../src/ports/queue.ts';
import { StoreError } from '../../src/ports/store-error.ts';
import { FakeClock } from '../support/clock.ts';
import { NOON, sampleAdmission, sampleEntry, sampleEvent, sampleId, sampleRecord, spool } from '../support/samples.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';

const delivered = (lease: Lease, rest: Partial<Settlement> = {}): Settlement => ({
  lease,
  next: { ...lease.entry, state: { kind: 'delivered' } },
  events: [sampleEvent(lease.entry.recordId, 'delivered')],
  notifications: [],
  quarantine: [],
  ...rest,
});

test.each(['range', 'conflict'] as const)(
  'one that is refused as %s is given up to its lease, and the others are kept',
  async (kind) => {
    const store = await openStore(temporaryFolder());
    const ids = [1, 2, 3].map((n) => sampleId(NOON, n));
    for (const id of ids) await store.queue.admit(sampleAdmission(id, await spool(store.content, `of ${id}\r\n`)));
    const leases = await store.queue.lease({ owner: 'a/1/1', until: NOON + 60_000, now: NOON, limit: 10 });
    const told: unknown[] = [];
    const log = { ...silentLog, error: (name: string, data?: object) => void told.push([name, data]) };
    const calls: number[] = [];
    const queue: Pick<QueueStore, 'settle'> = {
      settle: (settlements) => {
        calls.push(settlements.length);
        return store.queue.settle(settlements);
      },
    };
    const notice = await spool(store.content, 'a notification\r\n');
    const bad: Partial<Settlement> =
      kind === 'range'
        ? { next: { ...leases[1]!.entry, id: 'another' } }
        : {
            // Its record is there already.
            notifications: [
              { content: notice, entry: sampleEntry(ids[0]!, notice.ref), record: sampleRecord(ids[0]!) },
            ],
          };
    const settling = new SettleUp(queue, store.content, new FakeClock(NOON), log);
    await Promise.all(leases.map((lease, n) => settling.add(delivered(lease, n === 1 ? bad : {}))));

    expect(calls).toEqual([3, 1, 1, 1]);
    expect(await store.queue.list({})).toMatchObject([
      { id: `${ids[1]}.1`, state: { kind: 'leased', owner: 'a/1/1' } },
    ]);
    const kinds = await Promise.all(
      ids.map(async (id) => (await store.records.get(id))!.events.map((event) => event.kind)),
    );
    expect(kinds.map((each) => each.includes('delivered'))).toEqual([true, false, true]);
    expect(told).toEqual([['queue.settlement_refused', { entry: `${ids[1]}.1`, error: expect.any(String) }]]);
    // What follows is not held up.
    await settling.add(delivered(leases[1]!));
    expect(await store.queue.list({})).toEqual([]);
    await store.close();
  },
);

test('a store in trouble is asked again until it has them all', async () => {
  const clock = new FakeClock(NOON);
  let trouble = 2;
  const calls: number[] = [];
  const queue: Pick<QueueStore, 'settle'> = {
    settle: async (settlements) => {
      calls.push(settlements.length);
      if (trouble-- > 0) throw new StoreError('full', 'Cannot write');
      return settlements.map(() => 'settled');
    },
  };
  const settling = new SettleUp(queue, { discard: async () => {} }, clock, silentLog);
  const lease: Lease = { entry: sampleEntry(sampleId(NOON, 1), 'c'), owner: 'a/1/1', until: NOON + 60_000 };
  const kept = Promise.all([settling.add(delivered(lease)), settling.add(delivered(lease))]);
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((done) => setImmediate(done));
    await clock.pass(1000);
  }
  await kept;
  expect(calls).toEqual([2, 2, 2]);
});
