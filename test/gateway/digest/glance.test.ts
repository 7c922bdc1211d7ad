/** What a recipient is shown of a held message, read from its octets however they come. */
import { expect, test } from 'vitest';
import { glanceAt } from '../../../src/gateway/digest/glance.ts';
import { NOON, sampleEntry, sampleId, sampleItem } from '../../support/samples.ts';

const signal = new AbortController().signal;
const item = (reason = 'score 7') => sampleItem(sampleEntry(sampleId(NOON, 1), 'x'), { reason });

test('the header section alone is read, though its end lies across two pieces', async () => {
  const octets = Buffer.from('Subject: Win\r\nFrom: a@b.example\r\n\r\nFrom: the body\r\n');
  const end = octets.indexOf('\r\n\r\n');
  for (let cut = end; cut <= end + 4; cut++) {
    let more = 0;
    const read = async function* () {
      yield octets.subarray(0, cut);
      yield octets.subarray(cut, end + 5);
      more++;
      yield octets.subarray(end + 5);
    };
    expect(await glanceAt(item(), read, signal)).toMatchObject({ subject: 'Win', from: 'a@b[.]example' });
    expect(more, `cut at ${cut - end}`).toBe(0);
  }
});

test('the reason may quote what came from outside, and is as harmless as the rest', async () => {
  const read = async function* () {
    yield Buffer.from('Subject: x\r\n\r\n');
  };
  const { reason } = await glanceAt(item('links to \x1b[31mevil.example, see https://evil.example/'), read, signal);
  expect(reason).toBe('links to \\x1b[31mevil[.]example, see https[:]//evil[.]example/');
});
