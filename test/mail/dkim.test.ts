/** Fields that sign: what they cover of a header section, how often, from which end, and how they are written. */
import { expect, test } from 'vitest';
import { chosenFields, namesToSign, relaxField, signedField, unsignedField } from '../../src/mail/dkim.ts';

const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const timesOf = (names: readonly string[], of: string): number => names.filter((name) => name === of).length;

test.each([
  ['Subject : a  b\t\tc \r\n\td', 'subject:a b c d'],
  ['SUBJECT:x', 'subject:x'],
  ['X:\r\n ', 'x:'],
])('%j is read as %j (RFC 6376 §3.4.2)', (field, relaxed) => {
  expect(relaxField(field)).toBe(relaxed);
});

test('what a person reads is signed once more than it is there, what others add as often as it is', () => {
  const names = namesToSign(
    named(
      'from',
      'to',
      'to',
      'content-language',
      'list-id',
      'list-id',
      'sender',
      'received',
      'x-spam',
      'dkim-signature',
    ),
    ['dkim-signature'],
  );
  const counted = ['from', 'to', 'cc', 'content-language', 'list-id', 'sender', 'dkim-signature', 'received', 'x-spam'];
  expect(counted.map((name) => timesOf(names, name))).toEqual([2, 3, 1, 2, 2, 1, 1, 0, 0]);
  expect(timesOf(namesToSign(named('from', 'dkim-signature')), 'dkim-signature')).toBe(0);
});

test('of fields with one name the lowest is chosen first; a name too many chooses nothing (RFC 6376 §5.4.2)', () => {
  const fields = [
    { name: 'to', raw: 'To: first' },
    { name: 'to', raw: 'To:  second' },
    { name: 'cc', raw: 'Cc: c' },
  ];
  expect(chosenFields(fields, ['to', 'to', 'to', 'cc', 'from'])).toBe('to:second\r\nto:first\r\ncc:c\r\n');
});

test('a field is folded between tags and at the colons of names, and nowhere else', () => {
  const names = Array.from({ length: 30 }, (_, n) => `name${n}`).join(':');
  const unsigned = unsignedField('DKIM-Signature', [
    ['v', '1'],
    ['h', names],
    ['bh', 'x'.repeat(44)],
  ]);
  expect(unsigned).toMatch(/^DKIM-Signature: v=1; h=name0:[\s\S]*\r\n\tb=$/);
  const lines = unsigned.split('\r\n');
  for (const line of lines) expect(line.length).toBeLessThan(79);
  for (const line of lines.slice(1)) expect(line).toMatch(/^\t\S/);
  expect(unsigned.replace(/\r\n\t/g, '').replace(/ /g, '')).toBe(
    `DKIM-Signature:v=1;h=${names};bh=${'x'.repeat(44)};b=`,
  );
  const signed = signedField(unsigned, 'y'.repeat(150));
  expect(signed.slice(unsigned.length)).toBe(`${'y'.repeat(70)}\r\n\t ${'y'.repeat(70)}\r\n\t ${'y'.repeat(10)}\r\n`);
});
