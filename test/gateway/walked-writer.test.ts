/** A fault in what looks inside costs the look, never the message. */
import { expect, test } from 'vitest';
import { MemoryContent } from '../../src/adapters/memory/content.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { WalkedWriter } from '../../src/gateway/walked-writer.ts';
import { USUAL_BOUNDS } from '../../src/mime/bounds.ts';

const MESSAGE = Buffer.from('Subject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n');

async function written(bounds: typeof USUAL_BOUNDS) {
  const faults: string[] = [];
  const log = {
    ...silentLog,
    error: (event: string, data?: object) => {
      faults.push(`${event} ${JSON.stringify(data)}`);
    },
  };
  const writer = new WalkedWriter(new MemoryContent().create(), log, bounds);
  for (let at = 0; at < MESSAGE.length; at += 20) writer.write(MESSAGE.subarray(at, at + 20));
  const content = await writer.finish();
  const octets: Uint8Array[] = [];
  for await (const chunk of content.open(new AbortController().signal)) octets.push(chunk);
  return { inside: writer.inside, octets: Buffer.concat(octets), faults };
}

test('the message is kept and read', async () => {
  const { inside, octets, faults } = await written(USUAL_BOUNDS);
  expect(octets).toEqual(MESSAGE);
  expect(inside).toMatchObject({ result: 'ok', parts: [{ path: '1', size: 1 }] });
  expect(faults).toEqual([]);
});

test('the message is kept where reading it throws; nothing is known of it, and the log says why', async () => {
  const broken = {
    ...USUAL_BOUNDS,
    get partDepth(): number {
      throw new RangeError('a mistake of ours');
    },
  };
  const { inside, octets, faults } = await written(broken);
  expect(octets).toEqual(MESSAGE);
  expect(inside).toBeUndefined();
  expect(faults).toEqual(['inside.fault {"error":"a mistake of ours"}']);
});
