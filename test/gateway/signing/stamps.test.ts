/** Stamps of one message: made once for entries with the same edits, and told once where all have the same. */
import { expect, test } from 'vitest';
import { Stamps } from '../../../src/gateway/signing/stamps.ts';
import { anEntry, T0 } from '../../support/entries.ts';
import { store } from '../../support/sending.ts';
import { contentOf, EDITS, keyRing, signerOf } from '../../support/signed-variants.ts';

const TEXT = 'From: alice@example.com\r\nSubject: x\r\n\r\nBody.\r\n';
const ring = keyRing();
const WHO = 'example.com by rsa (rsa-sha256), ed (ed25519-sha256)';
const edits = EDITS.add_header!(TEXT);

function stamping() {
  const content = contentOf(TEXT);
  const read = { times: 0 };
  const open: typeof content.open = (signal) => {
    read.times += 1;
    return content.open(signal);
  };
  const stamps = new Stamps({ ...content, open }, 'trusted', { sealer: undefined, ...signerOf(ring) });
  const told = () => stamps.events('m', T0).map(({ recipient, kind, text }) => `${recipient} ${kind} ${text}`);
  return { stamps, read, told };
}

test('entries with the same edits have the same, and the message is read for it once', async () => {
  const { stamps, read, told } = stamping();
  const ids = ['m.1', 'm.2', 'm.3'];
  const stamped = await Promise.all(ids.map((id) => stamps.stamp(anEntry({ id, edits, prefix: 'X: y\r\n' }), store)));
  expect(new Set(stamped.map(({ prefix }) => prefix)).size).toBe(1);
  expect(stamped[0]?.prefix).toMatch(/^DKIM-Signature: [\s\S]*\r\nX: y\r\n$/);
  expect([read.times, told()]).toEqual([1, [`0 signed ${WHO}`]]);
});

test('of entries whose edits are not the same each is told', async () => {
  const { stamps, read, told } = stamping();
  for (const [id, some] of [
    ['m.1', []],
    ['m.2', edits],
    ['m.3', []],
  ] as const)
    await stamps.stamp(anEntry({ id, edits: some }), store);
  expect([read.times, told()]).toEqual([2, [`1 signed ${WHO}`, `2 signed ${WHO}`, `3 signed ${WHO}`]]);
});

test('why something was not sealed is told in a line, whatever stood in the message', async () => {
  const sealer = () => ({
    ...{ domain: 'example.com', selector: 'rsa', key: ring.keys.keyOf(ring.signing.get('example.com')![0]!.keyFile) },
    ...{ at: T0, chain: `f\x1b[31m\r\n${'x'.repeat(500)}`, sets: 1, results: 'mx.test; none' },
  });
  const stamps = new Stamps(contentOf(`ARC-Seal: i=1\r\n${TEXT}`), 'verified', { signer: undefined, sealer });
  await stamps.stamp(anEntry(), store);
  const [event] = stamps.events('m', T0);
  expect(event?.kind).toBe('unsealed');
  expect(event?.text).toMatch(/^the chain it came with is f/);
  expect(event?.text).not.toMatch(/[\x00-\x1f]/);
  expect(event!.text.length).toBeLessThanOrEqual(300);
});
