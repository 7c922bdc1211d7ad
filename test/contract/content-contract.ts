/** Content: octets in, the same octets out, for as long as somebody holds them. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
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
const SIZES = [0, 1, 4096, 64 * 1024, 64 * 1024 + 1, 300_000];

export function contentContract({ open, reopen }: Engine): void {
  test('octets come back as they were written, before and after admission, whatever their number', async () => {
    const store = await open();
    for (const [n, size] of SIZES.entries()) {
      const octets = randomBytes(size);
      const writer = store.content.create();
      for (let at = 0; at < size; at += 10_000)
        if (!writer.write(octets.subarray(at, at + 10_000))) await writer.drained();
      expect(writer.size).toBe(size);
      const content = await writer.finish();
      expect(content.size).toBe(size);
      expect(content.sha256).toBe(createHash('sha256').update(octets).digest('hex'));
      for (let round = 0; round < 2; round += 1)
        expect((await octetsOf(content.open(never))).equals(octets)).toBe(true);
      await store.queue.admit(sampleAdmission(sampleId(NOON, n), content));
      expect((await octetsOf(store.content.read(content.ref, never))).equals(octets)).toBe(true);
      expect((await octetsOf(store.queue.read(content.ref, never))).equals(octets)).toBe(true);
    }
    await store.close();
  });

  test('the header section ends with its blank line', async () => {
    const store = await open();
    for (const [text, header] of [
      ['From: a\r\nTo: b\r\n\r\nbody\r\n', 'From: a\r\nTo: b\r\n\r\n'],
      ['\r\nbody\r\n', '\r\n'],
      ['From: a\r\n', 'From: a\r\n'],
      [`X: ${'y'.repeat(70_000)}\r\n\r\n${'z'.repeat(70_000)}`, `X: ${'y'.repeat(70_000)}\r\n\r\n`],
    ] as const) {
      const content = await spool(store.content, text);
      expect(Buffer.from(content.header).toString()).toBe(header);
    }
    await store.close();
  });

  test('content is released with its last entry, and not before', async () => {
    const store = await open();
    const id = sampleId();
    const content = await spool(store.content, randomBytes(100_000));
    const [first, second] = [1, 2].map((n) => sampleEntry(id, content.ref, { id: `${id}.${n}` })) as [
      ReturnType<typeof sampleEntry>,
      ReturnType<typeof sampleEntry>,
    ];
    const held = sampleItem(sampleEntry(id, content.ref, { id: `${id}.3` }));
    await store.queue.admit({
      record: sampleRecord(id),
      events: [],
      content,
      entries: [first, second],
      quarantine: [held],
    });
    const leases = await store.queue.lease({
      owner: 'a',
      now: first.admittedAt,
      until: first.admittedAt + 1,
      limit: 10,
    });
    await store.queue.settle(
      leases.map((lease) => ({
        lease,
        next: { ...lease.entry, state: { kind: 'delivered' } },
        events: [],
        notifications: [],
        quarantine: [],
      })),
    );
    expect(await octetsOf(store.content.read(content.ref, never))).toHaveLength(100_000);
    expect(await store.queue.drop([held], [sampleEvent(id, 'removed')])).toBe(1);
    await expect(octetsOf(store.content.read(content.ref, never))).rejects.toThrow(/is not there/);
    await store.close();
  });

  test('a large message of which all is kept aside is there to be read', async () => {
    const store = await open();
    const content = await spool(store.content, randomBytes(200_000));
    const id = sampleId(NOON, 1);
    const quarantine = [sampleItem(sampleEntry(id, content.ref))];
    await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine });
    expect(await octetsOf(store.queue.read(content.ref, never))).toHaveLength(200_000);
    await store.close();
  });

  test('what a settlement without its lease would have sent is left to whoever spooled it', async () => {
    const store = await open();
    await store.queue.admit(sampleAdmission(sampleId(NOON, 1), await spool(store.content, 'message\r\n')));
    const wish = { now: NOON, until: NOON + 60_000, limit: 1 };
    const [lease] = await store.queue.lease({ ...wish, owner: 'a' });
    const content = await spool(store.content, 'dsn\r\n');
    const of = sampleId(NOON, 2);
    const notification = { content, record: sampleRecord(of), entry: sampleEntry(of, content.ref) };
    const settlement = {
      lease: { ...lease!, owner: 'b' },
      next: { ...lease!.entry, state: { kind: 'bounced' } },
      ...{ events: [], notifications: [notification], quarantine: [] },
    } as const;
    expect(await store.queue.settle([settlement])).toEqual(['lost']);
    await store.queue.admit(sampleAdmission(of, content));
    expect((await octetsOf(store.queue.read(content.ref, never))).toString()).toBe('dsn\r\n');
    await store.close();
  });

  test('discarded and abandoned content is gone', async () => {
    const store = await open();
    const content = await spool(store.content, randomBytes(100_000));
    await store.content.discard(content);
    await expect(store.queue.admit(sampleAdmission(sampleId(), content))).rejects.toThrow(/must be spooled/);
    const writer = store.content.create();
    writer.write(randomBytes(100_000));
    await writer.abandon();
    await store.close();
  });

  test('reading stops when it is aborted', async () => {
    const store = await open();
    const content = await spool(store.content, randomBytes(300_000));
    const reading = new AbortController();
    reading.abort(new Error('enough'));
    await expect(octetsOf(content.open(reading.signal))).rejects.toThrow('enough');
    await store.close();
  });

  test.runIf(reopen)('admitted content survives closing, what was only spooled does not', async () => {
    const store = await open();
    const small = await spool(store.content, 'small\r\n');
    const large = await spool(store.content, randomBytes(200_000));
    await spool(store.content, randomBytes(200_000));
    await store.queue.admit(sampleAdmission(sampleId(NOON, 1), small));
    await store.queue.admit(sampleAdmission(sampleId(NOON, 2), large));
    await store.close();
    const again = await reopen!(store);
    expect((await octetsOf(again.content.read(small.ref, never))).toString()).toBe('small\r\n');
    expect(await octetsOf(again.content.read(large.ref, never))).toHaveLength(200_000);
    await again.close();
  });
}
