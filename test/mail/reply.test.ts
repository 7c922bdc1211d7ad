/** Replies on the wire, and text from outside made safe. */
import { describe, expect, test } from 'vitest';
import { clean, formatReply, parseReply } from '../../src/mail/reply.ts';

describe('a reply of ours', () => {
  test.each([
    [{ code: 250, enhanced: '2.0.0', text: 'queued' }, '250 2.0.0 queued\r\n'],
    [{ code: 354, enhanced: '', text: 'go ahead' }, '354 go ahead\r\n'],
    [{ code: 550, enhanced: '5.7.1', text: 'no\nsee there' }, '550-5.7.1 no\r\n550 5.7.1 see there\r\n'],
    [{ code: 550, enhanced: '5.7.1', text: 'a\x1b[2Jb\0\tü\u{1f600}' }, '550 5.7.1 a?[2Jb? ??\r\n'],
    [{ code: 250, enhanced: '', text: '' }, '250 \r\n'],
  ])('%j', (reply, wire) => {
    expect(formatReply(reply)).toBe(wire);
  });
  test('long lines are wrapped between words, each within 512 octets', () => {
    for (const text of ['word '.repeat(400), 'x'.repeat(2000)]) {
      const lines = formatReply({ code: 550, enhanced: '5.7.1', text }).split(/(?<=\n)/);
      expect(lines.length).toBeGreaterThan(3);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(512);
      for (const line of lines.slice(0, -1)) expect(line).toMatch(/^550-5\.7\.1 /);
      expect(lines.at(-1)).toMatch(/^550 5\.7\.1 /);
    }
  });
});

describe('a reply of a peer', () => {
  test.each([
    [['250 ok'], { code: 250, enhanced: '', text: 'ok' }],
    [['250'], { code: 250, enhanced: '', text: '' }],
    [['550-5.1.1 no', '550 5.1.1 such user'], { code: 550, enhanced: '5.1.1', text: 'no such user' }],
    [['550 4.1.1 odd'], { code: 550, enhanced: '', text: '4.1.1 odd' }],
    [['550 5.1.1'], { code: 550, enhanced: '5.1.1', text: '' }],
    [['421 \x1b]0;x\x07'], { code: 421, enhanced: '', text: '\\x1b]0;x\\x07' }],
    [['hello'], { code: 451, enhanced: '', text: 'not a reply: hello' }],
    [['999 hello'], { code: 451, enhanced: '', text: 'not a reply: 999 hello' }],
    [[], { code: 451, enhanced: '', text: 'not a reply: ' }],
  ])('%j', (lines, reply) => {
    expect(parseReply(lines)).toEqual(reply);
  });
  test('is bounded', () => {
    expect(parseReply(Array.from({ length: 1000 }, () => `550-${'x'.repeat(500)}`).concat('550 x')).text.length).toBe(
      1000,
    );
  });
});

describe('text from outside', () => {
  test.each([
    ['plain', 10, 'plain'],
    ['a\x1b[31m\r\n\x7f\x9b', 50, 'a\\x1b[31m\\x0d\\x0a\\x7f\\x9b'],
    ['a\u202eb\u2028', 50, 'a\\u202eb\\u2028'],
    ['a\ud800b', 50, 'a\\ud800b'],
    ['\u{1f600}', 50, '\u{1f600}'],
    ['x'.repeat(20), 10, 'xxxxxxx...'],
    ['\0\0\0\0', 10, '\\x00\\x0...'],
    ['abc', 2, '..'],
  ])('%j within %d is %j', (text, limit, expected) => {
    expect(clean(text, limit)).toBe(expected);
  });
});
