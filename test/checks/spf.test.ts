/** The check spf: which identity is asked, what DNS trouble means, what goes on record. */
import { describe, expect, test } from 'vitest';
import { spf } from '../../src/checks/spf.ts';
import { runOn } from '../support/check-bench.ts';

const zones = {
  'pass.example': [{ TXT: 'v=spf1 ip4:192.0.2.0/24 -all' }],
  'soft.example': [{ TXT: 'v=spf1 ~all' }],
  'deny.example': [{ TXT: 'v=spf1 -all exp=why.deny.example' }],
  'why.deny.example': [{ TXT: '%{i} may not send for %{d}' }],
  'six.example': [{ TXT: 'v=spf1 ip6:2001:db8::/32 -all' }],
  'slow.example': ['TIMEOUT'],
  'broken.example': ['SERVFAIL'],
  'deep.example': [{ TXT: 'v=spf1 include:slow.example -all' }],
  'typo.example': [{ TXT: 'v=spf1 ipv4:192.0.2.1 -all' }],
  'silent.example': [{ A: '192.0.2.9' }],
  'xn--mnchen-3ya.example': [{ TXT: 'v=spf1 ip4:192.0.2.1 -all' }],
  'helo.example': [{ TXT: 'v=spf1 ip4:192.0.2.1 -all' }],
};
const ask = (address: string, { ip = '192.0.2.1', helo = 'helo.example' } = {}) =>
  runOn(spf, { zones, helo, facts: { client: { ip }, mail: { address, null: address === '' } } });

describe('spf', () => {
  test.each([
    ['a@pass.example', {}, 'pass', 'pass.example'],
    ['a@PASS.example', {}, 'pass', 'pass.example'],
    ['a@pass.example', { ip: '203.0.113.9' }, 'fail', 'pass.example'],
    ['a@soft.example', {}, 'softfail', 'soft.example'],
    ['a@six.example', { ip: '2001:db8::7' }, 'pass', 'six.example'],
    ['a@xn--mnchen-3ya.example', {}, 'pass', 'xn--mnchen-3ya.example'],
    ['a@silent.example', {}, 'none', 'silent.example'],
    ['a@absent.example', {}, 'none', 'absent.example'],
    ['a@slow.example', {}, 'temperror', 'slow.example'],
    ['a@broken.example', {}, 'temperror', 'broken.example'],
    ['a@deep.example', {}, 'temperror', 'deep.example'],
    ['a@typo.example', {}, 'permerror', 'typo.example'],
    ['a@[192.0.2.1]', {}, 'none', ''],
    ['', {}, 'pass', 'helo.example'],
    ['', { helo: 'slow.example' }, 'temperror', 'slow.example'],
    ['', { helo: '[192.0.2.1]' }, 'none', ''],
    ['', { helo: '' }, 'none', ''],
    ['"a b"@pass.example', {}, 'pass', 'pass.example'],
  ])('%j from %j is %s for "%s"', async (address, who, result, domain) => {
    const { facts } = await ask(address, who);
    expect(facts).toEqual({ result, domain });
  });

  test("the domain's own explanation of a refusal goes on record", async () => {
    const { evidence } = await ask('a@deny.example');
    expect(evidence).toEqual({ explanation: '192.0.2.1 may not send for deny.example' });
  });

  test('an error says on record what went wrong, without our name in it', async () => {
    expect((await ask('a@typo.example')).evidence.why).toMatch(/ipv4/);
    expect((await ask('a@slow.example')).evidence.why).toBe('DNS timeout');
  });

  test('an equal question is asked once', async () => {
    const { asked } = await ask('a@deep.example');
    expect(asked).toEqual(['TXT deep.example', 'TXT slow.example']);
  });
});
