/** What is deleted when, that its record says so, and that nothing else is. */
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../../src/adapters/memory/store.ts';
import type { QuarantineKeeping } from '../../../src/config/quarantine.ts';
import { expire, type KeepPorts, makeRoom } from '../../../src/gateway/quarantine/keep.ts';
import { days } from '../../../src/mail/time.ts';
import type { Store } from '../../../src/ports/store.ts';
import { HELD_CLASSES } from '../../../src/queue/held-class.ts';
import type { RecordEvent } from '../../../src/record/record.ts';
import { hold } from '../../support/held.ts';
import { NOON, sampleId } from '../../support/samples.ts';
import { rememberingLog } from '../../support/store-folder.ts';

const keeping = (maxBytes: number, more: Partial<QuarantineKeeping['retention']> = {}): QuarantineKeeping => ({
  maxBytes,
  retention: {
    ...(Object.fromEntries(HELD_CLASSES.map((name) => [name, days(30)])) as QuarantineKeeping['retention']),
    ...more,
  },
});
function portsOver(store: Store) {
  const told: RecordEvent[] = [];
  const log = rememberingLog();
  return {
    ports: { queue: store.queue, log, told: (events: readonly RecordEvent[]) => void told.push(...events) },
    told,
    log,
  };
}
const left = async (store: Store) => (await store.queue.quarantined({})).map(({ id }) => id);
const id = (n: number, at: number) => `${sampleId(at, n)}.1`;

describe('time', () => {
  test('each class is kept for its own, to the millisecond, and its record says that it is over', async () => {
    const store = memoryStore();
    const week = NOON - days(7);
    await hold(store, 1, { class: 'malware', at: week });
    await hold(store, 2, { class: 'malware', at: week + 1 });
    await hold(store, 3, { class: 'spam', at: week });
    await hold(store, 4, { class: 'undeliverable', at: NOON - days(30) });
    const { ports, told } = portsOver(store);
    expect(await expire(ports, keeping(1e9, { malware: days(7) }), NOON)).toBe(2);
    expect((await left(store)).sort()).toEqual([id(2, week + 1), id(3, week)].sort());
    const event = (await store.records.get(sampleId(week, 1)))!.events.at(-1);
    expect(event).toEqual({
      recordId: sampleId(week, 1),
      at: NOON,
      recipient: 1,
      kind: 'removed',
      by: 'retention',
      text: 'its time is over: class malware is kept for 7 d',
    });
    expect(told).toContainEqual(event);
    expect(told).toHaveLength(2);
    expect(await expire(ports, keeping(1e9, { malware: days(7) }), NOON)).toBe(0);
  });

  test('more than a batch goes in one round', async () => {
    const store = memoryStore();
    for (let n = 0; n < 450; n++) await hold(store, n, { at: NOON - days(31) });
    const { ports } = portsOver(store);
    expect(await expire(ports, keeping(1e9), NOON)).toBe(450);
    expect(await left(store)).toEqual([]);
  });
});

/** A store in which somebody else deletes whatever we would; it is not asked for ever. */
async function overtaken() {
  const store = memoryStore();
  for (let n = 0; n < 200; n++) await hold(store, n, { at: NOON - days(31) });
  const items = await store.queue.quarantined({});
  let asked = 0;
  const queue: KeepPorts['queue'] = {
    quarantined: async ({ class: name }) => {
      if (++asked > 50) throw new Error('asked without end');
      return name === 'spam' ? items : [];
    },
    drop: async () => 0,
    weigh: async () => ({ octets: 1e9, classes: {} }),
  };
  return { ...portsOver(store).ports, queue };
}

test('where somebody else is faster, a round ends: the next one looks again', async () => {
  expect(await expire(await overtaken(), keeping(1e9), NOON)).toBe(0);
  expect(await makeRoom(await overtaken(), keeping(1e6), NOON)).toBe(0);
});

describe('room', () => {
  const TEXT = `Subject: x\r\n\r\n${'a'.repeat(984)}\r\n`; // 1000 octets

  test('near the limit the oldest of spam and bulk go, no more than must, each with an event', async () => {
    const store = memoryStore();
    const classes = ['malware', 'spam', 'bulk', 'policy', 'spam', 'spam', 'bulk', 'spoof', 'spam', 'spam'] as const;
    for (const [n, name] of classes.entries()) await hold(store, n, { class: name, at: NOON + n }, undefined, {}, TEXT);
    const { ports, told, log } = portsOver(store);
    expect(await makeRoom(ports, keeping(12_000), NOON)).toBe(0);
    expect(await makeRoom(ports, keeping(9_000), NOON + 99)).toBe(2);
    expect(await left(store)).toEqual([0, 3, 4, 5, 6, 7, 8, 9].map((n) => id(n, NOON + n)));
    expect(told.map(({ recordId, kind, by }) => [recordId, kind, by])).toEqual([
      [sampleId(NOON + 1, 1), 'removed', 'max_size'],
      [sampleId(NOON + 2, 2), 'removed', 'max_size'],
    ]);
    expect(log.names).toEqual(['quarantine.made_room']);
  });

  test('what only a person may judge is never dropped for room: the log says that it fills', async () => {
    const store = memoryStore();
    for (let n = 0; n < 5; n++) await hold(store, n, { class: 'policy', at: NOON + n }, undefined, {}, TEXT);
    await hold(store, 9, { class: 'spam', at: NOON + 9 }, undefined, {}, TEXT);
    const { ports, log } = portsOver(store);
    expect(await makeRoom(ports, keeping(2_000), NOON)).toBe(1);
    expect(await left(store)).toHaveLength(5);
    expect(log.names).toEqual(['quarantine.made_room', 'quarantine.filling']);
  });

  test('a message held for several is one weight, and goes when the last of them has gone', async () => {
    const store = memoryStore();
    const recipients = Array.from({ length: 5 }, (_, n) => `u${n}@example.com`);
    await hold(store, 1, { at: NOON }, recipients, {}, TEXT);
    await hold(store, 2, { at: NOON + 1 }, undefined, {}, TEXT);
    const { ports } = portsOver(store);
    await makeRoom(ports, keeping(1_200), NOON);
    expect(await left(store)).toEqual([id(2, NOON + 1)]);
  });
});
