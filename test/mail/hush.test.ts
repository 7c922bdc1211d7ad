/** A secret said back is masked in whatever coding, and nothing else is. */
import { expect, test } from 'vitest';
import { HUSHED, hush } from '../../src/mail/hush.ts';
import { codings } from '../support/planted.ts';

const SECRET = 'pläce+of/"keys"';

test.each(codings(SECRET))('%s', (form) => {
  expect(hush(`535 not ${form}, try again`, [undefined, SECRET])).toBe(`535 not ${HUSHED}, try again`);
});

test('within the words of AUTH PLAIN, whatever the length of the name', () => {
  for (const user of ['a', 'ab', 'abc', 'relay@example.com']) {
    const words = Buffer.from(`\0${user}\0${SECRET}`).toString('base64');
    const left = hush(words, [SECRET]);
    expect(left).toContain(HUSHED);
    expect(Buffer.from(left.replace(/\(masked\).*/, ''), 'base64').toString()).not.toContain('äc');
  }
});

test('of a short one no coding is looked for, and no secret hides nothing', () => {
  expect(hush('250 2.1.0 cafe', ['cafe'])).toBe(`250 2.1.0 ${HUSHED}`);
  expect(hush('250 ok YQ', ['a'])).toBe('250 ok YQ');
  expect(hush('250 ok', ['', undefined])).toBe('250 ok');
});
