/** Zones written for rehearsals answer as DNS would. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseZones } from '../../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../../src/gateway/dns/zone-resolver.ts';
import type { DnsAnswer, DnsType } from '../../../src/ports/resolver.ts';

const ZONES = `
example.com: [{TXT: "v=spf1 -all"}, {MX: [10, MX.example.com.]}, {MX: 20 mx2.example.com}, {TTL: 60}, {AD: true}]
Mx.Example.com: [{A: 192.0.2.1}, {AAAA: "2001:DB8::1"}, {SPF: ignored}]
long.example: [{TXT: ["v=spf1 ", "-all"]}]
null.example: [{MX: [0, "."]}]
1.2.0.192.in-addr.arpa: [{PTR: mx.example.com}]
_25._tcp.mx.example.com: [{TLSA: [3, 1, 1, "00FF"]}, {TLSA: 2 0 1 ab}]
slow.example: [TIMEOUT, {A: 192.0.2.2}]
broken.example: [SERVFAIL]
alias.example: [{CNAME: mx.example.com}, {TTL: 900}]
secure-alias.example: [{CNAME: example.com}, {AD: true}]
plain-alias.example: [{CNAME: example.com}]
nowhere.example: [{CNAME: gone.example}]
slow-alias.example: [{CNAME: slow.example}]
odd-alias.example: [{CNAME: a..b}]
loop-a.example: [{CNAME: loop-b.example}]
loop-b.example: [{CNAME: loop-a.example}]
empty.example: []
a.b.c.deep.example: [{A: 192.0.2.3}]
EXAMPLE.com: [{NS: ns.example.com}]
`;

const parsed = parseZones(parse(ZONES));
if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
const resolver = zoneResolver(parsed.zones);
const ask = (name: string, type: DnsType) => resolver.resolve(name, type, new AbortController().signal);

/** An answer in words: records, or why there are none. */
function say(answer: DnsAnswer): string {
  switch (answer.kind) {
    case 'empty':
      return `${answer.rcode} ${answer.why}`;
    case 'failed':
      return `failed ${answer.cause}${answer.rcode === '' ? '' : ` ${answer.rcode}`}`;
    case 'found':
      return answer.records.map(({ type: _, ...rest }) => Object.values(rest).join(' ')).join(' | ');
  }
}

describe('a zone table answers', () => {
  test.each<[string, DnsType, string]>([
    ['example.com', 'TXT', 'v=spf1 -all'],
    ['EXAMPLE.COM.', 'MX', '10 mx.example.com | 20 mx2.example.com'],
    ['example.com', 'NS', 'ns.example.com'],
    ['example.com', 'A', 'NOERROR noData'],
    ['mx.example.com', 'AAAA', '2001:db8::1'],
    ['long.example', 'TXT', 'v=spf1 -all'],
    ['null.example', 'MX', '0 '],
    ['1.2.0.192.in-addr.arpa', 'PTR', 'mx.example.com'],
    ['2.0.192.in-addr.arpa', 'PTR', 'NOERROR noData'],
    ['2.2.0.192.in-addr.arpa', 'PTR', 'NXDOMAIN noSuchName'],
    ['_25._tcp.mx.example.com', 'TLSA', '3 1 1 00ff | 2 0 1 ab'],
    ['slow.example', 'A', '192.0.2.2'],
    ['slow.example', 'AAAA', 'failed timeout'],
    ['broken.example', 'A', 'failed servfail SERVFAIL'],
    ['alias.example', 'A', '192.0.2.1'],
    ['alias.example', 'CNAME', 'mx.example.com'],
    ['alias.example', 'MX', 'NOERROR noData'],
    ['nowhere.example', 'A', 'NXDOMAIN noSuchName'],
    ['slow-alias.example', 'A', '192.0.2.2'],
    ['slow-alias.example', 'MX', 'failed timeout'],
    ['odd-alias.example', 'A', 'NXDOMAIN noSuchName'],
    ['loop-a.example', 'A', 'failed limit'],
    ['empty.example', 'A', 'NOERROR noData'],
    ['deep.example', 'A', 'NOERROR noData'],
    ['c.deep.example', 'A', 'NOERROR noData'],
    ['x.deep.example', 'A', 'NXDOMAIN noSuchName'],
    ['example', 'A', 'NOERROR noData'],
    ['unknown.test', 'A', 'NXDOMAIN noSuchName'],
  ])('%s %s: %s', async (name, type, expected) => {
    expect(say(await ask(name, type))).toBe(expected);
  });

  test.each([
    ['an empty label', 'a..example.com'],
    ['a leading dot', '.example.com'],
    ['two dots at the end', 'example.com..'],
    ['a label of 64 octets', `${'a'.repeat(64)}.example.com`],
    ['a label of 64 octets in 32 letters', `${'é'.repeat(32)}.example.com`],
    ['a name of 254 octets', `${'abcdefg.'.repeat(31)}abcdef`],
    ['a NUL, a space and a quote', 'a\0b "c.example.com'],
    ['an object key of JavaScript', '__proto__'],
    ['a lone surrogate', '\ud800.example'],
    ['a Kelvin sign for a k', '\u212a.example'],
  ])('%s is a name that does not exist', async (_, name) => {
    expect(say(await ask(name, 'TXT'))).toBe('NXDOMAIN noSuchName');
  });

  test('the TTL is the least along the way and 300 where none is written', async () => {
    expect((await ask('example.com', 'TXT')).ttl).toBe(60);
    expect((await ask('alias.example', 'A')).ttl).toBe(300);
    expect((await ask('alias.example', 'CNAME')).ttl).toBe(900);
    expect((await ask('unknown.test', 'A')).ttl).toBe(300);
  });

  test('an answer is secure only when every name on the way is', async () => {
    expect((await ask('secure-alias.example', 'TXT')).secure).toBe(true);
    expect((await ask('alias.example', 'A')).secure).toBe(false);
    expect((await ask('plain-alias.example', 'TXT')).secure).toBe(false);
    expect((await ask('example.com', 'A')).secure).toBe(true);
  });

  test('an aborted question is cancelled', async () => {
    expect(say(await resolver.resolve('example.com', 'TXT', AbortSignal.abort()))).toBe('failed cancelled');
  });
});

describe('a mistake in zones is said with its place', () => {
  test.each<[string, string, readonly (string | number)[], RegExp]>([
    ['no map', '[1]', [], /map of names/],
    ['no list', 'a.example: {A: 192.0.2.1}', ['a.example'], /must have a list/],
    ['two keys', 'a.example: [{A: 192.0.2.1, MX: 1}]', ['a.example', 0], /one key/],
    ['an unknown word', 'a.example: [{A: 192.0.2.1}, TIMOUT]', ['a.example', 1], /"TIMOUT"/],
    ['an unknown type', 'a.example: [{AAA: "::1"}]', ['a.example', 0, 'AAA'], /"AAA" is not a record type/],
    ['an address with a leading zero', 'a.example: [{A: 192.0.2.01}]', ['a.example', 0, 'A'], /IPv4/],
    ['an address of five numbers', 'a.example: [{A: 1.2.3.4.5}]', ['a.example', 0, 'A'], /IPv4/],
    ['an address of the other family', 'a.example: [{AAAA: 192.0.2.1}]', ['a.example', 0, 'AAAA'], /IPv6/],
    ['MX without a host', 'a.example: [{MX: 10}]', ['a.example', 0, 'MX'], /preference and a host/],
    ['a number for TXT', 'a.example: [{TXT: 1}]', ['a.example', 0, 'TXT'], /1 is not a text/],
    ['odd hex digits', 'a.example: [{TLSA: [3, 1, 1, abc]}]', ['a.example', 0, 'TLSA'], /hexadecimal/],
    ['a TTL in words', 'a.example: [{TTL: 5m}]', ['a.example', 0, 'TTL'], /"5m" is not a TTL/],
    ['an empty label', 'a..example: []', ['a..example'], /cannot be a name/],
  ])('%s', (_, text, path, message) => {
    const result = parseZones(parse(text));
    expect(result.kind === 'bad' && result.problems.map((problem) => problem.path)).toEqual([path]);
    expect(result.kind === 'bad' && result.problems[0]!.message).toMatch(message);
  });
});
