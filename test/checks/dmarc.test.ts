/** The check dmarc: results, policies, alignment and what trouble with DNS leaves open. */
import { describe, expect, test } from 'vitest';
import { dmarc } from '../../src/checks/dmarc.ts';
import { runOn } from '../support/check-bench.ts';

const zones = {
  '_dmarc.strict.example': [{ TXT: 'v=DMARC1; p=reject; adkim=s; aspf=s' }],
  '_dmarc.bank.example': [{ TXT: 'v=DMARC1; p=reject; sp=quarantine; np=reject' }],
  'news.bank.example': [{ A: '192.0.2.7' }],
  '_dmarc.watch.example': [{ TXT: 'v=DMARC1; p=none' }],
  '_dmarc.trial.example': [{ TXT: 'v=DMARC1; p=reject; t=y' }],
  '_dmarc.slow.example': ['TIMEOUT'],
  '_dmarc.double.example': [{ TXT: 'v=DMARC1; p=reject' }, { TXT: 'v=DMARC1; p=none' }],
};

interface Given {
  readonly spf?: readonly [result: string, domain: string];
  readonly dkim?: readonly (readonly [result: string, domain: string])[];
  readonly header?: string;
}
function check(from: string, { spf = ['none', ''], dkim = [], header }: Given = {}) {
  const signatures = dkim.map(([result, domain]) => ({ domain, selector: 's', algorithm: 'rsa-sha256', result }));
  const domains = signatures.filter(({ result }) => result === 'pass').map(({ domain }) => domain);
  return runOn(dmarc, {
    zones,
    facts: {
      spf: { result: spf[0], domain: spf[1] },
      dkim: { result: dkim[0]?.[0] ?? 'none', signatures, domains },
    },
    message: Buffer.from(`${header ?? `From: ${from}`}\r\nSubject: x\r\n\r\nbody\r\n`),
  });
}

describe('dmarc', () => {
  test.each<[string, string, Given, object]>([
    ['no policy', 'a@plain.example', {}, { result: 'none', policy: 'none', disposition: 'none', domain: '' }],
    [
      'nothing aligned',
      'a@bank.example',
      {},
      { result: 'fail', policy: 'reject', disposition: 'reject', domain: 'bank.example' },
    ],
    [
      'SPF aligned',
      'a@bank.example',
      { spf: ['pass', 'out.bank.example'] },
      { result: 'pass', policy: 'reject', disposition: 'none' },
    ],
    [
      'DKIM aligned',
      'a@bank.example',
      { dkim: [['pass', 'bank.example']] },
      { result: 'pass', alignment: { spf: false, dkim: true } },
    ],
    [
      'SPF passed for another',
      'a@bank.example',
      { spf: ['pass', 'list.example'] },
      { result: 'fail', alignment: { spf: false, dkim: false } },
    ],
    ['a look-alike', 'a@bank.example', { dkim: [['pass', 'notbank.example']] }, { result: 'fail' }],
    ['a signature that failed', 'a@bank.example', { dkim: [['fail', 'bank.example']] }, { result: 'fail' }],
    ['a subdomain', 'a@news.bank.example', {}, { result: 'fail', policy: 'quarantine', domain: 'bank.example' }],
    ['a subdomain that does not exist', 'a@nix.bank.example', {}, { result: 'fail', policy: 'reject' }],
    [
      'strict alignment, a subdomain signs',
      'a@strict.example',
      { dkim: [['pass', 'm.strict.example']] },
      { result: 'fail' },
    ],
    [
      'strict alignment, the domain signs',
      'a@strict.example',
      { dkim: [['pass', 'strict.example']] },
      { result: 'pass' },
    ],
    ['p=none', 'a@watch.example', {}, { result: 'fail', policy: 'none', disposition: 'none' }],
    [
      't=y asks for one step less',
      'a@trial.example',
      {},
      { result: 'fail', policy: 'quarantine', disposition: 'quarantine' },
    ],
    ['two records are none', 'a@double.example', {}, { result: 'none' }],
    ['upper case', 'a@BANK.Example', {}, { result: 'fail', domain: 'bank.example' }],
    ['an address literal', 'a@[192.0.2.1]', {}, { result: 'none' }],
    ['two mailboxes of one domain', 'a@bank.example, b@bank.example', {}, { result: 'fail', policy: 'reject' }],
  ])('%s', async (_name, from, given, expected) => {
    expect((await check(from, given)).facts).toMatchObject(expected);
  });

  test.each<[string, string, Given, object]>([
    ['its record', 'a@slow.example', {}, { result: 'temperror', disposition: 'none' }],
    [
      'SPF of an aligned domain',
      'a@bank.example',
      { spf: ['temperror', 'bank.example'] },
      { result: 'temperror', policy: 'reject', disposition: 'none' },
    ],
    [
      'the key of an aligned domain',
      'a@bank.example',
      { dkim: [['temperror', 'bank.example']] },
      { result: 'temperror' },
    ],
    ['SPF of another domain', 'a@bank.example', { spf: ['temperror', 'list.example'] }, { result: 'fail' }],
    [
      'SPF while DKIM is aligned',
      'a@bank.example',
      { spf: ['temperror', 'bank.example'], dkim: [['pass', 'bank.example']] },
      { result: 'pass' },
    ],
    [
      'SPF where the policy asks for nothing',
      'a@watch.example',
      { spf: ['temperror', 'watch.example'] },
      { result: 'fail', disposition: 'none' },
    ],
  ])('DNS that does not tell %s', async (_name, from, given, expected) => {
    expect((await check(from, given)).facts).toMatchObject(expected);
  });

  test.each([
    ['no From', 'To: a@bank.example', { result: 'permerror', policy: 'none' }],
    ['a From without an address', 'From: bank.example', { result: 'permerror' }],
    ['a part that we cannot read', 'From: "CEO" <a@bank.example>x, <a@plain.example>', { result: 'permerror' }],
    ['a group named like an address', 'From: a@bank.example: a@plain.example;', { result: 'permerror' }],
    ['an address within an encoded word', 'From: =?utf-8?q?a=40bank.example?=', { result: 'permerror' }],
    [
      'two From fields',
      'From: a@bank.example\r\nFrom: a@mallory.example',
      { result: 'fail', policy: 'reject', why: '2 From fields' },
    ],
    [
      'two From fields of one domain',
      'From: a@bank.example\r\nFrom: b@bank.example',
      { result: 'fail', disposition: 'reject' },
    ],
    [
      'two domains',
      'From: a@mallory.example, b@bank.example',
      { result: 'fail', policy: 'reject', domain: 'bank.example' },
    ],
    [
      'two domains without a policy',
      'From: a@one.example, b@two.example',
      { result: 'fail', policy: 'none', disposition: 'none' },
    ],
    ['two domains, one not told', 'From: a@slow.example, b@two.example', { result: 'temperror' }],
  ])('%s', async (_name, header, expected) => {
    const given = { header, spf: ['pass', 'mallory.example'], dkim: [['pass', 'bank.example']] } as const;
    expect((await check('', given)).facts).toMatchObject(expected);
  });

  test('without a policy, alignment is that of the organization', async () => {
    const { facts } = await check('a@mail.plain.example', {
      spf: ['pass', 'out.plain.example'],
      dkim: [['pass', 'other.example']],
    });
    expect(facts).toMatchObject({ result: 'none', alignment: { spf: true, dkim: false } });
    const cloud = await check('a@alice.github.io', { spf: ['pass', 'mallory.github.io'] });
    expect(cloud.facts).toMatchObject({ alignment: { spf: false } });
  });

  test('what SPF left open costs no question twice', async () => {
    const { asked } = await check('a@bank.example', { spf: ['temperror', 'bank.example'] });
    expect(asked).toEqual(['TXT _dmarc.bank.example', 'TXT _dmarc.example']);
  });

  test('the reason names what passed for whom', async () => {
    const { facts } = await check('a@bank.example', {
      spf: ['pass', 'list.example'],
      dkim: [['fail', 'bank.example']],
    });
    expect(facts.why).toBe('SPF pass for list.example, not aligned; DKIM fail');
    expect((await check('a@slow.example')).facts.why).toBe('no answer for _dmarc.slow.example');
  });
});
