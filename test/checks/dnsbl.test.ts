/** Blocklists: what a list says, when it is not believed, and how answers add up. */
import { describe, expect, test } from 'vitest';
import { dnsbl } from '../../src/checks/dnsbl.ts';
import { meaningOf, parseCodePattern } from '../../src/checks/dnsbl-codes.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { INSTALLATION, load } from '../policy/catalog.ts';
import { runOn } from '../support/check-bench.ts';

const ZEN = {
  zone: 'zen.test',
  codes: { '127.0.0.2-3': 4, '127.0.0.4-7': 5, '127.0.0.10-11': 3 },
  lookup_url: 'https://check.test/',
};
const WL = { zone: 'wl.test', codes: { '127.0.*.1': -1, '127.0.*.3': -3 }, errors: ['127.0.0.255'] };
const V6 = (nibbles: string) => [...nibbles].join('.');
/** Lists in good health, for IPv4 and IPv6. */
const HEALTHY: Zones = {
  '2.0.0.127.zen.test': [{ A: '127.0.0.2' }],
  [`${V6('200000f7ffff')}.${V6('0'.repeat(20))}.zen.test`]: [{ A: '127.0.0.2' }],
  '2.0.0.127.wl.test': [{ A: '127.0.10.1' }],
};
const run = (zones: Zones, ip = '192.0.2.1', lists: object = { zen: ZEN, wl: WL }) =>
  runOn(dnsbl, { zones: { ...HEALTHY, ...zones }, facts: { client: { ip } }, written: { lists } });
const CLEAN = { score: 0, listed_by: [], answers: [], failed: [], lookup_url: '' };

describe('a client', () => {
  test('on no list scores nothing', async () => {
    expect((await run({})).facts).toEqual(CLEAN);
  });

  test('on a list scores what its code weighs, with the list and the page to read', async () => {
    expect((await run({ '1.2.0.192.zen.test': [{ A: '127.0.0.4' }] })).facts).toEqual({
      score: 5,
      listed_by: ['zen'],
      answers: [{ list: 'zen', code: '127.0.0.4' }],
      failed: [],
      lookup_url: 'https://check.test/',
    });
  });

  test.each<[string, readonly string[], number]>([
    ['codes of two kinds add up', ['127.0.0.2', '127.0.0.10'], 7],
    ['codes of one kind count once', ['127.0.0.4', '127.0.0.5'], 5],
  ])('%s', async (_, codes, score) => {
    expect((await run({ '1.2.0.192.zen.test': codes.map((A) => ({ A })) })).facts.score).toBe(score);
  });

  test('on a welcome-list is credited, and is not said to be listed', async () => {
    const zones = { '1.2.0.192.zen.test': [{ A: '127.0.0.2' }], '1.2.0.192.wl.test': [{ A: '127.0.5.3' }] };
    expect((await run(zones)).facts).toMatchObject({ score: 1, listed_by: ['zen'], failed: [] });
    expect((await run({ '1.2.0.192.wl.test': [{ A: '127.0.5.3' }] })).facts).toMatchObject({
      score: -3,
      listed_by: [],
      answers: [{ list: 'wl', code: '127.0.5.3' }],
      lookup_url: '',
    });
  });

  test('with IPv6 is asked nibble by nibble; a list without IPv6 has nothing to say', async () => {
    const name = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2';
    const { facts, evidence } = await run({ [`${name}.zen.test`]: [{ A: '127.0.0.2' }] }, '2001:db8::1');
    expect(facts).toMatchObject({ score: 4, listed_by: ['zen'], failed: [] });
    expect(evidence).toEqual({ wl: 'holds no IPv6 addresses' });
  });
});

test('weights add up as a person adds them', async () => {
  const lists = {
    a: { zone: 'zen.test', codes: { '127.0.0.2': 0.1 } },
    b: { zone: 'zen.test', codes: { '127.0.0.2': 0.2 } },
  };
  expect((await run({ '1.2.0.192.zen.test': [{ A: '127.0.0.2' }] }, '192.0.2.1', lists)).facts.score).toBe(0.3);
});

describe('a list is not believed', () => {
  test.each<[string, Zones, string]>([
    [
      'when its code is described by nobody',
      { '1.2.0.192.zen.test': [{ A: '127.0.0.77' }] },
      'it answers 127.0.0.77, which "codes" does not describe',
    ],
    [
      'when it says that we may not ask',
      { '1.2.0.192.zen.test': [{ A: '127.255.255.254' }, { A: '127.0.0.2' }] },
      'it answers 127.255.255.254: it does not serve us',
    ],
    [
      'when its answer lies outside 127.0.0.0/8',
      { '1.2.0.192.zen.test': [{ A: '203.0.113.1' }] },
      'it answers 203.0.113.1, which "codes" does not describe',
    ],
    ['when it does not answer', { '1.2.0.192.zen.test': ['TIMEOUT'] }, 'DNS: timeout'],
    ['when its server fails', { '1.2.0.192.zen.test': ['SERVFAIL'] }, 'DNS: servfail (SERVFAIL)'],
    ['when a test point does not answer', { '1.0.0.127.zen.test': ['TIMEOUT'] }, 'DNS: timeout'],
    [
      'when it lists 127.0.0.1',
      { '1.0.0.127.zen.test': [{ A: '127.0.0.2' }], '1.2.0.192.zen.test': [{ A: '127.0.0.2' }] },
      'out of use: it lists 127.0.0.1',
    ],
    [
      'when it does not list 127.0.0.2',
      { '2.0.0.127.zen.test': [], '1.2.0.192.zen.test': [{ A: '127.0.0.2' }] },
      'out of use: it does not list 127.0.0.2',
    ],
  ])('%s', async (_, zones, why) => {
    const { facts, evidence } = await run({ ...zones, '1.2.0.192.wl.test': [{ A: '127.0.9.1' }] });
    // The other list still counts.
    expect(facts).toEqual({ ...CLEAN, score: -1, answers: [{ list: 'wl', code: '127.0.9.1' }], failed: ['zen'] });
    expect(evidence).toEqual({ zen: why });
  });

  test('when it answers a code that the operator calls an error', async () => {
    const { facts } = await run({ '1.2.0.192.wl.test': [{ A: '127.0.0.255' }] });
    expect(facts).toEqual({ ...CLEAN, failed: ['wl'] });
  });

  test('when it lists ::ffff:7f00:1 for IPv6 clients', async () => {
    const point = `${V6('100000f7ffff')}.${V6('0'.repeat(20))}.zen.test`;
    const { facts, evidence } = await run({ [point]: [{ A: '127.0.0.2' }] }, '2001:db8::1', { zen: ZEN });
    expect(facts).toEqual({ ...CLEAN, failed: ['zen'] });
    expect(evidence).toEqual({ zen: 'out of use: it lists ::ffff:7f00:1' });
  });

  test('a list that says that we may not ask is not called dead', async () => {
    const refused = [{ A: '127.255.255.254' }];
    const { evidence } = await run({
      '2.0.0.127.zen.test': refused,
      '1.0.0.127.zen.test': refused,
      '1.2.0.192.zen.test': refused,
    });
    expect(evidence).toEqual({ zen: 'it answers 127.255.255.254: it does not serve us' });
  });

  test('a list of our own may go without test points', async () => {
    const own = { zone: 'own.test', codes: { '127.0.0.2': 2 }, self_test: false };
    const { facts } = await run({ '1.2.0.192.own.test': [{ A: '127.0.0.2' }] }, '192.0.2.1', { own });
    expect(facts).toMatchObject({ score: 2, listed_by: ['own'], failed: [] });
  });

  test('a code that nobody described beside one that is: what is described holds', async () => {
    const { facts } = await run({ '1.2.0.192.zen.test': [{ A: '127.0.0.2' }, { A: '127.0.0.99' }] });
    expect(facts).toMatchObject({ score: 4, answers: [{ list: 'zen', code: '127.0.0.2' }], failed: [] });
  });
});

describe('codes as operators write them', () => {
  test.each(['127.0.0.2', '127.0.0.2-3', '127.0.*.1', '127.*.*.*', '127.0.0-9.255'])('%s is one', (text) => {
    expect(parseCodePattern(text)).toBeDefined();
  });
  test.each([
    '',
    '127.0.0',
    '127.0.0.2.3',
    '126.0.0.1',
    '*.0.0.1',
    '127.0.0.256',
    '127.0.0.3-2',
    '127.0.0.-3',
    '127.0.0.2 - 3',
    '127.0.0.x',
  ])('"%s" is none', (text) => expect(parseCodePattern(text)).toBeUndefined());
  test('the first that fits counts', () => {
    const codes = { '127.0.0.2': 9, '127.0.0.2-3': 1 };
    expect(meaningOf('127.0.0.2', { codes, errors: [] })).toEqual({ kind: 'listed', pattern: '127.0.0.2', weight: 9 });
    expect(meaningOf('127.0.0.3', { codes, errors: [] })).toMatchObject({ weight: 1 });
  });
  test.each<[string, object]>([
    ['a zone that is no name', { zone: 'a..b', codes: { '127.0.0.2': 1 } }],
    ['no codes', { zone: 'a.test', codes: {} }],
    ['a code outside 127.0.0.0/8', { zone: 'a.test', codes: { '10.0.0.2': 1 } }],
    ['a key we do not know', { zone: 'a.test', codes: { '127.0.0.2': 1 }, weight: 2 }],
  ])('a list with %s does not load', (_, list) => {
    expect(dnsbl.options.safeParse({ lists: { a: list } }).success).toBe(false);
  });
});

describe('a zone with a key in its name', () => {
  const codes = 'codes: { "127.0.0.2": 1 }';
  const policy = (spec: string) =>
    load(`policy: inbound\nchecks:\n  connect:\n    - dnsbl:\n        lists:\n${spec}`, {}, INSTALLATION, CHECKS);

  test('is a file and what is shown for it, and the policy knows no more', () => {
    const { policy: found, problems } = policy(
      `          zen: { zone_file: ../zen, shown_as: key.zen.test, ${codes} }`,
    );
    expect(problems).toEqual([]);
    expect(found!.secrets).toMatchObject([{ file: '../zen', shownAs: 'key.zen.test', place: { line: 6 } }]);
    expect(found!.bundle.files.map(({ path }) => path)).toEqual(['policy.yaml']);
  });

  test.each<[string, string, RegExp, RegExp]>([
    ['two zones', `zen: { zone: a.test, zone_file: zen, shown_as: b.test, ${codes} }`, /both say where/, /one of them/],
    ['no zone', `zen: { ${codes} }`, /the list has no zone/, /`zone:`, or `zone_file:` with `shown_as:`/],
    ['nothing to show', `zen: { zone_file: zen, ${codes} }`, /nothing says what is shown/, /`shown_as:` beside it/],
    [
      'a show of nothing',
      `zen: { zone: a.test, shown_as: b.test, ${codes} }`,
      /stands in the open/,
      /`zone_file` only/,
    ],
    [
      'no name to show',
      `zen: { zone_file: zen, shown_as: "a..b", ${codes} }`,
      /expected a domain name/,
      /zen\.spamhaus\.org/,
    ],
    [
      'the name of another to show',
      `zen: { zone_file: zen, shown_as: b.test, ${codes} }\n          b: { zone: B.test, ${codes} }`,
      /"b\.test" is the zone of another list/,
      /nothing else is asked under/,
    ],
  ])('with %s does not load', (_, spec, says, remedy) => {
    const { policy: found, problems } = policy(`          ${spec}`);
    expect(found).toBeUndefined();
    expect(problems).toMatchObject([
      { message: expect.stringMatching(says), remedy: expect.stringMatching(remedy), place: { line: 6 } },
    ]);
  });
});
