/** Names and passwords compared as RFC 4013 says. */
import { expect, test } from 'vitest';
import { sameUser, saslprep } from '../../src/mail/user-name.ts';

test.each([
  ['I\u00adX', 'IX'],
  ['user', 'user'],
  ['USER', 'USER'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['a\u00a0b', 'a b'],
  ['p\u0061\u0308ss', 'p\u00e4ss'],
])('%j is prepared as %j (RFC 4013 section 3)', (text, prepared) => expect(saslprep(text)).toBe(prepared));

test.each(['\u0007', 'a\u007f', '\ue000', 'a\ud800', '\u{e0001}'])('%j holds what must not stand there', (text) =>
  expect(saslprep(text)).toBeUndefined(),
);

test('a user is one however it is typed, and no name has blanks or is endless', () => {
  expect(sameUser('Alice@Example.COM')).toBe('alice@example.com');
  for (const no of ['', 'a b', 'a\tb', 'a\nb', 'x'.repeat(255)]) expect(sameUser(no)).toBeUndefined();
});
