/** A large content passes through a few buffers, however long it is: none is left to the collector, which would not come for tens of megabytes. */
import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { openStore, temporaryFolder } from '../../support/store-folder.ts';

const MIB = 1024 * 1024;
const PIECE = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1024));
const PIECES = 400; // 25 MiB

/** The most that was held in buffers at any look beyond the first. */
function watch() {
  const before = process.memoryUsage().arrayBuffers;
  const watched = {
    most: 0,
    look: () => {
      watched.most = Math.max(watched.most, process.memoryUsage().arrayBuffers - before);
    },
  };
  return watched;
}

test('written as fast as the disk takes it, and read again, 25 MiB are held two at a time', async () => {
  const store = await openStore(temporaryFolder());
  onTestFinished(() => store.close());
  const hash = createHash('sha256');
  const writing = watch();
  const writer = store.content.create();
  for (let n = 0; n < PIECES; n++) {
    hash.update(PIECE);
    if (!writer.write(PIECE)) await writer.drained();
    writing.look();
  }
  const content = await writer.finish();
  expect(content.sha256).toBe(hash.digest('hex'));
  expect(writing.most).toBeLessThan(2 * MIB);

  const reading = watch();
  const again = createHash('sha256');
  for await (const piece of content.open(new AbortController().signal)) {
    again.update(piece);
    reading.look();
  }
  expect(again.digest('hex')).toBe(content.sha256);
  expect(reading.most).toBeLessThan(MIB);
  await store.content.discard(content);
});
