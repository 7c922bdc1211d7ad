/** Tokens: only what we signed, for whom we signed it, as long as we said. */
import { createHmac } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestKeys } from '../../../src/adapters/files/digest-keys.ts';
import { fingerprintOf, readRight, signRight } from '../../../src/gateway/digest/token.ts';
import { days } from '../../../src/mail/time.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

const NOW = Date.UTC(2026, 10, 22, 10);
const KEY = Buffer.alloc(32, 7);
const ITEM = '3f9k2m7q0d5xa.1';
const token = signRight(ITEM, 'Bob@example.com', NOW + days(7), KEY);

test('what was signed is read, by any of the keys, until its time is over', () => {
  const right = { item: ITEM, whose: fingerprintOf('bob@EXAMPLE.com'), expires: NOW + days(7) };
  expect(readRight(token, [Buffer.alloc(32), KEY], NOW)).toEqual(right);
  expect(readRight(token, [KEY], NOW + days(7) - 1)).toEqual(right);
  expect(readRight(token, [KEY], NOW + days(7))).toBeUndefined();
  expect(readRight(token, [Buffer.alloc(32)], NOW)).toBeUndefined();
  expect(readRight(token, [], NOW)).toBeUndefined();
  expect(token).toMatch(/^[A-Za-z0-9._-]+$/);
  expect(token.length).toBeLessThanOrEqual(72);
});

test('the key signs what the token is for: the same text signed for another end is none', () => {
  const body = token.slice(0, token.lastIndexOf('.'));
  const mac = createHmac('sha256', KEY).update(body).digest().subarray(0, 16).toString('base64url');
  expect(readRight(`${body}.${mac}`, [KEY], NOW)).toBeUndefined();
});

test('no other text is a right, however near it comes', () => {
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
      const altered = token.slice(0, at) + put + token.slice(at + 1);
      fc.pre(altered !== token);
      expect(readRight(altered, [KEY], NOW)).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.string(), (text) => readRight(text, [KEY], NOW) === undefined));
  // The last letter of the signature has bits that say nothing: one spelling alone is taken.
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
    if (!token.endsWith(letter)) expect(readRight(token.slice(0, -1) + letter, [KEY], NOW)).toBeUndefined();
});

test('keys are exchanged each month, and accepted until their last link is over', () => {
  const folder = temporaryFolder();
  const keys = digestKeys(folder);
  const first = keys.signing(NOW);
  expect(keys.signing(NOW + days(29))).toEqual(first);
  const second = digestKeys(folder).signing(NOW + days(31));
  expect(second).not.toEqual(first);
  const again = digestKeys(folder);
  expect(again.accepted(NOW + days(90))).toEqual([second, first]);
  expect(again.accepted(NOW + days(92))).toEqual([second]);
  again.signing(NOW + days(200));
  expect(JSON.parse(readFileSync(join(folder, 'digest-keys.json'), 'utf8'))).toHaveLength(2);
});

test.each([
  ['{"no":"keys"}', 0o600, /not what the gateway wrote\nremove it/],
  ['[]', 0o604, /others may read it\n/],
])('a file of keys that says %s with mode %o is refused', (text, mode, said) => {
  const folder = temporaryFolder();
  const file = join(folder, 'digest-keys.json');
  writeFileSync(file, text);
  chmodSync(file, mode);
  expect(() => digestKeys(folder)).toThrow(said);
});
