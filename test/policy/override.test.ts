import { describe, expect, test } from 'vitest';
import { NOTHING_CARRIED } from '../../src/policy/disposition.ts';
import { loadPolicy, policyFromBundle } from '../../src/policy/load-policy.ts';
import type { Override } from '../../src/policy/override.ts';
import type { Policy, Situation } from '../../src/policy/policy.ts';
import { CATALOG, INSTALLATION, sha256 } from './catalog.ts';

const TEXT = `policy: p
define: { bad: "probe.answer == 'yes'" }
checks:
  rcpt: [{ probe: {} }]
rules:
  rcpt:
    - { name: friends, when: "probe.answer == 'yes'", allow: { skip: [spam] } }
    - { name: scored, when: "bad", score: 2 }
    - { name: spared, when: "bad", score: -2 }
    - { name: refused, when: { all: ["bad"] }, reject: { code: 550, enhanced: 5.7.1, text: "no" } }
    - { name: other, when: "client.private", reject: { code: 550, enhanced: 5.7.1, text: "other" } }
`;
const override = (kind: Override['kind'], name: string, policy = ''): Override => ({
  id: '3f9k2m7q0d5xa',
  kind,
  name,
  policy,
  by: 'olga',
  why: 'INC-4711',
  since: 1,
  until: 2,
});

function under(...overrides: readonly Override[]): Policy {
  const { policy, problems } = loadPolicy({
    files: { name: '', read: (path) => ({ path, text: TEXT }), glob: () => [] },
    path: 'p.yaml',
    catalog: CATALOG,
    installation: INSTALLATION,
    overrides,
    routes: [],
    digest: sha256,
  });
  if (policy === undefined) throw new Error(JSON.stringify(problems));
  return policy;
}

function asked(policy: Policy, probe: 'yes' | 'failed', isPrivate = false) {
  const client = { ip: '192.0.2.1', port: 1, network: '', private: isPrivate, user: '', trusted: false, name: '' };
  const recipient = {
    address: 'b@example.com',
    local: 'b',
    domain: 'example.com',
    tag: '',
    hosted: true,
    result: 'known',
    source: '',
    route: '',
  };
  const facts = probe === 'yes' ? { probe: { answer: 'yes', score: 3, status: 'completed' } } : {};
  const situation: Situation = {
    view: {
      known: { now: 1, client, recipient, ...facts },
      pending: new Set(),
      unknown: new Map(probe === 'failed' ? [['probe', 'failed' as const]] : []),
    },
    header: undefined,
    calls: {},
  };
  const answer = policy.ask('rcpt', situation, NOTHING_CARRIED);
  if (answer.kind === 'pending') throw new Error('pending');
  const { disposition, trace, carry } = answer.decision;
  return {
    said: disposition.kind,
    came: trace.map(({ rule, came }) => `${policy.rules[rule]!.name} ${came}`),
    score: carry.score,
  };
}

describe('an override', () => {
  test('of a rule lets it say what it would have done, and nothing else', () => {
    expect(asked(under(), 'yes').said).toBe('reject');
    const braked = asked(under(override('rule', 'refused')), 'yes');
    expect(braked.said).toBe('continue');
    expect(braked.came).toContain('refused would');
    expect(asked(under(override('rule', 'refused')), 'yes', true).said).toBe('reject');
  });

  test('of a check brakes what restricts and reads it, by a define too; what permits goes on', () => {
    const braked = asked(under(override('check', 'probe')), 'yes');
    expect(braked).toMatchObject({ said: 'continue', score: -2 });
    expect(braked.came).toEqual(['friends held', 'scored would', 'spared held', 'refused would', 'other quiet']);
  });

  test('of a check silences its outage, whoever reads it', () => {
    expect(asked(under(), 'failed').said).toBe('defer');
    expect(asked(under(override('check', 'probe')), 'failed').said).toBe('continue');
  });

  test('is a bundle of its own, which gives the same policy again', () => {
    const plain = under();
    const braked = under(override('rule', 'refused'));
    expect(braked.bundle.digest).not.toBe(plain.bundle.digest);
    const again = policyFromBundle(JSON.parse(JSON.stringify(braked.bundle)), CATALOG, sha256);
    expect(again.bundle).toEqual(braked.bundle);
    expect(asked(again, 'yes')).toEqual(asked(braked, 'yes'));
    expect(again.rules.find(({ name }) => name === 'refused')!.override).toMatchObject({ by: 'olga', why: 'INC-4711' });
  });

  test.each([
    ['a rule that is not there', override('rule', 'reffused')],
    ['another policy', override('rule', 'refused', 'q')],
    ['a check that is not there', override('check', 'spf')],
  ])('on %s leaves the bundle as it was', (_, one) => {
    expect(under(one).bundle).toEqual(under().bundle);
  });
});
