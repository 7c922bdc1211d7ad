/** The mail itself: valid whatever stands in it, with an end, and nothing in it that a program would make a link of. */
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import { composeDigest, type DigestItem, type DigestParts } from '../../../src/gateway/digest/compose.ts';
import { shown } from '../../../src/gateway/digest/shown.ts';
import { quotedPrintable } from '../../../src/mail/quoted-printable.ts';
import { T0 } from '../../support/entries.ts';

const item = (changes: Partial<DigestItem> = {}): DigestItem => ({
  from: 'Anna <anna@shop[.]example>',
  subject: 'Hallo, Wörld',
  at: T0,
  class: 'spam',
  reason: 'score 7',
  link: 'https://q.example.com/release/x',
  ...changes,
});
const parts = (changes: Partial<DigestParts> = {}): DigestParts => ({
  id: '3f9k2m7q0d5xa',
  hostname: 'mx1.example.com',
  from: 'it@example.com',
  to: 'bob@example.com',
  at: T0,
  timeZone: 'UTC',
  expires: T0 + 7 * 86_400_000,
  items: [item()],
  more: 0,
  others: new Map(),
  ...changes,
});

test('a mail says what there is and what is not listed', async () => {
  const octets = composeDigest(
    parts({
      more: 312,
      others: new Map([
        ['malware', 1],
        ['policy', 2],
      ]),
    }),
  );
  const { text, subject, html } = await simpleParser(octets);
  expect(subject).toBe('313 messages were held for you');
  expect(text).toContain(
    '1. From:    Anna <anna@shop[.]example>\n   Subject: Hallo, Wörld\n   Held:    2026-11-22 10:00 (UTC), spam: score 7',
  );
  expect(text).toContain('And 312 more, which are not listed here');
  expect(text).toContain('3 others were held that you cannot release yourself (1 malware, 2 policy)');
  expect(text).toContain('It holds until 2026-11-29 10:00 (UTC) and for one release');
  expect(html).toContain('Hallo, Wörld');
});

test('no text from outside is markup in the part that is HTML', async () => {
  const bad = '<b onload="x">&amp;';
  const { html } = await simpleParser(
    composeDigest(parts({ items: [item({ from: bad, subject: bad, reason: bad })] })),
  );
  expect(String(html).match(/&#60;b onload=&#34;x&#34;&#62;&#38;amp;/g)).toHaveLength(3);
  expect(html).not.toContain('<b onload');
});

test('without a link to give there is none, and nothing is said of links', async () => {
  const { text, html } = await simpleParser(composeDigest(parts({ items: [item({ link: '', class: 'malware' })] })));
  expect(text).not.toContain('Release:');
  expect(text).not.toContain('A link');
  expect(text).toContain('What has no link you cannot release yourself: ask it@example.com.');
  expect(html).not.toContain('href');
});

test('any text comes back from quoted-printable, in short seven-bit lines', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 400 }), async (text) => {
      const line = text.replace(/[\r\n]/g, ' ').toWellFormed();
      const encoded = quotedPrintable(line);
      for (const one of encoded.split('\r\n')) expect(one).toMatch(/^[\t\x20-\x7e]{0,76}$/);
      const decoded = encoded
        .replaceAll('=\r\n', '')
        .replace(/((?:=[0-9A-F]{2})+)/g, (run) => Buffer.from(run.replaceAll('=', ''), 'hex').toString());
      expect(decoded).toBe(line);
    }),
  );
});

test.each([
  ['see https://evil.example/x?y now', 'see https[:]//evil[.]example/x?y now'],
  ['www.evil.example', 'www[.]evil[.]example'],
  ['write to anna@evil.example', 'write to anna@evil[.]example'],
  ['javascript:alert(1)', 'javascript[:]alert(1)'],
  ['münchen。de and xn--a.de', 'münchen[.]de and xn--a[.]de'],
  ['1.2.3.4 and v1.5, 10:30. Re: hello', '1.2.3.4 and v1.5, 10:30. Re: hello'],
  ['http://192.0.2.1/', 'http[:]//192.0.2.1/'],
  ['ex\u00adample\u200b.c\u2060om', 'example[.]com'],
  ['a\u202etxt.exe', 'atxt[.]exe'],
  ['\u001b[31mred\u0007', '\\x1b[31mred\\x07'],
])('%j is shown as %j', (text, expected) => {
  expect(shown(text, 200)).toBe(expected);
});

test('what is shown is bounded, and has no control character and no link', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.emailAddress(), fc.string({ unit: 'binary', maxLength: 500 })), (text) => {
      const safe = shown(text, 160);
      expect(safe.length).toBeLessThan(160 * 3);
      expect(safe).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]|\p{L}:\/\/|[\p{L}\p{N}]\.\p{L}/u);
    }),
    { numRuns: 1000 },
  );
});
