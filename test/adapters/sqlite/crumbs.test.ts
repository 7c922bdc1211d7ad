/** A message that comes octet by octet takes the memory of its octets, not of sixty thousand pieces. */
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { openStore, temporaryFolder } from '../../support/store-folder.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const held = (): number => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

test.each([60_000, 100_000])(
  '%i octets one by one cost little more than they are, and are the same',
  async (octets) => {
    const store = await openStore(temporaryFolder());
    onTestFinished(() => store.close());
    const writer = store.content.create();
    const text = Buffer.from(Array.from({ length: octets }, (_, n) => 97 + (n % 23)));
    const before = held();
    for (let n = 0; n < octets; n++) if (!writer.write(Uint8Array.of(text[n]!))) await writer.drained();
    expect(held() - before).toBeLessThan(2 * 1024 * 1024);
    const content = await writer.finish();
    expect(content.sha256).toBe(createHash('sha256').update(text).digest('hex'));
    const kept: Uint8Array[] = [];
    for await (const chunk of content.open(new AbortController().signal)) kept.push(Uint8Array.from(chunk));
    expect(Buffer.concat(kept).equals(text)).toBe(true);
    await store.content.discard(content);
  },
);
