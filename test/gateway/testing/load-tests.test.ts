import { describe, expect, test } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { loadTests, type TestSetting } from '../../../src/gateway/testing/load-tests.ts';
import { policyTestSchema } from '../../../src/gateway/testing/test-schema.ts';
import { sayProblem } from '../../../src/language/problem.ts';
import { RULES } from '../../support/record.ts';

const CHECKED = [
  { name: 'clamav', check: 'clamav' },
  { name: 'scores', check: 'rspamd' },
];
const setting: TestSetting = {
  policies: new Map([
    ['inbound', { rules: RULES, checks: CHECKED }],
    ['unused', { rules: [], checks: [] }],
  ]),
  checks: CHECKS,
  listeners: [
    { name: 'smarthost', policy: 'outbound' },
    { name: 'mx', policy: 'inbound' },
  ],
  zones: {
    resolve: (path) => `/tests/${path}`,
    read: (path) => ({ [`${path} was read`]: [], 'example.net': [{ A: '192.0.2.1' }] }),
  },
};
const load = (text: string) => loadTests('tests/inbound.yaml', text, setting);
const steps = (text: string) => load(text).tests?.cases.flatMap((one) => one.steps) ?? [];

const WHOLE = `
policy: inbound
defaults:
  client_ip: 192.0.2.10
  dns: zones.yaml
  message: ham.eml
  answers: { clamav: { result: clean, signature: '' } }
cases:
  - name: listed
    given:
      client_ip: 192.0.2.99
      raw: "Subject: x"
      dns: { example.org: [TIMEOUT] }
      answers: { clamav: { result: infected } }
    expect:
      recipients: { bob@example.com: reject }
  - name: greylisted
    given: { state: fresh }
    steps:
      - expect: { recipients: { bob@example.com: { verdict: defer, rule: listed-client } } }
      - { name: too early, after: 1m }
      - { after: 10m, expect: { recipients: { bob@example.com: accept } } }
      - { given: { now: "2026-11-22T10:00:00Z" } }
`;

describe('a file of policy tests', () => {
  test('gives each case its scenario complete: defaults below, the policy’s listener, a fixed time', () => {
    const [listed] = steps(WHOLE);
    expect(listed?.scenario).toEqual({
      listener: 'mx',
      client_ip: '192.0.2.99',
      raw: 'Subject: x',
      dns: { '/tests/zones.yaml was read': [], 'example.net': [{ A: '192.0.2.1' }], 'example.org': ['TIMEOUT'] },
      answers: { clamav: { result: 'infected', signature: '' } },
      now: '2026-01-05T12:00:00.000Z',
    });
  });

  test('what stands under a case without a message or zones of its own is left as it was', () => {
    const [, first] = steps(WHOLE);
    expect(first?.scenario).toMatchObject({ dns: '/tests/zones.yaml', message: '/tests/ham.eml', state: 'fresh' });
  });

  test('steps move the time on: after is counted from the step before, now sets it', () => {
    expect(
      steps(WHOLE)
        .slice(1)
        .map(({ name, scenario }) => [name, scenario.now]),
    ).toEqual([
      ['step 1', '2026-01-05T12:00:00.000Z'],
      ['too early', '2026-01-05T12:01:00.000Z'],
      ['step 3', '2026-01-05T12:11:00.000Z'],
      ['step 4', '2026-11-22T10:00:00.000Z'],
    ]);
  });

  test('cases and steps know the line they stand at', () => {
    expect(load(WHOLE).tests?.cases.map(({ place }) => place.line)).toEqual([9, 17]);
    expect(steps(WHOLE).map(({ place }) => place.line)).toEqual([9, 20, 21, 22, 23]);
  });

  const mistakes: readonly [string, string, string][] = [
    [
      'a misspelt key',
      'policy: inbound\ncases:\n  - { name: a, given: { clientip: 192.0.2.1 }, expect: { facts: {} } }',
      ':3:25: error: .*clientip.*client_ip',
    ],
    [
      'a verdict that is none',
      'policy: inbound\ncases:\n  - name: a\n    expect: { recipients: { a@b: rejected } }',
      ':4:34: error: .*rejected.*reject',
    ],
    [
      'a rule that is none',
      'policy: inbound\ncases:\n  - name: a\n    expect: { recipients: { a@b: { rule: dmarc-holt } } }',
      ':4:42: error: there is no rule "dmarc-holt".*"dmarc-hold"',
    ],
    [
      'a rule among those that held',
      'policy: inbound\ncases:\n  - name: a\n    expect: { recipients: { a@b: { held: [partner] } } }',
      ':4:43: error: there is no rule "partner".*"partners"',
    ],
    [
      'a policy that is none',
      'policy: inbond\ncases:\n  - { name: a, expect: { facts: {} } }',
      ':1:9: error: there is no policy "inbond".*"inbound"',
    ],
    [
      'a policy without a listener',
      'policy: unused\ncases:\n  - { name: a, expect: { facts: {} } }',
      ':1:9: error: no listener .* "unused"',
    ],
    [
      'a listener that is none',
      'policy: inbound\ndefaults: { listener: mz }\ncases:\n  - { name: a, expect: { facts: {} } }',
      ':2:23: error: there is no listener "mz".*"mx"',
    ],
    [
      'a listener of another policy',
      'policy: inbound\ncases:\n  - name: a\n    given: { listener: smarthost }\n    expect: { facts: {} }',
      ':4:24: error: .*"outbound", not "inbound"',
    ],
    [
      'a time that is none',
      'policy: inbound\ncases:\n  - name: a\n    given: { now: yesterday }\n    expect: { facts: {} }',
      ':4:19: error: "yesterday" is not a time',
    ],
    [
      'answers for a check that is none',
      'policy: inbound\ndefaults: { answers: { clamv: { result: clean } } }\ncases:\n  - { name: a, expect: { facts: {} } }',
      ':2:24: error: there is no check "clamv".*"clamav"',
    ],
    [
      'an answer that is never given',
      'policy: inbound\ncases:\n  - name: a\n    given: { answers: { clamav: { result: infectd } } }\n    expect: { facts: {} }',
      ':4:43: error: clamav.result is never "infectd".*"infected"',
    ],
    [
      'an answer of another type',
      'policy: inbound\ncases:\n  - name: a\n    given: { answers: { scores: { score: high } } }\n    expect: { facts: {} }',
      ':4:42: error: scores.score is a number',
    ],
    [
      'an answer to what is not asked',
      'policy: inbound\ncases:\n  - name: a\n    steps:\n      - { given: { answers: { clamav: { virus: x } } }, expect: { facts: {} } }',
      ':5:41: error: clamav has no "virus".*result, signature, version, part',
    ],
    [
      'an answer within a list',
      'policy: inbound\ncases:\n  - name: a\n    given: { answers: { scores: { symbols: [{ nam: X }] } } }\n    expect: { facts: {} }',
      ':4:47: error: scores.symbols.0 has no "nam".*"name"',
    ],
    [
      'an outage that has facts',
      'policy: inbound\ncases:\n  - name: a\n    given: { answers: { clamav: { status: failed, result: clean } } }\n    expect: { facts: {} }',
      ':4:43: error: a check that states facts has completed.*stands alone',
    ],
    [
      'two cases of one name',
      'policy: inbound\ncases:\n  - { name: a, expect: { facts: {} } }\n  - { name: a, expect: { facts: {} } }',
      ':4:13: error: the case "a" stands at line 3 already',
    ],
    ['a case that expects nothing', 'policy: inbound\ncases:\n  - { name: a }', ':3:5: error: .*neither or both'],
    [
      'an empty expectation',
      'policy: inbound\ncases:\n  - { name: a, expect: {} }',
      ':3:2\\d: error: nothing is expected',
    ],
    ['broken YAML', 'policy: inbound\ncases: [', ':2:\\d+: error'],
  ];
  test.each(mistakes)('%s is a problem with its place and a remedy', (_what, text, said) => {
    const { tests, problems } = load(text);
    expect(tests).toBeUndefined();
    expect(problems.map(sayProblem).join('\n').replaceAll('\n', ' ')).toMatch(
      new RegExp(`^tests/inbound\\.yaml${said}`),
    );
  });

  test('its JSON Schema knows the keys', () => {
    expect(JSON.stringify(policyTestSchema())).toContain('"client_ip"');
  });
});
