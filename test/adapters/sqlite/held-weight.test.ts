/** The weight of the quarantine beside another process that changes it, and after a commit that came to nothing. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hold } from '../../support/held.ts';
import { NOON, sampleEntry, sampleId, sampleItem, sampleRecord, spool } from '../../support/samples.ts';
import { openStore, temporaryFolder } from '../../support/store-folder.ts';

test('what a visitor deleted makes room once it is weighed, and what was refused weighs nothing', async () => {
  const path = join(temporaryFolder(), 'store');
  const store = await openStore(path);
  const [one] = await hold(store, 1, {}, undefined, {}, 'ten octets');
  await hold(store, 2, {}, undefined, {}, 'ten octets');
  const id = sampleId(NOON, 3);
  const content = await spool(store.content, 'ten octets');
  const more = {
    ...{ record: sampleRecord(id), events: [], content, entries: [], quarantineMaxBytes: 20 },
    quarantine: [sampleItem(sampleEntry(id, content.ref, { contentSize: 10 }))],
  };
  await expect(store.queue.admit(more)).rejects.toMatchObject({ kind: 'quarantine-full' });
  // Taken and rolled back: another item of that id is there.
  const conflict = { ...more, quarantineMaxBytes: 1000, quarantine: [...more.quarantine, one!] };
  await expect(store.queue.admit(conflict)).rejects.toBeDefined();
  expect((await store.queue.weigh()).octets).toBe(20);

  const visitor = await openStore(path, { mode: 'visit' });
  expect(await visitor.queue.drop([one!], [])).toBe(1);
  await visitor.close();
  expect((await store.queue.weigh()).octets).toBe(10);
  await store.queue.admit(more);
  expect(await store.queue.weigh()).toEqual({ octets: 20, classes: { spam: 2 } });
  await store.close();
});
