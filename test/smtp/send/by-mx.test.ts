/** Where mail for a domain goes, told as zones and the hosts that come of them (RFC 5321 §5.1, RFC 7505). */
import { describe, expect, test } from 'vitest';
import type { Zones } from '../../../src/record/scenario.ts';
import { byMx, type Search, type SearchWorld } from '../../../src/smtp/send/by-mx.ts';
import type { Found } from '../../../src/smtp/send/candidate.ts';
import { resolverOver } from '../../support/gateway.ts';

const never = new AbortController().signal;
const US = 'mx.gateway.test';

const NAMES: Zones = {
  'a.test': [{ A: '192.0.2.1' }],
  'b.test': [{ A: '192.0.2.2' }],
  'c.test': [{ A: '192.0.2.3' }],
  'six.test': [{ AAAA: '2001:db8::6' }],
  'both.test': [{ A: '192.0.2.4' }, { A: '192.0.2.5' }, { AAAA: '2001:db8::4' }],
  'alias.test': [{ CNAME: 'a.test' }],
  'slow.test': ['TIMEOUT'],
  [US]: [{ A: '192.0.2.99' }],
  'ours.test': [{ A: '192.0.2.99' }],
  'listener.test': [{ A: '203.0.113.9' }],
  'many.test': Array.from({ length: 9 }, (_, n) => ({ A: `198.51.100.${n}` })),
};

async function found(
  domain: string,
  zones: Zones,
  changes: Partial<Search> = {},
  world: Partial<SearchWorld> = {},
): Promise<Found[]> {
  const out: Found[] = [];
  const search = { domain, port: 25, source: undefined, onlyAt: '', ...changes };
  const standing = {
    resolver: resolverOver({ ...NAMES, ...zones }),
    random: () => 0.999, // leaves every order as it is
    hostname: US,
    isOwn: (ip: string) => ip === '203.0.113.9',
    ...world,
  };
  for await (const one of byMx(search, standing, never)) out.push(one);
  return out;
}

const say = (one: Found): string => {
  if (one.kind === 'candidate') return one.candidate.host.replace(/:25$/, '');
  return one.kind === 'refused' ? `${one.reply.code} ${one.reply.enhanced}` : one.kind;
};
const hosts = async (...args: Parameters<typeof found>): Promise<string[]> => (await found(...args)).map(say);
const mx = (...pairs: readonly (readonly [number, string])[]) => ({
  'to.test': pairs.map((pair) => ({ MX: [...pair] })),
});

const TABLE: readonly (readonly [string, Zones, readonly string[]])[] = [
  ['the best preference comes first', mx([20, 'b.test'], [10, 'a.test']), ['a.test[192.0.2.1]', 'b.test[192.0.2.2]']],
  ['a host of IPv6 alone is asked', mx([10, 'six.test']), ['six.test[2001:db8::6]']],
  [
    'families take turns',
    mx([10, 'both.test']),
    ['both.test[192.0.2.4]', 'both.test[2001:db8::4]', 'both.test[192.0.2.5]'],
  ],
  ['an exchange that is an alias is followed', mx([10, 'alias.test']), ['alias.test[192.0.2.1]']],
  [
    'a domain that is an alias has the exchanges of its target',
    { ...mx([10, 'a.test']), 'www.test': [{ CNAME: 'to.test' }] },
    ['a.test[192.0.2.1]'],
  ],
  ['without MX the domain itself is asked', { 'to.test': [{ A: '192.0.2.7' }] }, ['to.test[192.0.2.7]']],
  [
    'with MX the domain itself is never asked',
    { 'to.test': [{ MX: [10, 'gone.test'] }, { A: '192.0.2.7' }] },
    ['550 5.4.4'],
  ],
  ['an exchange without address is passed over', mx([10, 'gone.test'], [20, 'b.test']), ['b.test[192.0.2.2]']],
  [
    'an exchange that is no host name is asked of nobody',
    { ...mx([10, 'evil\r\nx.test'], [20, 'b.test']), 'evil\r\nx.test': [{ A: '192.0.2.8' }] },
    ['b.test[192.0.2.2]'],
  ],
  [
    'exchanges that all are no host names',
    { ...mx([10, 'a\u001b.test']), 'a\u001b.test': [{ A: '192.0.2.8' }] },
    ['550 5.4.4'],
  ],
  ['null MX', mx([0, '.']), ['556 5.1.10']],
  ['null MX beside others names nobody', mx([0, '.'], [10, 'a.test']), ['a.test[192.0.2.1]']],
  ['a domain that is not there', {}, ['550 5.1.2']],
  ['a domain without MX or address', { 'to.test': [{ TXT: 'x' }] }, ['550 5.1.2']],
  ['DNS that does not say the MX', { 'to.test': ['SERVFAIL'] }, ['trouble']],
  ['DNS that does not say the only address', mx([10, 'slow.test']), ['trouble', 'trouble']],
  [
    'DNS that is silent about one of two',
    mx([10, 'slow.test'], [20, 'b.test']),
    ['trouble', 'trouble', 'b.test[192.0.2.2]'],
  ],
  [
    'a host that is named twice is asked once',
    mx([30, 'a.test'], [10, 'a.test'], [20, 'b.test']),
    ['a.test[192.0.2.1]', 'b.test[192.0.2.2]'],
  ],
  ['our own name and what is worse are dropped', mx([10, 'a.test'], [20, US], [30, 'c.test']), ['a.test[192.0.2.1]']],
  ['our own name and what is equal are dropped', mx([10, 'a.test'], [20, 'c.test'], [20, US]), ['a.test[192.0.2.1]']],
  [
    'our own address under another name counts',
    mx([10, 'a.test'], [20, 'ours.test'], [20, 'c.test']),
    ['a.test[192.0.2.1]'],
  ],
  ['where one of our listeners is reached counts', mx([10, 'a.test'], [20, 'listener.test']), ['a.test[192.0.2.1]']],
  ['we are the best: a loop', mx([10, US], [20, 'b.test']), ['554 5.4.6']],
  ['we are the only one, by address', mx([10, 'ours.test']), ['554 5.4.6']],
  ['we are the domain itself', { 'to.test': [{ A: '203.0.113.9' }] }, ['554 5.4.6']],
  ['DNS is silent about one that is better than we are', mx([10, 'slow.test'], [20, US]), ['trouble', 'trouble']],
];

describe('mail for a domain', () => {
  test.each(TABLE)('%s', async (_, zones, expected) => {
    expect(await hosts('www.test' in zones ? 'www.test' : 'to.test', zones)).toEqual(expected);
  });

  test('equals are asked in an order of chance, each as often first', async () => {
    let drawn = 0;
    const first = new Map<string, number>();
    for (let n = 0; n < 300; n++) {
      const random = () => {
        drawn = (drawn * 1103515245 + 12345) % 2147483648;
        return drawn / 2147483648;
      };
      const [one] = await hosts('to.test', mx([10, 'a.test'], [10, 'b.test'], [10, 'c.test']), {}, { random });
      first.set(one!, (first.get(one!) ?? 0) + 1);
    }
    expect([...first.values()].sort()).toHaveLength(3);
    expect(Math.min(...first.values())).toBeGreaterThan(60);
  });

  test('at another port our own address in DNS may be somebody else’s', async () => {
    expect(await hosts('to.test', mx([10, 'ours.test']), { port: 2525 })).toEqual(['ours.test[192.0.2.99]:2525']);
  });
});

describe('an address as a domain', () => {
  test.each([
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[IPv6:2001:db8::1]', '[2001:db8::1]'],
    ['[203.0.113.9]', '554 5.4.6'],
  ])('%s is %s', async (domain, expected) => {
    expect(await hosts(domain, {})).toEqual([expected]);
  });
});

describe('one attempt', () => {
  test('asks no more than four addresses of a host', async () => {
    expect(await hosts('to.test', mx([10, 'many.test']))).toHaveLength(4);
  });
  test('asks ten addresses at most, and says that there are more', async () => {
    const names = ['m1.test', 'm2.test', 'm3.test'];
    const zones = Object.fromEntries(names.map((name) => [name, NAMES['many.test']!]));
    const came = await hosts('to.test', { ...zones, ...mx(...names.map((name, n) => [n, name] as const)) });
    expect([came.length, came.at(-1)]).toEqual([11, 'trouble']);
  });
  test('looks up sixteen hosts at most', async () => {
    const asked: string[] = [];
    const zones = mx(...Array.from({ length: 100 }, (_, n) => [10, `n${n}.test`] as const));
    const inner = resolverOver(zones);
    const resolver: SearchWorld['resolver'] = {
      resolve: (name, type, signal) => {
        if (type === 'A') asked.push(name);
        return inner.resolve(name, type, signal);
      },
    };
    expect(await hosts('to.test', zones, {}, { resolver })).toEqual(['trouble']);
    expect(asked.filter((name) => name !== US)).toHaveLength(16);
  });
});

describe('a route that speaks from one family', () => {
  test('asks the addresses of that family alone', async () => {
    expect(await hosts('to.test', mx([10, 'both.test']), { source: { v6: '::1' } })).toEqual([
      'both.test[2001:db8::4]',
    ]);
  });
  test('waits where there is none: that is no word about the recipient', async () => {
    expect(await hosts('to.test', mx([10, 'six.test']), { source: { v4: '127.0.0.1' } })).toEqual(['trouble']);
  });
});

test('a domain with exactly as many hosts as are asked has no more, and what DNS says of them is final', async () => {
  const names = Array.from({ length: 16 }, (_, n) => `h${n}.test`);
  const zones = { ...Object.fromEntries(names.map((name) => [name, [{ TXT: 'no address' }]])) };
  expect(await hosts('to.test', { ...zones, ...mx(...names.map((name) => [10, name] as const)) })).toEqual([
    '550 5.4.4',
  ]);
  const more = mx(...names.map((name) => [10, name] as const), [20, 'a.test']);
  expect(await hosts('to.test', { ...zones, ...more })).toEqual(['trouble']);
});

describe('a message whose line broke after the dot', () => {
  const zones = mx([10, 'a.test'], [20, 'both.test']);
  test('goes back to that address alone', async () => {
    const onlyAt = 'both.test[192.0.2.5]:25';
    expect(await hosts('to.test', zones, { onlyAt })).toEqual(['both.test[192.0.2.5]']);
  });
  test('goes to that host, not to one whose name its name begins with', async () => {
    const alike = { 'a.test.b.test': [{ A: '192.0.2.7' }], ...mx([10, 'a.test'], [20, 'a.test.b.test']) };
    const onlyAt = 'a.test.b.test[192.0.2.7]:25';
    expect(await hosts('to.test', alike, { onlyAt })).toEqual(['a.test.b.test[192.0.2.7]']);
  });
  test('goes to another address of that host when DNS has it no more', async () => {
    const onlyAt = 'both.test[192.0.2.200]:25';
    expect(await hosts('to.test', zones, { onlyAt })).toHaveLength(3);
  });
  test('goes to whom DNS names when it names that host no more', async () => {
    expect(await hosts('to.test', zones, { onlyAt: 'old.test[192.0.2.5]:25' })).toHaveLength(4);
  });
});

test('what DNSSEC vouched for is told apart: the exchange, and its address', async () => {
  const zones = { 'to.test': [{ MX: [10, 'a.test'] }, { AD: true }], 'a.test': [{ A: '192.0.2.1' }] };
  const [one] = await found('to.test', zones);
  expect(one).toMatchObject({
    kind: 'candidate',
    candidate: {
      host: 'a.test[192.0.2.1]:25',
      address: { kind: 'tcp', host: '192.0.2.1', port: 25 },
      name: 'a.test',
      found: { by: 'mx', domain: 'to.test', mxSecure: true, addressSecure: false },
    },
  });
});
