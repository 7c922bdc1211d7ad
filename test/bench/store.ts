/** Messages a second through the store and CPU for each: `node test/bench/store.ts [messages] [waiting at once] [octets]`. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idSource } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { sampleEntry, sampleEvent, sampleRecipient, sampleRecord } from '../support/samples.ts';

const [messages = 10_000, waiting = 100, octets = 4096] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'postern-bench-'));
const log = { event: () => {}, warn: console.warn, error: console.error };
const store = await openSqliteStore({ path: folder, mode: 'serve', minFreeBytes: 0, retention: undefined, log });
const ids = idSource(1, 0, Date.now);
const body = randomBytes(octets);
const note = 'n'.repeat(2000);
const prefix = `Received: ${'r'.repeat(400)}\r\n`;

/** One message whole: spooled, admitted and leased in one commit, delivered in another. */
async function one(): Promise<void> {
  const id = ids.next();
  const now = Date.now();
  const writer = store.content.create();
  writer.write(body);
  const content = await writer.finish();
  const [lease] = await store.queue.admit({
    record: sampleRecord(id, { at: now, recipients: [sampleRecipient({ why: note })] }),
    events: [sampleEvent(id, 'queued')],
    content,
    entries: [sampleEntry(id, content.ref, { admittedAt: now, prefix, state: { kind: 'waiting', due: now } })],
    quarantine: [],
    lease: { owner: 'bench', until: now + 900_000 },
  });
  if (process.env.ADMIT_ONLY) return;
  for await (const _ of store.queue.read(content.ref, new AbortController().signal));
  await store.queue.settle([
    {
      lease: lease!,
      next: { ...lease!.entry, state: { kind: 'delivered' } },
      events: [sampleEvent(id, 'delivered', '250 2.0.0 ok')],
      notifications: [],
      quarantine: [],
    },
  ]);
}

let left = messages;
const started = performance.now();
const cpu = process.cpuUsage();
await Promise.all(
  Array.from({ length: waiting }, async () => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  }),
);
const took = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
const record = JSON.stringify(sampleRecord(ids.next(), { recipients: [sampleRecipient({ why: note })] })).length;
const size = (file: string) => statSync(join(folder, file)).size;
console.log(
  `${messages} messages of ${octets} octets, records of ${record}, ${waiting} waiting at once: ${(messages / took).toFixed(0)}/s, ` +
    `${((used.user + used.system) / 1000 / messages).toFixed(3)} ms CPU each (user ${(used.user / 1000 / messages).toFixed(3)}); queue.db ${size('queue.db') >> 10} KiB, wal ${size('queue.db-wal') >> 10} KiB`,
);
await store.close();
rmSync(folder, { recursive: true, force: true });
