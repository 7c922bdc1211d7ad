import { expect, test } from 'vitest';
import { arc } from '../../../src/checks/arc.ts';
import { Stamps } from '../../../src/gateway/signing/stamps.ts';
import type { Route } from '../../../src/queue/route.ts';
import { AWKWARD } from '../../support/awkward-mail.ts';
import { runOn } from '../../support/check-bench.ts';
import { anEntry, T0 } from '../../support/entries.ts';
import { store } from '../../support/sending.ts';
import { contentOf, EDITS, keyRing, leaves, octetsOf } from '../../support/signed-variants.ts';

const ring = keyRing();
const zones = Object.fromEntries(Object.entries(ring.records).map(([name, TXT]) => [name, [{ TXT }]]));
const chainOf = async (text: string) => (await runOn(arc, { zones, message: octetsOf(text), now: T0 })).facts;
const [rsa] = ring.signing.get('example.com')!;
const RESULTS = 'mx.test; spf=pass smtp.mailfrom=a@sender.test; dmarc=pass header.from=sender.test';
const sealer = (chain: string | undefined, sets: number) => ({
  sealer: () => ({
    domain: 'example.com',
    selector: 'rsa',
    key: ring.keys.keyOf(rsa!.keyFile),
    at: T0,
    chain,
    sets,
    results: RESULTS,
  }),
});
const sealed = async (text: string, chain: string | undefined, sets: number, edits = EDITS.none!(text)) =>
  leaves(text, edits, sealer(chain, sets), 'unverified');

test.each(Object.keys(AWKWARD))('a seal holds over %s, and another one over it', async (name) => {
  const one = await sealed(AWKWARD[name]!, 'none', 0, EDITS.tag_subject!(AWKWARD[name]!));
  expect(one.told).toEqual(['0 sealed example.com by rsa (rsa-sha256), i=1, cv=none']);
  expect(await chainOf(one.text)).toMatchObject({ result: 'pass', sealer: 'example.com' });
  const two = await sealed(one.text, 'pass', 3, EDITS.strip_attachments!(one.text));
  expect(two.told).toEqual(['0 sealed example.com by rsa (rsa-sha256), i=2, cv=pass']);
  expect(two.text).toMatch(/^ARC-Seal: i=2; a=rsa-sha256; d=example\.com; s=rsa; t=\d+;\s+cv=pass;/);
  expect(await chainOf(two.text)).toMatchObject({ result: 'pass' });
  expect(await chainOf(two.text.replace('spf=pass', 'spf=fail'))).toMatchObject({ result: 'fail' });
});

test('nothing is sealed upon a chain that fails, that nobody looked at, or of which rules took a part', async () => {
  const { text } = await sealed(AWKWARD.plain!, 'none', 0);
  expect((await sealed(text, 'fail', 3)).told).toEqual(['0 unsealed the chain it came with is fail']);
  expect((await sealed(text, undefined, 3)).told).toEqual(['0 unsealed no check looks at the chain it came with']);
  const less = [{ kind: 'removeField', index: 0 }] as const;
  expect((await sealed(text, 'pass', 3, less)).told).toEqual(['0 unsealed fields of its chain are taken off']);
  expect((await sealed(text, 'pass', 3, less)).text.match(/ARC-Seal/g)).toBeNull();
});

test('a third seal covers the sets before it in their order', async () => {
  let text = AWKWARD.plain!;
  for (let n = 0; n < 3; n++) ({ text } = await sealed(text, n === 0 ? 'none' : 'pass', 3 * n));
  expect(text.match(/^ARC-Seal: i=\d/gm)).toEqual(['ARC-Seal: i=3', 'ARC-Seal: i=2', 'ARC-Seal: i=1']);
  expect(await chainOf(text)).toMatchObject({ result: 'pass' });
});

/** The fields of these sets, as any sealer might have written them. */
const sets = (...instances: readonly number[]): string =>
  instances
    .map(
      (i) => `ARC-Seal: i=${i}; cv=pass\r\nARC-Message-Signature: i=${i}\r\nARC-Authentication-Results: i=${i}; x\r\n`,
    )
    .join('');
const upTo = (count: number) => Array.from({ length: count }, (_, n) => count - n);

test.each([
  ['a chain of as many sets as there may be', sets(...upTo(50)), 150, 'its chain has 50 sets'],
  ['a chain that lacks a set', sets(3, 1), 6, 'set 2 of its chain is not whole'],
  ['a chain that has a set twice', sets(1, 1), 6, 'set 2 of its chain is not whole'],
  [
    'a set that is numbered in another tag',
    sets(1).replace('ARC-Seal: i=1', 'ARC-Seal: bi=1'),
    3,
    'set 1 of its chain is not whole',
  ],
  [
    'more fields than anybody verifies',
    'Cc: x@y.test\r\n'.repeat(200),
    0,
    'more than 150 fields of it would be signed',
  ],
])('nothing is sealed upon %s', async (_, fields, count, why) => {
  const { told } = await sealed(`${fields}${AWKWARD.plain!}`, count === 0 ? 'none' : 'pass', count);
  expect(told).toEqual([`0 unsealed ${why}`]);
});

test('a forty-ninth set has one after it', async () => {
  const { told } = await sealed(`${sets(...upTo(49))}${AWKWARD.plain!}`, 'pass', 147);
  expect(told).toEqual(['0 sealed example.com by rsa (rsa-sha256), i=50, cv=pass']);
});

test('a seal covers the signatures of the sender', async () => {
  const mail = `DKIM-Signature: v=1; d=sender.test; b=abc\r\n${AWKWARD.plain!}`;
  const { text } = await sealed(mail, 'none', 0);
  expect(await chainOf(text)).toMatchObject({ result: 'pass' });
  expect(await chainOf(text.replace('b=abc', 'b=abd'))).toMatchObject({ result: 'fail' });
});

test('what comes to rest here is not sealed, what goes on is', async () => {
  const over = async (route: Route) => {
    const stamps = new Stamps(contentOf(AWKWARD.plain!), 'verified', { signer: undefined, ...sealer('none', 0) });
    return (await stamps.stamp(anEntry(), route)).prefix.includes('ARC-Seal');
  };
  expect(await over(store)).toBe(true);
  expect(await over({ ...store, kind: 'hosts', protocol: 'lmtp' } as Route)).toBe(false);
  expect(await over({ ...store, kind: 'maildir', path: '/m' } as Route)).toBe(false);
});

test('mail of our own senders is not sealed', async () => {
  const { told } = await leaves(AWKWARD.plain!, [], sealer('none', 0), 'trusted');
  expect(told).toEqual([]);
});
