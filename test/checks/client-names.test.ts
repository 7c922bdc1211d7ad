/** rdns, helo and sender_domain: names that clients and senders go by, held against DNS. */
import { describe, expect, test } from 'vitest';
import { helo } from '../../src/checks/helo.ts';
import { rdns } from '../../src/checks/rdns.ts';
import { senderDomain } from '../../src/checks/sender-domain.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { runOn } from '../support/check-bench.ts';

const REVERSE = '1.2.0.192.in-addr.arpa';
const ptr = (...names: string[]): Zones => ({ [REVERSE]: names.map((PTR) => ({ PTR })) });

describe('rdns', () => {
  test.each<[string, Zones, string, string]>([
    [
      'a name that leads back',
      { ...ptr('Mx.Example.com'), 'mx.example.com': [{ A: '192.0.2.1' }] },
      'pass',
      'mx.example.com',
    ],
    [
      'one of two names that leads back, whichever comes first',
      { ...ptr('b.example', 'a.example'), 'b.example': [{ A: '192.0.2.1' }], 'a.example': [{ A: '192.0.2.9' }] },
      'pass',
      'b.example',
    ],
    [
      'two names that lead back: the first by alphabet',
      { ...ptr('b.example', 'a.example'), 'b.example': [{ A: '192.0.2.1' }], 'a.example': [{ A: '192.0.2.1' }] },
      'pass',
      'a.example',
    ],
    ['a name that leads elsewhere', { ...ptr('a.example'), 'a.example': [{ A: '192.0.2.9' }] }, 'fail', 'a.example'],
    ['a name that does not exist', ptr('a.example'), 'fail', 'a.example'],
    ['no name', {}, 'permerror', ''],
    ['an empty reverse zone', { [REVERSE]: [] }, 'permerror', ''],
    ['a reverse zone that does not answer', { [REVERSE]: ['TIMEOUT'] }, 'temperror', ''],
    ['a name whose server fails', { ...ptr('a.example'), 'a.example': ['SERVFAIL'] }, 'temperror', 'a.example'],
    [
      'a name that leads back beside one that fails',
      { ...ptr('a.example', 'b.example'), 'a.example': ['TIMEOUT'], 'b.example': [{ A: '192.0.2.1' }] },
      'pass',
      'b.example',
    ],
    [
      'a name that leads back behind ten others',
      {
        ...ptr('z.example', ...Array.from({ length: 10 }, (_, n) => `n${n}.example`)),
        'z.example': [{ A: '192.0.2.1' }],
      },
      'fail',
      'n0.example',
    ],
  ])('%s', async (_, zones, result, name) => {
    expect((await runOn(rdns, { zones, facts: { client: { ip: '192.0.2.1' } } })).facts).toEqual({ result, name });
  });

  test('an IPv6 client is confirmed by AAAA', async () => {
    const zones: Zones = {
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa': [{ PTR: 'six.example' }],
      'six.example': [{ AAAA: '2001:db8:0:0::1' }, { A: '192.0.2.1' }],
    };
    expect((await runOn(rdns, { zones, facts: { client: { ip: '2001:db8::1' } } })).facts).toEqual({
      result: 'pass',
      name: 'six.example',
    });
  });
});

describe('helo', () => {
  const zones: Zones = {
    'mx.example': [{ A: '192.0.2.1' }, { AAAA: '2001:db8::1' }],
    'six.example': [{ AAAA: '2001:db8::1' }],
    'slow.example': ['TIMEOUT'],
    'half.example': [{ A: '192.0.2.1' }, 'TIMEOUT'],
  };
  const NO = { literal: false, resolves: false, matches: false };
  test.each<[string, string, object]>([
    ['mx.example', '192.0.2.1', { literal: false, resolves: true, matches: true }],
    ['MX.Example', '2001:db8::1', { literal: false, resolves: true, matches: true }],
    ['mx.example', '192.0.2.9', { literal: false, resolves: true, matches: false }],
    ['six.example', '192.0.2.1', { literal: false, resolves: true, matches: false }],
    ['half.example', '192.0.2.1', { literal: false, resolves: true, matches: true }],
    ['gone.example', '192.0.2.1', NO],
    ['localhost', '127.0.0.1', NO],
    ['a..b', '192.0.2.1', NO],
    ['192.0.2.1', '192.0.2.1', NO],
    ['[192.0.2.1]', '192.0.2.1', { literal: true, resolves: true, matches: true }],
    ['[192.0.2.9]', '192.0.2.1', { literal: true, resolves: true, matches: false }],
    ['[IPv6:2001:DB8::1]', '2001:db8::1', { literal: true, resolves: true, matches: true }],
    ['[nonsense]', '192.0.2.1', { literal: true, resolves: false, matches: false }],
  ])('%s from %s', async (name, ip, expected) => {
    const { facts } = await runOn(helo, { zones, facts: { client: { ip } }, helo: name });
    expect(facts).toEqual({ name, verb: 'EHLO', ...expected });
  });

  test.each([
    ['slow.example', '192.0.2.1'],
    ['half.example', '2001:db8::1'],
  ])('nobody knows about %s from %s when DNS does not answer', async (name, ip) => {
    const ran = runOn(helo, { zones, facts: { client: { ip } }, helo: name, verb: 'HELO' });
    await expect(ran).rejects.toThrow(`DNS does not answer for ${name}`);
  });
});

describe('sender_domain', () => {
  const zones: Zones = {
    'mx.example': [{ MX: [10, 'mail.mx.example'] }],
    'null.example': [{ MX: [0, '.'] }],
    'mixed.example': [{ MX: [0, '.'] }, { MX: [10, 'mail.example'] }],
    'a.example': [{ A: '192.0.2.1' }],
    'aaaa.example': [{ AAAA: '2001:db8::1' }],
    'txt.example': [{ TXT: 'no mail here' }],
    'slow.example': ['TIMEOUT'],
    'broken.example': ['SERVFAIL'],
  };
  test.each([
    ['mx.example', 'ok'],
    ['null.example', 'null-mx'],
    ['mixed.example', 'ok'],
    ['a.example', 'ok'],
    ['aaaa.example', 'ok'],
    ['txt.example', 'no-mx'],
    ['gone.example', 'no-mx'],
    ['slow.example', 'temperror'],
    ['broken.example', 'temperror'],
    ['[192.0.2.1]', 'ok'],
    ['', 'ok'],
  ])('%s: %s', async (domain, result) => {
    expect((await runOn(senderDomain, { zones, facts: { mail: { domain } } })).facts).toEqual({ result });
  });
});
