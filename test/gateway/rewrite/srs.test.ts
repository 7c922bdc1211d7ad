/** Rewritten senders: there and back, by whichever key, and by nobody who does not hold one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSrsKeys, Srs } from '../../../src/gateway/rewrite/srs.ts';
import { parseMailbox } from '../../../src/mail/address.ts';
import type { Mailbox } from '../../../src/mail/envelope.ts';
import { days } from '../../../src/mail/time.ts';

const NOW = Date.UTC(2026, 10, 28, 12);
const KEY = 'k'.repeat(32);
const OLD = 'o'.repeat(32);
const srs = new Srs('ours.test', [KEY]);
const mailbox = (text: string): Mailbox => {
  const parsed = parseMailbox(text, true);
  if (parsed.kind === 'bad') throw new Error(parsed.why);
  return parsed.value;
};
const forward = (by: Srs, text: string, at = NOW): string => {
  const made = by.forward(mailbox(text), at);
  return made.kind === 'rewritten' ? made.mailbox.address : made.kind;
};
const restore = (by: Srs, text: string, at = NOW): string | undefined => {
  const back = by.restore(mailbox(text), at);
  return back?.kind === 'restored' ? back.mailbox.address : back?.why;
};

test('whoever sends, the address comes back, in capitals and small letters alike', () => {
  const local = fc.stringMatching(/^[a-z0-9+=_.-]{0,18}[a-z0-9]$/).filter((text) => !/^\.|\.\./.test(text));
  fc.assert(
    fc.property(local, fc.constantFrom('sender.test', 'a-b.example'), fc.nat(20), (user, domain, age) => {
      const address = `${user}@${domain}`;
      fc.pre(!/^srs[01][=+-]/i.test(user));
      const made = forward(srs, address);
      expect(made).toMatch(/^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=.*@ours\.test$/);
      for (const form of [made, made.toUpperCase(), made.toLowerCase()])
        expect(restore(srs, form, NOW + days(age))?.toLowerCase()).toBe(address);
    }),
  );
});

test('what another forwarder rewrote grows once, and leads back to it', () => {
  const first = forward(new Srs('other.test', [OLD]), 'alice@sender.test');
  const second = forward(srs, first);
  expect(second).toMatch(/^SRS1=[a-z2-7]{8}=other\.test==/);
  expect(restore(srs, second)).toBe(first);
  const third = forward(new Srs('third.test', [OLD]), second);
  expect(third).toMatch(/^SRS1=[a-z2-7]{8}=other\.test==/);
  expect(restore(new Srs('third.test', [OLD]), third)).toBe(first);
});

test('an older key is taken and does not sign', () => {
  const made = forward(new Srs('ours.test', [OLD]), 'alice@sender.test');
  expect(restore(new Srs('ours.test', [KEY, OLD]), made)).toBe('alice@sender.test');
  expect(forward(new Srs('ours.test', [KEY, OLD]), 'alice@sender.test')).toBe(forward(srs, 'alice@sender.test'));
  expect(restore(srs, made)).toBe('it is none that was written here');
});

test('every character of it counts', () => {
  const made = forward(srs, 'alice@sender.test');
  const at = made.indexOf('@');
  for (let n = 5; n < at; n++) {
    const letter = made[n] === 'b' ? 'c' : 'b';
    const changed = `${made.slice(0, n)}${letter}${made.slice(n + 1)}`;
    expect(restore(srs, changed), changed).toBe('it is none that was written here');
  }
});

test('after 21 days it leads nowhere, and the years in which days begin anew do not matter', () => {
  const made = forward(srs, 'alice@sender.test');
  expect(restore(srs, made, NOW + days(21))).toBe('alice@sender.test');
  expect(restore(srs, made, NOW + days(22))).toBe('its 21 days are over');
  const late = days(1024) * 20 - days(3);
  expect(restore(srs, forward(srs, 'alice@sender.test', late), late + days(5))).toBe('alice@sender.test');
});

describe('no address of ours', () => {
  test.each(['alice@ours.test', 'srs@ours.test', 'SRS0=x=aa=b=c@elsewhere.test', 'SRS0@ours.test'])('%s', (text) => {
    expect(srs.restore(mailbox(text), NOW)).toBeUndefined();
  });
});

test('a sender that no local part holds is not rewritten', () => {
  expect(forward(srs, `${'a'.repeat(40)}@sender.example`)).toBe('too-long');
});

test.each([
  ['', 'it holds no key'],
  ['# nothing\n\n', 'it holds no key'],
  ['short\n', 'a key in it has fewer than 32 characters'],
  [`${KEY}\n`.repeat(9), 'it holds more than 8 keys'],
])('a file of keys %j is not taken: %s', (text, why) => {
  expect(readSrsKeys(text)).toMatchObject({ kind: 'wrong', why });
});

test('of a file of keys the first stands first', () => {
  expect(readSrsKeys(`# new\n${KEY}\r\n${OLD}`)).toEqual({ kind: 'keys', keys: [KEY, OLD] });
});
