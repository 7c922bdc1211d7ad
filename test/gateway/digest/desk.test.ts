/** Whoever comes with a link: the message is scanned again, and what is found or cannot be asked keeps it held. */
import { expect, test } from 'vitest';
import { memoryStore } from '../../../src/adapters/memory/store.ts';
import { releaseDesk } from '../../../src/gateway/digest/desk.ts';
import { signRight } from '../../../src/gateway/digest/token.ts';
import type { Current } from '../../../src/gateway/world.ts';
import { hours } from '../../../src/mail/time.ts';
import type { QuarantineItem } from '../../../src/ports/queue.ts';
import type { VirusVerdict } from '../../../src/ports/services.ts';
import { NOON, sampleEntry, sampleId, sampleItem, sampleRecord, spool } from '../../support/samples.ts';

const KEY = Buffer.alloc(32, 1);

async function desk(verdict: () => Promise<VirusVerdict>, changes: Partial<QuarantineItem> = {}) {
  const store = memoryStore();
  const id = sampleId(NOON, 1);
  const content = await spool(store.content, 'Subject: Win\r\n\r\nbody');
  const item = sampleItem(sampleEntry(id, content.ref), changes);
  await store.queue.admit({ record: sampleRecord(id), events: [], content, entries: [], quarantine: [item] });
  const scanned: string[] = [];
  const clamav = {
    version: async () => 'x',
    scan: async ({ octets }: { readonly octets: AsyncIterable<Uint8Array> }) => {
      const chunks = [];
      for await (const chunk of octets) chunks.push(chunk);
      scanned.push(Buffer.concat(chunks).toString());
      return verdict();
    },
  };
  const installation = { routes: new Map(), queue: { retry: [1000], expire: hours(24), delayNotice: 'never' } };
  let woken = 0;
  const made = releaseDesk({
    queue: store.queue,
    records: store.records,
    keys: { signing: () => KEY, accepted: () => [KEY] },
    clock: { now: () => NOON },
    current: () => ({ installation, services: { clamav } }) as unknown as Current,
    queued: () => {
      woken += 1;
    },
  });
  const token = signRight(item.id, item.entry.recipient, NOON + hours(1), KEY);
  const story = async () => (await store.records.get(id))!.events.map(({ kind, text }) => `${kind}: ${text}`);
  return { store, item, desk: made, token, scanned, story, woken: () => woken };
}
const signal = new AbortController().signal;

test('clean once more, it is queued, and the queue is woken', async () => {
  const { store, desk: at, token, scanned, woken } = await desk(async () => ({ kind: 'clean' }));
  expect(await at.look(token, signal)).toMatchObject({
    kind: 'held',
    view: { subject: 'Win', why: 'spam: spam score 7' },
  });
  const both = await Promise.all([at.release(token, signal), at.release(token, signal)]);
  expect(both.map(({ kind }) => kind)).toEqual(['released', 'released']);
  expect(scanned).toEqual(['Received: from mail.example.org\r\nSubject: Win\r\n\r\nbody']);
  expect(woken()).toBe(1);
  expect(await store.queue.list({})).toHaveLength(1);
  expect(await at.release(token, signal)).toEqual({ kind: 'gone', id: expect.any(String) });
});

test.each([
  ['infected', async (): Promise<VirusVerdict> => ({ kind: 'infected', signature: 'Eicar' }), 'infected, Eicar'],
  ['not scanned', async (): Promise<VirusVerdict> => Promise.reject(new Error('clamd is silent')), 'clamd is silent'],
  ['too large', async (): Promise<VirusVerdict> => ({ kind: 'too-large' }), 'too large'],
])('%s, it stays held, and its record says why', async (_, verdict, why) => {
  const { store, desk: at, token, story } = await desk(verdict);
  expect(await at.release(token, signal)).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) });
  expect(await store.queue.quarantined({})).toHaveLength(1);
  expect(await story()).toContainEqual(expect.stringContaining(`not_released: as recipient; by the link of a digest;`));
});

test('a link that names the message of somebody else holds for nobody, though we signed it', async () => {
  const { store, item, desk: at, scanned } = await desk(async () => ({ kind: 'clean' }));
  const others = signRight(item.id, 'eve@example.com', NOON + hours(1), KEY);
  expect(await at.look(others, signal)).toEqual({ kind: 'none' });
  expect(await at.release(others, signal)).toEqual({ kind: 'none' });
  expect(scanned).toEqual([]);
  expect(await store.queue.quarantined({})).toHaveLength(1);
});

test('what its recipient may not release is neither shown nor released, whoever signed a link for it', async () => {
  const {
    store,
    item,
    desk: at,
    token,
    scanned,
  } = await desk(async () => ({ kind: 'clean' }), { class: 'attachment' });
  expect(await at.look(token, signal)).toEqual({ kind: 'denied', id: item.id });
  expect(await at.release(token, signal)).toEqual({ kind: 'denied', id: item.id });
  expect(scanned).toEqual([]);
  expect(await store.queue.quarantined({})).toHaveLength(1);
});
