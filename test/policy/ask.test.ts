import { describe, expect, test } from 'vitest';
import { type Asked, type Carry, type Decision, NOTHING_CARRIED } from '../../src/policy/disposition.ts';
import type { Facts, FactValue } from '../../src/policy/facts.ts';
import { policyFromBundle } from '../../src/policy/load-policy.ts';
import type { Policy, Situation } from '../../src/policy/policy.ts';
import { spares } from '../../src/policy/postmaster.ts';
import type { Stage } from '../../src/policy/stage.ts';
import { CATALOG, loaded, sha256 } from './catalog.ts';
import { INBOUND } from './inbound.ts';

const CLIENT = { ip: '192.0.2.1', port: 2525, network: '192.0.2.0/24', private: false, user: '', trusted: false };
const recipient = (address: string): Facts => {
  const [local = '', domain = ''] = address.split('@');
  return {
    recipient: { address, local, domain, tag: '', hosted: true, result: 'known', source: 'file', route: 'store' },
  };
};

interface Given {
  readonly facts?: Facts;
  readonly pending?: readonly string[];
  readonly failed?: readonly string[];
  readonly header?: { readonly [name: string]: readonly string[] };
  readonly calls?: { readonly [call: string]: FactValue };
  readonly carry?: Carry;
}

function situation({ facts = {}, pending = [], failed = [], header = {}, calls = {} }: Given): Situation {
  return {
    view: {
      known: { now: 1_800_000_000, client: { ...CLIENT, name: '' }, ...recipient('bob@example.com'), ...facts },
      pending: new Set(pending),
      unknown: new Map(failed.map((name) => [name, 'failed' as const])),
    },
    header: { values: (name) => header[name] ?? [] },
    calls,
  };
}

const asked = (policy: Policy, stage: Stage, given: Given = {}): Asked =>
  policy.ask(stage, situation(given), given.carry ?? NOTHING_CARRIED);

function decided(policy: Policy, stage: Stage, given: Given = {}): Decision {
  const answer = asked(policy, stage, given);
  if (answer.kind === 'pending') throw new Error(`waits for ${answer.waitFor.join()}`);
  return answer.decision;
}

const came = ({ trace }: Decision): string[] => trace.map(({ rule, truth, came: how }) => `${rule} ${truth} ${how}`);

/** A policy of one stage, with the check `probe` at rcpt. */
const small = (stage: Stage, rules: string, more = ''): Policy =>
  loaded(
    `policy: small\n${more}\nchecks:\n  rcpt: [{ probe: {} }]\nrules:\n  ${stage}:\n${rules.replace(/^/gm, '    ')}\n`,
  );

const yes = { answer: 'yes', score: 3, status: 'completed' };
const no = { answer: 'no', score: 0, status: 'completed' };
const REJECT = 'reject: { code: 550, enhanced: 5.7.1, text: "no" }';

describe('rules are asked top to bottom', () => {
  const policy = small(
    'rcpt',
    `- { name: first, when: "probe.answer == 'yes'", ${REJECT} }
- { name: second, defer: { code: 450, enhanced: 4.7.1, text: later } }`,
  );

  test('the first that holds ends the stage', () => {
    const decision = decided(policy, 'rcpt', { facts: { probe: yes } });
    expect(decision.disposition).toEqual({
      ...{ kind: 'reject', by: 'rule:first', speak: 'rcpt' },
      reply: { code: 550, enhanced: '5.7.1', text: 'no' },
    });
    expect(came(decision)).toEqual(['0 yes held']);
  });

  test('one that does not hold is on record, and the next is asked', () => {
    expect(came(decided(policy, 'rcpt', { facts: { probe: no } }))).toEqual(['0 no quiet', '1 yes held']);
  });

  test('a check that is still running is waited for', () => {
    expect(asked(policy, 'rcpt', { pending: ['probe'] })).toEqual({ kind: 'pending', waitFor: ['probe'] });
  });

  test('other stages are not asked', () => {
    expect(decided(policy, 'data', { facts: { probe: yes } })).toMatchObject({
      disposition: { kind: 'continue' },
      trace: [],
    });
  });
});

describe('what is not known falls to the careful side', () => {
  const by = (when: string, action: string) => small('data', `- { name: r, when: ${when}, ${action} }`);
  const QUARANTINE = 'quarantine: { class: spam, reason: r }';
  const ACCEPT = 'accept: {}';
  const condition = `"probe.answer == 'yes'"`;
  test.each([
    ['a restricting rule does not hold on an unknown condition', condition, QUARANTINE, 'unknown quiet'],
    ['nor by an unknown entry of all', `{ all: [${condition}, "client.port > 0"] }`, QUARANTINE, 'unknown quiet'],
    ['nor by an unknown entry of any', `{ any: [${condition}] }`, QUARANTINE, 'unknown quiet'],
    ['another entry of any is enough', `{ any: [${condition}, "client.port > 0"] }`, QUARANTINE, 'yes held'],
    ['it is not excused by an unknown exception', `{ none: [${condition}] }`, QUARANTINE, 'yes held'],
    ['it is excused by a known one beside it', `{ none: [${condition}, "client.port > 0"] }`, QUARANTINE, 'no quiet'],
    ['a permitting rule does not hold on an unknown condition', condition, ACCEPT, 'unknown quiet'],
    ['nor with an unknown exception', `{ none: [${condition}] }`, ACCEPT, 'unknown quiet'],
    [
      'what is false is false, whatever else is unknown',
      `"client.port == 0 && probe.score > 1.0"`,
      QUARANTINE,
      'no quiet',
    ],
    [
      'what is true is true, whatever else is unknown',
      `"client.port > 0 || probe.score > 1.0"`,
      QUARANTINE,
      'yes held',
    ],
    ['the status of a failed check is known', `"probe.status == 'failed'"`, QUARANTINE, 'yes held'],
    ['known() says that nobody will know', '"!known(probe.answer)"', QUARANTINE, 'yes held'],
  ])('%s', (_what, when, action, expected) => {
    const decision = decided(by(when, action), 'data', { failed: ['probe'] });
    expect(came(decision)).toEqual([`0 ${expected}`]);
  });

  test('the outage of a check speaks when no rule has ended the matter', () => {
    const policy = small('rcpt', `- { name: r, when: ${condition}, ${REJECT} }`);
    const decision = decided(policy, 'rcpt', { failed: ['probe'] });
    expect(decision.disposition).toMatchObject({
      kind: 'defer',
      by: 'on_error:probe',
      reply: { code: 451, enhanced: '4.3.0' },
    });
    expect(decision.outages).toEqual([{ check: 'probe', means: 'defer', spoke: true }]);
  });

  test('a rule that refuses outright wins over an outage that would only defer', () => {
    const policy = small('rcpt', `- { name: a, when: ${condition}, ${REJECT} }\n- { name: b, ${REJECT} }`);
    const decision = decided(policy, 'rcpt', { failed: ['probe'] });
    expect(decision.disposition).toMatchObject({ kind: 'reject', by: 'rule:b' });
    expect(decision.outages).toEqual([{ check: 'probe', means: 'defer', spoke: false }]);
  });

  test('an outage does not speak through a rule that only watches', () => {
    const policy = small('rcpt', `- { name: r, mode: monitor, when: ${condition}, ${REJECT} }`);
    expect(decided(policy, 'rcpt', { failed: ['probe'] }).disposition).toEqual({ kind: 'continue' });
  });

  test('nor through one that an allow passes over, even where another watches', () => {
    const policy = small(
      'rcpt',
      `- { name: a, allow: { skip: [spam] } }
- { name: b, group: spam, when: ${condition}, ${REJECT} }
- { name: c, mode: monitor, when: ${condition}, ${REJECT} }`,
    );
    expect(decided(policy, 'rcpt', { failed: ['probe'] }).disposition).toEqual({ kind: 'continue' });
  });

  test('it speaks at the stage of the rule that acts, not of one before that watches', () => {
    const policy = loaded(`policy: p
checks: { rcpt: [{ probe: {} }] }
rules:
  rcpt: [{ name: a, mode: monitor, when: ${condition}, ${REJECT} }]
  data: [{ name: b, when: ${condition}, ${REJECT} }]`);
    expect(policy.checks[0]?.speaksAt).toBe('data');
  });

  test('a check that was read before there was a recipient speaks at rcpt, and one that keeps the message at data', () => {
    const spoken = (onError: string) =>
      loaded(`policy: p
checks: { connect: [{ dnsbl: { lists: {}, on_error: ${onError} } }] }
rules: { connect: [{ name: r, when: "dnsbl.score > 0", ${REJECT} }] }`).checks[0]?.speaksAt;
    expect([spoken('defer'), spoken('quarantine'), spoken('{ defer: { for: 4h, then: quarantine } }')]).toEqual([
      'rcpt',
      'data',
      'data',
    ]);
  });

  test('patience is handed to whoever counts', () => {
    const policy = loaded(`policy: p
checks: { rcpt: [{ probe: { on_error: { defer: { for: 4h, then: quarantine } } } }] }
rules: { data: [{ name: r, when: "probe.score > 1", ${REJECT} }] }`);
    expect(decided(policy, 'data', { failed: ['probe'] }).disposition).toMatchObject({
      ...{ kind: 'defer', by: 'on_error:probe', patience: { span: 14_400_000, reason: 'the check probe failed' } },
    });
  });
});

describe('actions and modes', () => {
  test('monitor records and does nothing, soft sends 5yz as 4yz', () => {
    const policy = small('rcpt', `- { name: a, mode: monitor, ${REJECT} }\n- { name: b, mode: soft, ${REJECT} }`);
    const decision = decided(policy, 'rcpt');
    expect(came(decision)).toEqual(['0 yes would', '1 yes softened']);
    expect(decision.disposition).toMatchObject({ kind: 'defer', reply: { code: 450, enhanced: '4.7.1', text: 'no' } });
  });

  test('a policy that watches has no rule that acts', () => {
    const policy = small('rcpt', `- { name: a, ${REJECT} }`, 'mode: monitor');
    expect(decided(policy, 'rcpt').disposition).toEqual({ kind: 'continue' });
  });

  test('what does not end the stage is carried, and scores are read by the rules below', () => {
    const policy = small(
      'data',
      `- { name: a, score: 1.5 }
- { name: b, score: 1 }
- { name: c, when: "total.score >= 2.5", add_header: { name: X-Score, value: "{total.score} from {client.ip}" } }
- { name: d, route: store }
- { name: e, note: "seen {recipient.address}" }`,
    );
    const { carry, disposition } = decided(policy, 'data', { carry: { ...NOTHING_CARRIED, score: 0.5 } });
    expect(disposition).toEqual({ kind: 'continue' });
    expect(carry).toMatchObject({
      score: 3,
      modifications: [
        { kind: 'addHeader', name: 'X-Score', value: '3 from 192.0.2.1', by: 'rule:c' },
        { kind: 'route', route: 'store', by: 'rule:d' },
      ],
      notes: [{ by: 'rule:e', text: 'seen bob@example.com' }],
    });
  });

  test('allow passes over later rules of its groups, and the trace says by whom', () => {
    const policy = small(
      'data',
      `- { name: a, allow: { skip: [spam] } }\n- { name: b, group: spam, ${REJECT} }\n- { name: c, group: malware, ${REJECT} }`,
    );
    const { trace, disposition } = decided(policy, 'data');
    expect(trace[1]).toEqual({ rule: 1, truth: 'no', came: 'passedOver', allowedBy: 0 });
    expect(disposition).toMatchObject({ by: 'rule:c' });
  });

  test('accept ends this stage only; otherwise is for what no rule ended', () => {
    const policy = small('data', '- { name: a, when: "probe.answer == \'yes\'", accept: {} }', 'otherwise: defer');
    const accepted = decided(policy, 'data', { facts: { probe: yes } });
    expect(accepted.disposition).toEqual({ kind: 'accept', by: 'rule:a' });
    expect(decided(policy, 'content', { carry: accepted.carry }).disposition).toEqual({ kind: 'continue' });
    expect(decided(policy, 'content').disposition).toMatchObject({
      kind: 'defer',
      by: 'otherwise',
      reply: { code: 451 },
    });
  });

  test('a fact from outside cannot break a line or run on', () => {
    const policy = small(
      'data',
      '- { name: a, defer: { code: 451, enhanced: 4.7.1, text: "to {message.subject}{message.subject}{message.subject}{message.subject}{message.subject}" } }',
    );
    const message = { size: 1, id: '', subject: `a\r\n250 ok\x1b[2J${'x'.repeat(5000)}`, date: '', hops: 0 };
    const { disposition } = decided(policy, 'data', { facts: { message } });
    if (disposition.kind !== 'defer') throw new Error(disposition.kind);
    expect(disposition.reply.text).toMatch(/^to a\\x0d\\x0a250 ok\\x1b\[2Jx/);
    expect(disposition.reply.text.length).toBeLessThanOrEqual(800);
  });

  test('a text says what is not known, joins lists and says durations in words', () => {
    const policy = loaded(INBOUND);
    const greylist = { result: 'wait', wait: 300, key: '', status: 'completed' };
    const calm = { rate_client: { count: 1, exceeded: false, status: 'completed' } };
    const listed = {
      score: 5,
      listed_by: ['spamhaus', 'other'],
      answers: [],
      failed: [],
      lookup_url: 'https://x.example/',
      status: 'completed',
    };
    const replies = [
      decided(policy, 'rcpt', { facts: { ...calm, greylist, dnsbl: { ...listed, score: 0 } } }),
      decided(policy, 'rcpt', { facts: { ...calm, greylist, dnsbl: listed } }),
    ].map(({ disposition }) => ('reply' in disposition ? disposition.reply.text : ''));
    expect(replies).toEqual(['please try again in 5 min', '192.0.2.1 is on spamhaus, other: https://x.example/']);
  });
});

describe('postmaster and abuse of hosted domains', () => {
  const policy = small('data', `- { name: a, group: spam, ${REJECT} }\n- { name: b, group: malware, ${REJECT} }`);

  test.each(['postmaster@example.com', 'Abuse+list@example.com'])('%s skips groups, and malware is held', (address) => {
    const decision = decided(policy, 'data', { facts: recipient(address) });
    expect(came(decision)).toEqual(['0 no passedOver', '1 yes held']);
    expect(decision.disposition).toMatchObject({ kind: 'quarantine', class: 'malware', by: 'rule:b' });
    const { disposition } = decided(policy, 'data');
    expect(spares(policy, disposition, recipient(address).recipient)).toBe(true);
  });

  test('nobody else does', () => {
    expect(decided(policy, 'data', { facts: recipient('postmasters@example.com') }).disposition).toMatchObject({
      by: 'rule:a',
    });
  });
});

describe('headers', () => {
  const policy = small(
    'data',
    `- { name: list, when: "header('List-Id') != ''", note: list }
- { name: win, when: "rx(header('subject'), '(?i)you win') && size(headers('received')) > 1", ${REJECT} }`,
  );
  const header = { 'list-id': ['<l.example>'], subject: ['YOU WIN'], received: ['a', 'b'] };

  test('are asked by name, and what they answered is kept', () => {
    const decision = decided(policy, 'data', { header });
    expect(came(decision)).toEqual(['0 yes held', '1 yes held']);
    expect(decision.calls).toEqual({
      'header("List-Id")': '<l.example>',
      'rx(header("subject"), "(?i)you win")': true,
      'headers("received")': ['a', 'b'],
    });
    const again = policyFromBundle(policy.bundle, CATALOG, sha256);
    const kept: Situation = { ...situation({ calls: decision.calls }), header: undefined };
    expect(again.ask('data', kept, NOTHING_CARRIED)).toEqual({ kind: 'decided', decision });
    expect(again.bundle.digest).toBe(policy.bundle.digest);
  });
});

describe('what a check needs to start', () => {
  const policy = loaded(INBOUND);
  const prepare = (name: string, given: Given) =>
    policy.prepare(policy.checks.find((check) => check.name === name)!, situation(given));
  const settings = { spam_hold: 6, greylist: true, dmarc_strict: false };
  const calm = { score: 0, listed_by: [], answers: [], failed: [], lookup_url: '', status: 'completed' };

  test('an option that is an expression has its value, and it is on record', () => {
    expect(prepare('rate_client', {})).toEqual({
      kind: 'run',
      options: { key: '192.0.2.0/24', limit: 200, window: 600_000 },
      inputs: { key: '192.0.2.0/24' },
    });
  });

  test('a list is there to be asked, a template is filled', () => {
    const arc = prepare('arc', {});
    const dnsbl = prepare('dnsbl', {});
    if (arc.kind !== 'run' || dnsbl.kind !== 'run') throw new Error('must run');
    expect((arc.options.trusted_sealers as { has(value: string, at: number): boolean }).has('example.net', 0)).toBe(
      true,
    );
    expect(dnsbl.inputs['lists.spamhaus.lookup_url']).toBe('https://check.spamhaus.org/results/?query=192.0.2.1');
  });

  test.each([
    [
      'a guard that does not hold skips',
      { dnsbl: calm, rdns: { result: 'pass', name: '', status: 'completed' } },
      [],
      [],
      'skip',
    ],
    ['one that holds runs', { dnsbl: calm, rdns: { result: 'fail', name: '', status: 'completed' } }, [], [], 'run'],
    ['one that nobody can judge runs', { dnsbl: calm }, [], ['rdns'], 'run'],
    ['one that may still be judged waits', { dnsbl: calm }, ['rdns'], [], 'pending'],
  ])('%s', (_what, facts: Facts, pending: string[], failed: string[], kind) => {
    expect(prepare('greylist', { facts: { ...facts, settings, tenant: '' }, pending, failed }).kind).toBe(kind);
  });

  test('what it needs is waited for', () => {
    expect(prepare('dmarc', { pending: ['spf', 'dkim', 'arc'] })).toEqual({
      kind: 'pending',
      waitFor: ['spf', 'dkim'],
    });
  });

  test('an option over a fact nobody will know fails the check', () => {
    const over = loaded('policy: p\nchecks: { mail: [{ spf: {} }], rcpt: [{ rate: { key: spf.domain, limit: 1 } }] }');
    expect(over.prepare(over.checks[1]!, situation({ failed: ['spf'] })).kind).toBe('fail');
  });

  test('it is of the recipient when it reads facts of one', () => {
    expect(policy.checks.map(({ name, scope }) => `${name} ${scope}`)).toContain('rate_client session');
    const per = loaded('policy: p\nchecks: { rcpt: [{ rate: { key: recipient.address, limit: 1 } }] }');
    expect(per.checks[0]?.scope).toBe('recipient');
  });
});
