import { describe, expect, test } from 'vitest';
import { dkim } from '../../../src/checks/dkim.ts';
import { days } from '../../../src/mail/time.ts';
import { AWKWARD } from '../../support/awkward-mail.ts';
import { runOn } from '../../support/check-bench.ts';
import { T0 } from '../../support/entries.ts';
import { EDITS, keyRing, leaves, octetsOf, signerOf } from '../../support/signed-variants.ts';

const ring = keyRing();
const zones = Object.fromEntries(Object.entries(ring.records).map(([name, TXT]) => [name, [{ TXT }]]));
const verified = async (text: string, now = T0) => {
  const { facts, evidence } = await runOn(dkim, { zones, message: octetsOf(text), now });
  const signatures = facts.signatures as readonly { selector: string; algorithm: string; result: string }[];
  return { results: signatures.map((one) => `${one.selector} ${one.algorithm} ${one.result}`), evidence };
};
const BOTH = ['rsa rsa-sha256 pass', 'ed ed25519-sha256 pass'];

describe.each(Object.keys(EDITS))('after the edit %s, mailauth verifies both signatures of', (name) => {
  test.each(Object.keys(AWKWARD))('%s', async (mail) => {
    const message = AWKWARD[mail]!;
    for (const pieces of [7, 1000, 1_000_000]) {
      const { text, told } = await leaves(message, EDITS[name]!(message), signerOf(ring), 'trusted', pieces);
      expect(await verified(text)).toMatchObject({ results: BOTH });
      expect(told).toEqual(['0 signed example.com by rsa (rsa-sha256), ed (ed25519-sha256)']);
    }
  });
});

test('the body that is signed is the one that leaves, not the one that came', async () => {
  const message = AWKWARD['a file in it']!;
  const { text } = await leaves(message, EDITS.strip_attachments!(message), signerOf(ring));
  expect(text).toContain('An attachment was removed here');
  expect(text).not.toContain('MZ\r\nMZ');
  expect((await verified(text)).results).toEqual(BOTH);
  expect((await verified(text.replace('removed here', 'removed Here'))).results).toEqual([
    'rsa rsa-sha256 fail',
    'ed ed25519-sha256 fail',
  ]);
});

describe('a field added above breaks the signatures', () => {
  const names = ['From', 'To', 'Cc', 'Subject', 'Date', 'Reply-To', 'Message-ID', 'MIME-Version', 'Content-Type'];
  test.each([...names, 'Content-Transfer-Encoding'])('%s', async (name) => {
    const { text } = await leaves(AWKWARD.plain!, [], signerOf(ring));
    const { results } = await verified(`${name}: x@evil.test\r\n${text}`);
    expect(results.every((one) => !one.endsWith('pass'))).toBe(true);
  });
  test('Content-Language, where the message has one', async () => {
    const { text } = await leaves(AWKWARD['a file in it']!, [], signerOf(ring));
    expect((await verified(`Content-Language: de\r\n${text}`)).results.join()).not.toContain('pass');
  });
  test('Sender and List-Id do not: those who pass it on may add theirs', async () => {
    const { text } = await leaves(AWKWARD.plain!, [], signerOf(ring));
    expect((await verified(`Sender: l@list.test\r\nList-Id: <l.list.test>\r\n${text}`)).results).toEqual(BOTH);
  });
});

test('a signature says who, how and when, no length, and every line of it fits', async () => {
  const { text } = await leaves(AWKWARD['duplicate headers']!, [], signerOf(ring));
  const fields = text.slice(0, text.indexOf('Received:')).split(/\r\n(?=D)/);
  expect(fields).toHaveLength(2);
  const [rsa] = fields.map((field) => field.replace(/\s+/g, ''));
  expect(rsa).toMatch(
    /^DKIM-Signature:v=1;a=rsa-sha256;c=relaxed\/relaxed;d=example\.com;s=rsa;t=\d+;h=from:from:to:to:to:cc:cc:cc:subject:subject:subject:date:date:reply-to:message-id:message-id:mime-version:content-type:content-transfer-encoding;bh=[^;]+;b=[^;]+$/,
  );
  expect(rsa).toContain(`t=${T0 / 1000};`);
  for (const line of text.slice(0, text.indexOf('Received:')).split('\r\n')) expect(line.length).toBeLessThan(79);
});

test('a signature that is to end holds until then', async () => {
  const brief = keyRing({ expire: days(8) });
  const { text } = await leaves(AWKWARD.plain!, [], signerOf(brief));
  const zone = Object.fromEntries(Object.entries(brief.records).map(([name, TXT]) => [name, [{ TXT }]]));
  const at = async (now: number) => (await runOn(dkim, { zones: zone, message: octetsOf(text), now })).facts.result;
  expect(text.replace(/\s+/g, '')).toContain(`t=${T0 / 1000};x=${T0 / 1000 + 8 * 86_400};`);
  expect(await at(T0 + days(7))).toBe('pass');
  expect(await at(T0 + days(9))).not.toBe('pass');
});

describe('nobody signs', () => {
  const mail = (from: string) => AWKWARD.plain!.replace('From: Alice <alice@example.com>', from);
  test.each([
    ['a From of another domain', mail('From: a@example.org'), 'no key signs for example.org'],
    ['one whose name only ends alike', mail('From: a@notexample.com'), 'no key signs for notexample.com'],
    ['two From fields', mail('From: a@example.com\r\nFrom: b@example.com'), 'it has 2 From fields'],
    ['no From', mail('X: y'), 'it has 0 From fields'],
    ['two addresses in From', mail('From: a@example.com, b@example.com'), 'its From does not name exactly one address'],
    [
      'one address and something else that may be one',
      mail('From: a@example.com, <b@evil@x>'),
      'its From does not name exactly one address',
    ],
    [
      'a line that is no field',
      mail('From: a@example.com\r\nnothing here'),
      /^in its header section, line 2 is neither/,
    ],
    [
      'more fields than anybody verifies',
      mail(`From: a@example.com${'\r\nCc: x@y.test'.repeat(200)}`),
      /^more than 150/,
    ],
  ])('%s', async (_, message, why) => {
    const { text, told } = await leaves(message, [], signerOf(ring));
    expect(text).not.toContain('DKIM-Signature');
    expect(told).toEqual([
      expect.stringMatching(
        why instanceof RegExp ? new RegExp(why.source.replace('^', '^0 unsigned ')) : `^0 unsigned ${why}$`,
      ),
    ]);
  });

  test.each(['verified', 'unverified'] as const)('mail from outside that is forwarded: %s', async (sender) => {
    const { text, told } = await leaves(AWKWARD.plain!, [], signerOf(ring), sender);
    expect(text).not.toContain('DKIM-Signature');
    expect(told).toEqual([]);
  });

  test('with keys that are published or retired', async () => {
    for (const state of ['publish', 'retired'] as const) {
      const { told } = await leaves(AWKWARD.plain!, [], signerOf(keyRing({ state })));
      expect(told).toEqual(['0 unsigned no key signs for example.com']);
    }
  });
});

test('mail of a subdomain is signed by the nearest domain above that has an active key', async () => {
  const mail = AWKWARD.plain!.replace('alice@example.com', 'alice@Deep.News.example.com');
  expect((await leaves(mail, [], signerOf(ring))).text).toContain(' d=example.com;');
  const [rsa] = ring.signing.get('example.com')!;
  const signing = new Map([...ring.signing, ['news.example.com', [rsa!]], ['deep.news.example.com', []]]);
  expect((await leaves(mail, [], signerOf({ ...ring, signing }))).text).toContain(' d=news.example.com;');
});

test('a key that cannot be read is a fault of ours: nothing goes out unsigned in its place', async () => {
  const signing = new Map([['example.com', [{ ...ring.signing.get('example.com')![0]!, keyFile: '/nowhere/k.pem' }]]]);
  await expect(leaves(AWKWARD.plain!, [], signerOf({ ...ring, signing }))).rejects.toThrow(
    /Cannot sign with \/nowhere/,
  );
});
