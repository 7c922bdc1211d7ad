/** What is kept aside: listed, released, dropped, weighed. */
import { expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
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

async function admit(store: Store, n: number, changes: Partial<QueueEntry> = {}): Promise<QueueEntry> {
  const id = sampleId(NOON, n);
  const admission = sampleAdmission(id, await spool(store.content, `message ${n}\r\n`), changes);
  await store.queue.admit(admission);
  return admission.entries[0]!;
}

export function quarantineContract({ open }: Engine): void {
  test('quarantined items are listed, released into the queue and dropped, once', async () => {
    const store = await open();
    const items = [];
    for (let n = 1; n <= 3; n += 1) {
      const id = sampleId(NOON, n);
      const content = await spool(store.content, `held ${n}`);
      const item = sampleItem(sampleEntry(id, content.ref, { recipient: `u${n}@example.com` }), {
        class: n === 3 ? 'malware' : 'spam',
        at: NOON + n,
      });
      await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine: [item] });
      items.push(item);
    }
    const [first, second, third] = items as [(typeof items)[0], (typeof items)[0], (typeof items)[0]];
    expect(await store.queue.quarantined({})).toEqual(items);
    expect(await store.queue.quarantined({ class: 'spam', after: first!.id })).toEqual([second]);
    expect(await store.queue.quarantined({ recipient: 'U2@example.com' })).toEqual([second]);
    expect(await store.queue.quarantined({ since: NOON + 2, limit: 1 })).toEqual([second]);
    expect(await store.queue.quarantined({ until: NOON + 2 })).toEqual([first, second]);
    expect(await store.queue.quarantined({ until: NOON + 2, class: 'malware' })).toEqual([]);
    expect(await store.queue.quarantined({ ids: [third!.id] })).toEqual([third]);
    expect(await store.queue.quarantined({ recordId: first!.recordId })).toEqual([first]);

    const released = sampleEvent(first!.recordId, 'released');
    expect(await store.queue.release([first!], [released], NOON + 50)).toBe(1);
    expect(await store.queue.release([first!], [released], NOON + 60)).toBe(0);
    expect(await store.queue.drop([second!, first!], [sampleEvent(second!.recordId, 'removed')])).toBe(1);
    expect(await store.queue.quarantined({})).toEqual([third]);
    expect(await store.queue.list({})).toEqual([{ ...first!.entry, state: { kind: 'waiting', due: NOON + 50 } }]);
    expect((await store.records.get(first!.recordId))!.events).toEqual([released]);
    expect((await octetsOf(store.queue.read(first!.entry.contentRef, never))).toString()).toBe('held 1');
    await expect(octetsOf(store.queue.read(second!.entry.contentRef, never))).rejects.toThrow(/is not there/);
    await store.close();
  });

  test('the quarantine is weighed, each content once, and takes no more than it may hold', async () => {
    const store = await open();
    const held = async (n: number, text: string, max: number, recipients: readonly ('spam' | 'malware')[]) => {
      const id = sampleId(NOON, n);
      const content = await spool(store.content, text);
      const quarantine = recipients.map((kept, at) =>
        sampleItem(sampleEntry(id, content.ref, { id: `${id}.${at + 1}`, contentSize: content.size }), { class: kept }),
      );
      await store.queue.admit({
        record: sampleRecord(id),
        events: [],
        content,
        entries: [],
        quarantine,
        quarantineMaxBytes: max,
      });
      return quarantine;
    };
    expect(await store.queue.weigh()).toEqual({ octets: 0, classes: {} });
    const [one, two] = await held(1, 'ten octets', 30, ['spam', 'malware']);
    await held(2, 'ten octets', 30, ['spam']);
    expect(await store.queue.weigh()).toEqual({ octets: 20, classes: { spam: 2, malware: 1 } });
    await expect(held(3, 'eleven here', 30, ['spam'])).rejects.toMatchObject({ kind: 'quarantine-full' });
    expect(await store.records.get(sampleId(NOON, 3))).toBeUndefined();
    expect(await store.queue.weigh()).toEqual({ octets: 20, classes: { spam: 2, malware: 1 } });
    // What is delivered is not what is kept aside.
    await admit(store, 4);
    await held(5, 'ten octets', 30, ['spam']);
    await store.queue.drop([one!], []);
    expect((await store.queue.weigh()).octets).toBe(30);
    await store.queue.release([two!], [], NOON);
    expect(await store.queue.weigh()).toEqual({ octets: 20, classes: { spam: 2 } });
    await held(6, 'ten octets', 30, ['spam']);
    await store.close();
  });
}
