import { describe, expect, test } from 'vitest';
import { compare } from '../../../src/gateway/testing/compare.ts';
import { loadTests } from '../../../src/gateway/testing/load-tests.ts';
import { type Rehearse, runTests } from '../../../src/gateway/testing/run-tests.ts';
import type { ExpectationData } from '../../../src/gateway/testing/test-schema.ts';
import { recordView } from '../../../src/record/view.ts';
import { aRecord, RULES } from '../../support/record.ts';

const view = recordView(aRecord(), [], { rules: RULES });
const differences = (expected: ExpectationData) => compare(expected, view);
const carol = (expected: object): ExpectationData => ({ recipients: { 'carol@example.com': expected } });
const bob = (expected: object): ExpectationData => ({ recipients: { 'bob@example.com': expected } });

describe('what was expected against what came', () => {
  const met: readonly [string, ExpectationData][] = [
    ['a verdict alone', { recipients: { 'BOB@example.com': 'accept' } }],
    [
      'every word of an ending',
      carol({
        verdict: 'quarantine',
        rule: 'dmarc-hold',
        reason: 'rule:dmarc-hold',
        stage: 'data',
        outcome: 'quarantined',
        why: 'not aligned',
      }),
    ],
    ['a part of the reply', carol({ reply: { code: 250, text: 'queued as' } })],
    ['no rule', bob({ rule: '', reason: 'otherwise' })],
    ['what rules added', bob({ headers: { 'x-partner': 'ye' }, route: 'boxes', score: 1.5, notes: ['known'] })],
    [
      'rules by how they came out',
      bob({ held: ['partners'], would: ['new-idea'], quiet: ['dmarc-hold', 'listed-client'] }),
    ],
    ['a rule never asked', carol({ quiet: ['partners'] })],
    ['facts by path', { facts: { 'spf.result': 'pass', 'dnsbl.listed_by': [] } }],
    ['facts nested', { facts: { spf: { result: 'pass' }, client: { port: 40123 } } }],
    ['facts of the recipient, and of all', bob({ facts: { recipient: { route: 'store' }, 'spf.result': 'pass' } })],
  ];
  test.each(met)('%s is met', (_what, expected) => {
    expect(differences(expected)).toEqual([]);
  });

  const missed: readonly [string, ExpectationData, object][] = [
    [
      'another verdict',
      { recipients: { 'bob@example.com': 'reject' } },
      { what: 'bob@example.com verdict', expected: 'reject', actual: 'accept' },
    ],
    [
      'a rule where none ended it',
      bob({ rule: 'partners' }),
      { what: 'bob@example.com rule', expected: 'partners', actual: 'none' },
    ],
    ['another code', carol({ reply: { code: 550 } }), { what: 'carol@example.com reply', expected: '550' }],
    ['another enhanced code', carol({ reply: { enhanced: '5.7.1' } }), { expected: '5.7.1' }],
    ['a text that was not said', carol({ reply: { text: 'greylisted' } }), { expected: '...greylisted...' }],
    ['another stage', carol({ stage: 'rcpt' }), { expected: 'rcpt', actual: 'data' }],
    ['another outcome', carol({ outcome: 'queued' }), { expected: 'queued', actual: 'quarantined' }],
    ['another why', carol({ why: 'spam' }), { expected: '...spam...' }],
    ['a header that nobody added', bob({ headers: { 'X-Other': '' } }), { actual: 'none added' }],
    ['a route', carol({ route: 'boxes' }), { expected: 'boxes', actual: 'none' }],
    ['a score', bob({ score: 2 }), { expected: '2', actual: '1.5' }],
    ['a note', bob({ notes: ['unknown'] }), { actual: 'known partner' }],
    ['a rule that did not hold', bob({ held: ['listed-client'] }), { expected: 'held', actual: 'quiet' }],
    ['a rule that did', bob({ quiet: ['partners'] }), { expected: 'quiet', actual: 'held' }],
    ['a rule that was not only monitored', bob({ would: ['partners'] }), { expected: 'would', actual: 'held' }],
    [
      'a recipient who was not there',
      { recipients: { 'eve@example.com': 'reject' } },
      { actual: 'bob@example.com, carol@example.com' },
    ],
    ['a session that went on', { session: { verdict: 'reject' } }, { what: 'session verdict', actual: 'none' }],
    [
      'another fact',
      { facts: { 'spf.result': 'fail' } },
      { what: 'facts spf.result', expected: 'fail', actual: 'pass' },
    ],
    [
      'a fact that is not there',
      { facts: { 'spf.resul': 'fail' } },
      { actual: 'not known; did you mean "spf.result"?' },
    ],
  ];
  test.each(missed)('%s is a difference with both sides', (_what, expected, difference) => {
    expect(differences(expected)).toMatchObject([difference]);
  });
});

const FILE = `
policy: inbound
cases:
  - { name: right, expect: { recipients: { bob@example.com: accept } } }
  - { name: wrong, expect: { recipients: { carol@example.com: accept } } }
  - name: stops at a scenario that cannot be played
    steps:
      - { given: { helo: broken } }
      - { expect: { recipients: { carol@example.com: accept } } }
`;
const policies = new Map([['inbound', { rules: RULES, checks: [] }]]);

async function run(start: () => Rehearse) {
  const zones = { resolve: (path: string) => path, read: () => ({}) };
  const { tests } = loadTests('t.yaml', FILE, {
    policies,
    checks: new Map(),
    listeners: [{ name: 'mx', policy: 'inbound' }],
    zones,
  });
  return runTests([tests!], policies, start);
}
const rehearse: Rehearse = async (scenario) => {
  if (scenario.helo === 'broken') throw new Error('the file ham.eml is not there');
  return { record: aRecord() };
};

describe('a run of policy tests', () => {
  test('a failure names expected and actual, the place of the case and of the rule that decided', async () => {
    const report = await run(() => rehearse);
    expect(report).toMatchObject({ passed: 1, failed: 2 });
    expect(report.files[0]?.cases[1]?.failures).toMatchObject([
      {
        place: { file: 't.yaml', line: 5 },
        mismatches: [{ what: 'carol@example.com verdict', expected: 'accept', actual: 'quarantine' }],
        decided: [
          { by: 'otherwise', place: undefined },
          { by: 'rule:dmarc-hold', place: { line: 44 } },
        ],
      },
    ]);
  });

  test('a scenario that cannot be played is a failure, and ends its case', async () => {
    const failures = (await run(() => rehearse)).files[0]?.cases[2]?.failures;
    expect(failures).toMatchObject([{ step: 'step 1', error: 'the file ham.eml is not there' }]);
  });

  test('each case starts from state of its own, its steps share it', async () => {
    let started = 0;
    const played: number[] = [];
    await run(() => {
      const nth = ++started;
      return async () => {
        played.push(nth);
        return { record: aRecord() };
      };
    });
    expect(played).toEqual([1, 2, 3, 3]);
  });

  test('coverage counts which rules held and which were never even asked', async () => {
    const [coverage] = (await run(() => rehearse)).coverage;
    expect(coverage?.rules.map(({ rule, asked, held }) => [rule, asked, held])).toEqual([
      ['listed-client', 2, 0],
      ['partners', 2, 2],
      ['dmarc-hold', 4, 2],
      ['new-idea', 2, 2],
    ]);
    expect(coverage?.share).toBe(0.75);
  });
});
