/** Where the header section of a message that leaves ends, whatever pieces it comes in, and how much of one without an end is read. */
import { expect, test } from 'vitest';
import { BodyHash } from '../../../src/gateway/signing/body-hash.ts';
import { type LeavingHeader, readLeaving } from '../../../src/gateway/signing/leaving.ts';
import { HEADER_OCTETS_MAX } from '../../../src/mail/header.ts';

async function* piecesOf(text: string, size: number) {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}
const hashOf = (body: string): string => {
  const hash = new BodyHash();
  hash.push(Buffer.from(body));
  return hash.end();
};
const names = (header: LeavingHeader) =>
  header.kind === 'sound' ? header.fields.map(({ name }) => name).join(' ') : header.why;

test.each([
  ['header and body', 'From: a@x\r\nTo: b@y\r\n\r\nBody.\r\n', 'from to', 'Body.\r\n'],
  ['no header', '\r\nBody.\r\n', '', 'Body.\r\n'],
  ['no body', 'From: a@x\r\n', 'from', ''],
  ['a blank line and no body', 'From: a@x\r\n\r\n', 'from', ''],
])('a message with %s is read as one, in whatever pieces', async (_, text, fields, body) => {
  for (const size of [1, 2, 3, 1000])
    expect(await readLeaving(piecesOf(text, size), names)).toEqual({ wanted: fields, bodyHash: hashOf(body) });
});

test('of a header section beyond twice what a message may have nothing is taken', async () => {
  const text = `${'X-A: b\r\n'.repeat((2 * HEADER_OCTETS_MAX) / 8)}X-B: c\r\n\r\nBody.\r\n`;
  const read = await readLeaving(piecesOf(text, text.length), names);
  expect(read?.wanted).toBe('its header section takes more than 262144 octets');
});

test('one without an end is not read to its end', async () => {
  let given = 0;
  async function* endless() {
    for (; given < 1000; given++) yield Buffer.from(`X-A: ${'b'.repeat(1000)}\r\n`);
  }
  expect(await readLeaving(endless(), (header) => (header.kind === 'sound' ? header : undefined))).toBeUndefined();
  expect(given).toBeLessThan(300);
});
