/** Hosts of links asked of lists of hosts: what is asked, what answers mean, when a list is not believed, and what is kept. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { links } from '../../src/checks/links.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import type { Inside } from '../../src/mime/inside.ts';
import { readList } from '../../src/policy/lists.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { INSTALLATION, load } from '../policy/catalog.ts';
import { runOn, wire } from '../support/check-bench.ts';

const insideOf = (text: string, html = false): Inside => ({
  ...{ parts: [], anomalies: [], regions: [], textsCut: false, depth: 0, result: 'ok' },
  texts: [{ part: '1', html, text }],
});
const SURBL = {
  ...{ zone: 'surbl.test', bits: { 8: 5, 16: 4, 64: 3 }, addresses: true, test_point: 'point.test' },
  lookup_url: 'https://look.test/{name}',
};
const DBL = { zone: 'dbl.test', codes: { '127.0.1.2': 4, '127.0.1.102-106': 2 }, ask: 'host' };
const HEALTHY: Zones = {
  'point.test.surbl.test': [{ A: '127.0.0.254' }],
  'test.dbl.test': [{ A: '127.0.1.99' }],
};
const run = (text: string, zones: Zones = {}, written: object = {}, options: object = {}) =>
  runOn(links, {
    ...{ zones: { ...HEALTHY, ...zones }, message: wire('Subject: x\n\nx\n'), inside: insideOf(text) },
    written: { lists: { surbl: SURBL, dbl: DBL }, ...written },
    options,
  });
const NOTHING = {
  ...{ count: 0, hosts: [], domains: [], score: 0, listed_by: [], listed: [], answers: [], failed: [], lookup_url: '' },
  ...{ look_alike: [], text_differs: [], scripts: 0, truncated: false },
};

describe('what is asked', () => {
  test('a message without links asks nothing', async () => {
    expect(await run('hello')).toEqual({ facts: NOTHING, evidence: {}, asked: [] });
  });

  test('the domain somebody registered, or the whole name; addresses reversed where the list holds some', async () => {
    const { asked, facts } = await run('http://a.b.example.co.uk/ http://192.0.2.1/ http://intranet/');
    expect([...asked].sort()).toEqual([
      'A 1.2.0.192.surbl.test',
      'A a.b.example.co.uk.dbl.test',
      'A example.co.uk.surbl.test',
      'A invalid.dbl.test',
      'A invalid.surbl.test',
      'A point.test.surbl.test',
      'A test.dbl.test',
    ]);
    expect(facts).toEqual({
      ...NOTHING,
      count: 3,
      hosts: ['a.b.example.co.uk', '192.0.2.1', 'intranet'],
      domains: ['example.co.uk'],
    });
  });

  test('one of every domain before further names of any, and no more than the cap', async () => {
    const text = 'http://a.x.example http://b.x.example http://c.x.example http://y.example http://z.example';
    const { asked, facts } = await run(text, {}, { lists: { dbl: { ...DBL, test_point: '' } }, max_lookups: 4 });
    expect(asked).toEqual([
      'A a.x.example.dbl.test',
      'A y.example.dbl.test',
      'A z.example.dbl.test',
      'A b.x.example.dbl.test',
    ]);
    expect(facts.truncated).toBe(true);
  });

  test('of a name that is too long, as many labels as fit', async () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example.org`;
    const { asked } = await run(`http://${long}/`, {}, { lists: { dbl: { ...DBL, test_point: '' } } });
    expect(asked).toEqual([`A ${'c'.repeat(60)}.example.org.dbl.test`]);
  });

  test('not what the operator excepts, and it takes no room', async () => {
    const { list } = readList('own', 'domain', [{ text: '.example.org', place: { file: '', line: 1, column: 1 } }]);
    const { asked, facts } = await run(
      'http://www.example.org http://other.example',
      {},
      { lists: { dbl: { ...DBL, test_point: '' } }, max_lookups: 1 },
      { except: list },
    );
    expect(asked).toEqual(['A other.example.dbl.test']);
    expect(facts).toMatchObject({ count: 2, truncated: false });
  });
});

describe('what answers mean', () => {
  test('bits of one answer add up, and the page to read names what is listed', async () => {
    const { facts } = await run('http://www.bad.example/', { 'bad.example.surbl.test': [{ A: '127.0.0.80' }] });
    expect(facts).toMatchObject({
      score: 7,
      listed_by: ['surbl'],
      listed: ['bad.example'],
      answers: [{ list: 'surbl', name: 'bad.example', code: '127.0.0.80' }],
      lookup_url: 'https://look.test/bad.example',
    });
  });

  test('of several listed names the heaviest counts for a list, and lists add up', async () => {
    const zones: Zones = {
      'a.example.surbl.test': [{ A: '127.0.0.64' }],
      'b.example.surbl.test': [{ A: '127.0.0.8' }],
      'b.example.dbl.test': [{ A: '127.0.1.103' }],
    };
    const { facts } = await run('a.example http://a.example http://b.example', zones);
    expect(facts).toMatchObject({ score: 7, listed_by: ['surbl', 'dbl'], listed: ['b.example', 'a.example'].sort() });
  });

  test('an address is listed by its reversed name', async () => {
    const { facts } = await run('http://0xC0000201/', { '1.2.0.192.surbl.test': [{ A: '127.0.0.16' }] });
    expect(facts).toMatchObject({ score: 4, listed: ['192.0.2.1'] });
  });
});

describe('a list is not believed', () => {
  const bad: Zones = { 'bad.example.surbl.test': [{ A: '127.0.0.8' }], 'bad.example.dbl.test': [{ A: '127.0.1.2' }] };
  test.each<[string, Zones, string]>([
    ['when it holds `invalid`', { 'invalid.dbl.test': [{ A: '127.0.1.2' }] }, 'out of use: it lists invalid'],
    ['when it does not hold its test point', { 'test.dbl.test': [] }, 'out of use: it does not list test'],
    ['when its test point does not answer', { 'test.dbl.test': ['TIMEOUT'] }, 'DNS: timeout'],
    [
      'when it refuses us',
      { 'test.dbl.test': [{ A: '127.255.255.254' }] },
      'it answers 127.255.255.254: it does not serve us',
    ],
    [
      'when it refuses us as URIBL does',
      { 'test.dbl.test': [{ A: '127.0.0.1' }] },
      'it answers 127.0.0.1: it does not serve us',
    ],
    ['when it fails', { 'bad.example.dbl.test': ['SERVFAIL'] }, 'DNS: servfail (SERVFAIL)'],
    [
      'when it was asked what it does not take',
      { 'bad.example.dbl.test': [{ A: '127.0.1.255' }] },
      'it answers 127.0.1.255: it does not serve us',
    ],
    [
      'when nobody described its code',
      { 'bad.example.dbl.test': [{ A: '127.0.1.77' }] },
      'it answers 127.0.1.77, which "codes" does not describe',
    ],
  ])('%s', async (_, zones, why) => {
    const { facts, evidence } = await run('http://bad.example/', { ...bad, ...zones });
    // The other list still counts.
    expect(facts).toMatchObject({ score: 5, listed_by: ['surbl'], failed: ['dbl'] });
    expect(evidence).toEqual({ dbl: why });
  });

  test('a refusal by bits is none of them', async () => {
    const { facts, evidence } = await run('http://bad.example/', { 'bad.example.surbl.test': [{ A: '127.0.0.1' }] });
    expect(facts).toMatchObject({ score: 0, failed: ['surbl'] });
    expect(evidence).toEqual({ surbl: 'it answers 127.0.0.1: it does not serve us' });
  });

  test('trouble with one name takes nothing from what is said of another', async () => {
    const zones: Zones = { 'bad.example.dbl.test': [{ A: '127.0.1.2' }], 'odd.example.dbl.test': ['SERVFAIL'] };
    const { facts } = await run('http://odd.example http://bad.example', zones);
    expect(facts).toMatchObject({ score: 4, listed_by: ['dbl'], failed: ['dbl'] });
  });
});

test('marks of the links themselves need no list', async () => {
  const html = '<a href="http://xn--80ak6aa92e.com/">www.apple.com</a><a href="javascript:x">y</a>';
  const { facts, asked } = await runOn(links, { message: wire('\n'), inside: insideOf(html, true), written: {} });
  expect(asked).toEqual([]);
  expect(facts).toMatchObject({
    ...{ look_alike: ['xn--80ak6aa92e.com'], text_differs: ['xn--80ak6aa92e.com'], scripts: 1, truncated: false },
  });
});

test('a record keeps fifty hosts, and what was not read is told', async () => {
  const many = Array.from({ length: 900 }, (_, n) => `http://h${n}.example/`).join(' ');
  const { facts } = await runOn(links, { message: wire('\n'), inside: insideOf(many), written: {} });
  expect(facts).toMatchObject({ count: 500, truncated: true });
  expect(facts.hosts).toHaveLength(50);
  for (const cut of [{ result: 'too-deep' }, { textsCut: true }] as const) {
    const { facts } = await runOn(links, { message: wire('\n'), inside: { ...insideOf('x'), ...cut }, written: {} });
    expect(facts).toMatchObject({ count: 0, truncated: true });
  }
});

test('where nobody could look inside, the check fails and says nothing', async () => {
  await expect(runOn(links, { message: wire('\n'), written: {} })).rejects.toThrow('could not be read');
});

describe('as an operator writes it', () => {
  test('the policy of docs/links.md loads', () => {
    const page = readFileSync('docs/links.md', 'utf8');
    const { problems } = load(/```yaml\n(.*?)```/s.exec(page)![1]!, {}, INSTALLATION, CHECKS);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  const policy = (list: string) =>
    load(
      `policy: inbound\nchecks:\n  content:\n    - links:\n        lists:\n          l: ${list}`,
      {},
      INSTALLATION,
      CHECKS,
    );

  test('a zone with a key is a file, of whose zone names are asked', () => {
    const { policy: found, problems } = policy(
      '{ zone_file: ../dbl, shown_as: key.dbl.test, codes: { "127.0.1.2": 1 } }',
    );
    expect(problems).toEqual([]);
    expect(found!.secrets).toMatchObject([{ file: '../dbl', shownAs: 'key.dbl.test', asks: 'names' }]);
  });

  test.each<[string, string, RegExp]>([
    ['codes and bits', '{ zone: a.test, codes: { "127.0.0.2": 1 }, bits: { 2: 1 } }', /`codes:` or by `bits:`/],
    ['neither', '{ zone: a.test }', /`codes:` or by `bits:`/],
    ['a bit that is none', '{ zone: a.test, bits: { 3: 1 } }', /a bit of the last octet/],
    ['no zone', '{ bits: { 2: 1 } }', /the list has no zone/],
    [
      'a zone that is an address of the web',
      '{ zone: "https://multi.surbl.org/", bits: { 2: 1 } }',
      /expected a domain name/,
    ],
    ['a zone that leaves no room', `{ zone: "${'a.'.repeat(70)}test", bits: { 2: 1 } }`, /expected a domain name/],
  ])('a list with %s does not load', (_, list, says) => {
    const { policy: found, problems } = policy(list);
    expect(found).toBeUndefined();
    expect(problems[0]?.message).toMatch(says);
  });
});
