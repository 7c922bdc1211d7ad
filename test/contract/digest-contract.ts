/** What recipients were not told of: each held message once, whatever becomes of it, in one commit with the mail that tells it. */
import { expect, test } from 'vitest';
import type { QuarantineItem } from '../../src/ports/queue.ts';
import type { Store } from '../../src/ports/store.ts';
import type { HeldClass } from '../../src/queue/held-class.ts';
import { NOON, sampleAdmission, sampleEntry, sampleId, sampleItem, sampleRecord, spool } from '../support/samples.ts';
import type { Engine } from './store-contract.ts';

async function hold(store: Store, n: number, recipient: string, what: HeldClass = 'spam'): Promise<QuarantineItem> {
  const id = sampleId(NOON, n);
  const content = await spool(store.content, `message ${n}\r\n`);
  const item = sampleItem(sampleEntry(id, content.ref, { recipient }), { class: what });
  await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine: [item] });
  return item;
}
const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase());
const ids = ({ items }: { items: readonly QuarantineItem[] }) => items.map(({ id }) => id);

export function digestContract({ open, reopen }: Engine): void {
  /** Where the engine can, after a restart. */
  const opened = async (store: Store): Promise<Store> => {
    if (reopen === undefined) return store;
    await store.close();
    return reopen(store);
  };

  test('recipients come in order, in pages, each once whatever its case', async () => {
    const store = await open();
    await hold(store, 1, 'bob@example.com');
    await hold(store, 2, 'BOB@example.com');
    await hold(store, 3, 'carol@example.com');
    await hold(store, 4, 'anna@example.com');
    const first = await store.digests.untoldRecipients('', 2);
    expect(lower(first)).toEqual(['anna@example.com', 'bob@example.com']);
    expect(lower(await store.digests.untoldRecipients(first[1]!, 2))).toEqual(['carol@example.com']);
    expect(await store.digests.untoldRecipients('carol@example.com', 2)).toEqual([]);
    await store.close();
  });

  test('the newest of the classes asked for come first, and all are counted', async () => {
    const store = await open();
    const held = [];
    for (let n = 1; n <= 4; n++) held.push(await hold(store, n, 'bob@example.com', n === 2 ? 'bulk' : 'spam'));
    await hold(store, 5, 'bob@example.com', 'malware');
    await hold(store, 6, 'bob@example.com', 'undeliverable');
    const untold = await store.digests.untold('Bob@Example.com', ['spam', 'bulk'], 3);
    expect(ids(untold)).toEqual([held[3]!.id, held[2]!.id, held[1]!.id]);
    expect(untold.items[0]).toEqual(held[3]);
    expect(untold.counts).toEqual({ spam: 3, bulk: 1, malware: 1 });
    await store.close();
  });

  test('what a digest told is told for good, and what was held since is not', async () => {
    const store = await open();
    await hold(store, 1, 'bob@example.com');
    await hold(store, 2, 'carol@example.com');
    const { through } = await store.digests.untold('bob@example.com', ['spam'], 10);
    const late = await hold(store, 3, 'bob@example.com');
    const digest = sampleAdmission(sampleId(NOON, 9), await spool(store.content, 'digest\r\n'));
    await store.queue.admit({ ...digest, told: { recipient: 'BOB@example.com', through } });
    const again = await opened(store);
    expect(ids(await again.digests.untold('bob@example.com', ['spam'], 10))).toEqual([late.id]);
    expect(lower(await again.digests.untoldRecipients('', 9))).toEqual(['bob@example.com', 'carol@example.com']);
    expect(await again.queue.quarantined({ recipient: 'bob@example.com' })).toHaveLength(2);
    await again.close();
  });

  test('a digest that the store does not take tells nothing', async () => {
    const store = await open();
    const item = await hold(store, 1, 'bob@example.com');
    const { through } = await store.digests.untold('bob@example.com', ['spam'], 10);
    const id = sampleId(NOON, 9);
    await store.queue.admit(sampleAdmission(id, await spool(store.content, 'there already\r\n')));
    const digest = sampleAdmission(id, await spool(store.content, 'digest\r\n'));
    await expect(store.queue.admit({ ...digest, told: { recipient: 'bob@example.com', through } })).rejects.toThrow();
    expect(ids(await store.digests.untold('bob@example.com', ['spam'], 10))).toEqual([item.id]);
    await store.close();
  });

  test('what was released or dropped is nobody’s news', async () => {
    const store = await open();
    const released = await hold(store, 1, 'bob@example.com');
    const dropped = await hold(store, 2, 'bob@example.com');
    await store.queue.release(
      [{ ...released, entry: { ...released.entry, state: { kind: 'waiting', due: NOON } } }],
      [],
      NOON,
    );
    await store.queue.drop([dropped], []);
    expect(await store.digests.untoldRecipients('', 9)).toEqual([]);
    await store.close();
  });

  test('the last round is remembered', async () => {
    const store = await open();
    expect(await store.digests.lastRound()).toBeUndefined();
    await store.digests.roundEnded(NOON);
    await store.digests.roundEnded(NOON + 5);
    const again = await opened(store);
    expect(await again.digests.lastRound()).toBe(NOON + 5);
    await again.close();
  });
}
