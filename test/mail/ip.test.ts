/** Addresses and ranges: what is one, how it is written, and what lies in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPrivate, networkOf, parseIp, parseRange, RangeSet, rangeContains, reverseName } from '../../src/mail/ip.ts';

describe('an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is written %s', (text, canonical) => {
    expect(parseIp(text)?.text).toBe(canonical);
  });

  test.each([
    '',
    '010.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '1.2.3.4 ',
    '1.2.3.-4',
    '0x1.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7',
    '1:2:3:4::5:6:7:8',
    '12345::',
    ':1::',
    '::1.2.3',
    '1.2.3.4::',
    'fe80::1%eth0',
    '[::1]',
  ])('"%s" is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test('its network is the /24 or /64', () => {
    expect(networkOf(parseIp('192.0.2.77')!)).toBe('192.0.2.0/24');
    expect(networkOf(parseIp('2001:db8:1:2:3:4:5:6')!)).toBe('2001:db8:1:2::/64');
  });

  test('its reverse name is that of RFC 1035 and RFC 3596', () => {
    expect(reverseName(parseIp('192.0.2.1')!)).toBe('1.2.0.192.in-addr.arpa');
    expect(reverseName(parseIp('2001:db8::1')!)).toBe(
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    );
  });

  test.each([
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['100.64.0.1', true],
    ['127.8.8.8', true],
    ['169.254.1.1', true],
    ['192.0.2.1', false],
    ['::1', true],
    ['fe80::1', true],
    ['fd00::1', true],
    ['2001:db8::1', false],
    ['::ffff:10.0.0.1', true],
  ])('%s private: %s', (text, expected) => {
    expect(isPrivate(parseIp(text)!)).toBe(expected);
  });

  test('what is written reads back the same', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (value) => {
        const text = value.toString(16).padStart(32, '0').match(/..../g)!.join(':');
        const ip = parseIp(text)!;
        expect(parseIp(ip.text)).toEqual(ip);
        if (ip.family === 6) expect(ip.value).toBe(value);
      }),
    );
  });
});

describe('a range', () => {
  test.each([
    ['192.0.2.77/24', '192.0.2.0/24'],
    ['192.0.2.1', '192.0.2.1/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['::ffff:192.0.2.9/120', '192.0.2.0/24'],
  ])('%s is %s', (text, expected) => {
    expect(parseRange(text)?.text).toBe(expected);
  });

  test.each(['192.0.2.0/33', '192.0.2.0/-1', '192.0.2.0/', '192.0.2.0/08', '2001:db8::/129', 'example.org/24', '/24'])(
    '"%s" is none',
    (text) => {
      expect(parseRange(text)).toBeUndefined();
    },
  );

  test('a set says the same as asking every range', () => {
    const octet = fc.nat(7);
    const ip = fc.tuple(octet, octet).map(([a, b]) => `10.0.${a}.${b * 30}`);
    const range = fc.tuple(ip, fc.integer({ min: 20, max: 32 })).map(([at, bits]) => parseRange(`${at}/${bits}`)!);
    fc.assert(
      fc.property(fc.array(range), ip, (ranges, text) => {
        const at = parseIp(text)!;
        expect(new RangeSet(ranges).has(at)).toBe(ranges.some((one) => rangeContains(one, at)));
      }),
    );
  });

  test('a set keeps the families apart', () => {
    const set = new RangeSet([parseRange('::/8')!]);
    expect(set.has(parseIp('0.0.0.1')!)).toBe(false);
    expect(set.has(parseIp('::2')!)).toBe(true);
  });
});
