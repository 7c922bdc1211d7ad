import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { octetsOf } from '../../support/samples.ts';
import { openStore, temporaryFolder } from '../../support/store-folder.ts';

const LOAD = fileURLToPath(new URL('../../support/store-load.ts', import.meta.url));
const never = new AbortController().signal;

/** Runs until it has promised so many, and dies in the middle of what it was doing. */
async function killedAfter(path: string, round: number, promises: number): Promise<string[]> {
  const child = spawn(process.execPath, [LOAD, path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const promised: string[] = [];
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    if (line === 'ready') return;
    promised.push(line);
    if (promised.length === promises) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  return promised;
}

test('what was promised before a kill -9 is there after it, whole, and nothing else is', async () => {
  const path = join(temporaryFolder(), 'store');
  const promised = new Set<string>();
  const seen = new Set<string>();
  for (let round = 0; round < 6; round += 1) {
    const promises = 1 + Math.floor(Math.random() * 150);
    for (const id of await killedAfter(path, round, promises)) promised.add(id);

    const store = await openStore(path);
    const kept = new Map((await store.queue.list({ limit: 100_000 })).map((entry) => [entry.recordId, entry]));
    expect([...promised].filter((id) => !kept.has(id))).toEqual([]);
    for (const [id, entry] of kept) {
      if (seen.has(id)) continue;
      const octets = await octetsOf(store.queue.read(entry.contentRef, never));
      expect(octets.subarray(0, 13).toString()).toBe(id);
      expect(octets.length === 2014 || octets.length === 70_014).toBe(true);
    }
    const records = await store.records.search({ limit: 100_000 });
    expect(records.filter(({ id }) => promised.has(id))).toHaveLength(promised.size);
    for (const { id } of records) {
      if (seen.has(id)) continue;
      seen.add(id);
      const { events } = (await store.records.get(id))!;
      expect(events.map(({ kind }) => kind)).toEqual(kept.has(id) ? ['queued'] : ['queued', 'orphaned']);
    }
    const inSpool = [...kept.values()].map(({ contentRef }) => contentRef);
    expect(readdirSync(join(path, 'spool')).filter((ref) => !inSpool.includes(ref))).toEqual([]);
    await store.close();
  }
}, 60_000);
