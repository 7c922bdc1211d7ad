/** The check dkim: what a signature is worth, and what it may cost. */
import { beforeAll, describe, expect, test } from 'vitest';
import { dkim } from '../../src/checks/dkim.ts';
import { HEADER_OCTETS_MAX } from '../../src/mail/header.ts';
import { runOn } from '../support/check-bench.ts';
import { ed25519Key, rsaKey, type SigningKey, sealed, signed } from '../support/signing.ts';

const plain =
  'From: Alice <a@one.example>\r\nSubject: Hello\r\nDate: Sun, 22 Nov 2026 09:00:00 +0000\r\n\r\nBody of it.\r\n';
let one: SigningKey;
let two: SigningKey;
let zones: { [name: string]: unknown[] };

beforeAll(() => {
  one = ed25519Key();
  two = rsaKey(1024);
  zones = {
    's1._domainkey.one.example': [{ TXT: one.record }],
    's1._domainkey.two.example': [{ TXT: two.record }],
    's1._domainkey.revoked.example': [{ TXT: 'v=DKIM1; k=rsa; p=' }],
    's1._domainkey.slow.example': ['TIMEOUT'],
  };
});
const check = (message: string, more: { now?: number } = {}) =>
  runOn(dkim, { zones, message: Buffer.from(message, 'latin1'), ...more });
const results = (facts: { readonly [fact: string]: unknown }) =>
  (facts.signatures as readonly { domain: string; result: string }[]).map(
    ({ domain, result }) => `${domain} ${result}`,
  );

describe('dkim', () => {
  test('a message without a signature asks nothing', async () => {
    const { facts, asked } = await check(plain);
    expect(facts).toEqual({ result: 'none', signatures: [], domains: [] });
    expect(asked).toEqual([]);
  });

  test('a body in many pieces, whose ends lie within lines', async () => {
    const long = Array.from({ length: 200 }, (_, n) => `${n}${' word'.repeat(n % 40)}\r\n`).join('');
    const { facts } = await check(await signed(`${plain}${long}`, 'one.example', one));
    expect(facts).toMatchObject({ result: 'pass' });
  });

  test('signatures are told in the order of the header section, domains once', async () => {
    const twice = await signed(await signed(plain, 'one.example', one), 'one.example', one);
    const { facts, evidence } = await check(await signed(twice, 'two.example', two));
    expect(facts).toEqual({
      result: 'pass',
      signatures: [
        { domain: 'two.example', selector: 's1', algorithm: 'rsa-sha256', result: 'pass' },
        { domain: 'one.example', selector: 's1', algorithm: 'ed25519-sha256', result: 'pass' },
        { domain: 'one.example', selector: 's1', algorithm: 'ed25519-sha256', result: 'pass' },
      ],
      domains: ['two.example', 'one.example'],
    });
    expect(evidence).toEqual({});
  });

  test.each([
    [
      'a changed body',
      async () => (await signed(plain, 'one.example', one)).replace('Body', 'Bogy'),
      'fail',
      /body hash/,
    ],
    [
      'a changed subject',
      async () => (await signed(plain, 'one.example', one)).replace('Hello', 'Hullo'),
      'fail',
      /bad signature/,
    ],
    ['a key that is not there', () => signed(plain, 'absent.example', one), 'neutral', /no key/],
    ['a revoked key', () => signed(plain, 'revoked.example', two), 'neutral', /key/],
    ['DNS that does not answer', () => signed(plain, 'slow.example', one), 'temperror', /ETIMEOUT/],
    ['rsa-sha1', () => signed(plain, 'two.example', two, { algorithm: 'rsa-sha1' }), 'policy', /weak algorithm/],
    [
      'a signature without From',
      async () => (await signed(plain, 'one.example', one)).replace(/h=[^;]*;/, 'h=Subject;'),
      'neutral',
      /From field not signed/,
    ],
    [
      'no algorithm we know',
      async () => (await signed(plain, 'one.example', one)).replace('ed25519-sha256', 'gost-sha256'),
      'neutral',
      /algorithm/,
    ],
  ])('%s', async (_name, message, result, why) => {
    const { facts, evidence } = await check(await message());
    expect(facts.result).toBe(result);
    expect(facts.domains).toEqual([]);
    expect((evidence.signatures as readonly { why: string }[])[0]!.why).toMatch(why);
  });

  test('a short key is policy', async () => {
    const short = rsaKey(768);
    const message = await signed(plain, 'short.example', short);
    const { facts } = await runOn(dkim, {
      zones: { 's1._domainkey.short.example': [{ TXT: short.record }] },
      message: Buffer.from(message),
    });
    expect(facts.result).toBe('policy');
  });

  test("a signature runs out by the record's time, not by ours", async () => {
    const message = await signed(plain, 'one.example', one, { expires: new Date('2026-11-23T00:00:00Z') });
    expect((await check(message, { now: Date.parse('2026-11-22T23:59:00Z') })).facts.result).toBe('pass');
    expect((await check(message, { now: Date.parse('2026-11-23T00:01:00Z') })).facts.result).toBe('neutral');
  });

  test('one that holds is worth more than one that does not', async () => {
    const { facts } = await check(await signed(await signed(plain, 'one.example', one), 'absent.example', two));
    expect(facts.result).toBe('pass');
    expect(results(facts)).toEqual(['absent.example neutral', 'one.example pass']);
  });

  test('a signature over part of the body says so on record', async () => {
    const message = `${await signed(plain, 'one.example', one, { maxBodyLength: 4 })}More of it.\r\n`;
    const { facts, evidence } = await check(message);
    expect(facts.result).toBe('pass');
    expect(JSON.stringify(evidence.signatures)).toMatch(/leaves \d+ octets of the body unsigned/);
  });

  test('beyond a bound signatures are neither looked up nor believed', async () => {
    let message = plain;
    for (let count = 0; count < 13; count++)
      message = await signed(message, count === 0 ? 'one.example' : `n${count}.example`, one);
    const { facts, asked } = await check(message);
    expect(asked.length).toBe(10);
    expect(facts.domains).toEqual([]);
    expect((facts.signatures as unknown[]).length).toBe(13);
  });

  test('keys of ARC are not looked up', async () => {
    const { asked } = await check(
      await sealed(await signed(plain, 'one.example', one), 'seal.example', one, 'dmarc=pass'),
    );
    expect(asked).toEqual(['TXT s1._domainkey.one.example']);
  });

  test('a header section beyond the bound is not read', async () => {
    const message = await signed(`X: ${'x'.repeat(HEADER_OCTETS_MAX)}\r\n${plain}`, 'one.example', one);
    const { facts, asked } = await check(message);
    expect(facts).toEqual({ result: 'permerror', signatures: [], domains: [] });
    expect(asked).toEqual([]);
  });

  test('names in a signature come clean', async () => {
    const message = (await signed(plain, 'one.example', one)).replace('d=one.example', 'd=one\x1b[2Jexample');
    const { facts } = await check(message);
    expect(results(facts)).toEqual(['one\\x1b[2Jexample neutral']);
  });
});
