import { describe, expect, test } from 'vitest';
import { NOTHING_CARRIED } from '../../src/policy/disposition.ts';
import { includedSchema, policySchema } from '../../src/policy/json-schema.ts';
import { lint, lintOutages } from '../../src/policy/lint.ts';
import { undeclaredSettings } from '../../src/policy/load-policy.ts';
import { CATALOG, INSTALLATION, load, loaded } from './catalog.ts';
import { INBOUND } from './inbound.ts';

const POLICY = `policy: p
include: [customers/*.yaml]
settings:
  spam_hold: { type: number, default: 6, min: 3, max: 30 }
  level: { type: string, default: normal, values: [strict, normal] }
tables:
  spam_at: { strict: 4, normal: 6.5 }
rules:
  data:
    - { name: table, when: "tables.spam_at[settings.level] < 5.0", note: strict }
    - { name: mine, when: "mail.domain in tenant.lists.allow", note: mine }
`;
const ACME = `tenant: acme
domains: { example.com: { spam_hold: 5 } }
settings: { level: strict, spam_hold: 7 }
recipients: { Bob@example.com: { spam_hold: 3 } }
lists: { allow: { kind: domain, values: [friend.example] } }
`;

describe('settings', () => {
  const policy = loaded(POLICY, { 'customers/acme.yaml': ACME });

  test.each([
    ['bob+x@example.com', 'example.com', { spam_hold: 3, level: 'strict' }, 'acme'],
    ['eve@example.com', 'example.com', { spam_hold: 5, level: 'strict' }, 'acme'],
    ['eve@example.org', 'example.org', { spam_hold: 4, level: 'normal' }, ''],
    ['eve@example.net', 'example.net', { spam_hold: 6, level: 'normal' }, ''],
  ])('of %s: recipient, then domain, then tenant, then default', (address, domain, values, tenant) => {
    expect(policy.settings(address, domain)).toMatchObject({ values, tenant });
  });

  test('say where a value came from', () => {
    expect(policy.settings('bob@example.com', 'example.com').places).toEqual({
      spam_hold: { file: 'policies/customers/acme.yaml', line: 4, column: 45 },
      level: { file: 'policies/customers/acme.yaml', line: 3, column: 20 },
    });
  });

  test.each([
    ['bob@example.com', 'example.com', ['table', 'mine']],
    ['bob@example.org', 'example.org', []],
  ])("tables and a tenant's lists are looked up for %s", (address, domain, held) => {
    const local = address.split('@')[0]!;
    const known = {
      now: 1_800_000_000,
      recipient: { address, local, domain, tag: '', hosted: true, result: 'known', source: '', route: '' },
      mail: { address: 'a@friend.example', local: 'a', domain: 'friend.example', null: false, size: 0, utf8: false },
    };
    const asked = policy.ask(
      'data',
      { view: { known, pending: new Set(), unknown: new Map() }, header: undefined, calls: {} },
      NOTHING_CARRIED,
    );
    expect(asked.kind === 'decided' && asked.decision.carry.notes.map(({ by }) => by.slice('rule:'.length))).toEqual(
      held,
    );
  });

  test.each([
    ['an unknown setting', '{ level: strict', '{ levl: strict', /"levl" is no setting/, /did you mean "level"/],
    ['a value out of bounds', 'spam_hold: 3', 'spam_hold: 300', /is above 30/, /from 3 to 30/],
    ['a word that is none', 'level: strict', 'level: hard', /not one of its values/, /strict, normal/],
    [
      'a domain that is not ours',
      'example.com: { spam_hold: 5 }',
      'example.net: { spam_hold: 5 }',
      /"example.net" is not a domain of ours/,
      /installation/,
    ],
    [
      'a key that has no place there',
      'tenant: acme',
      'tenant: acme\nrules: {}',
      /"rules" is not a key/,
      /valid here: tenant/,
    ],
  ])('%s in an included file is a problem', (_what, from, to, says, remedy) => {
    const [first] = load(POLICY, { 'customers/acme.yaml': ACME.replace(from, to) }).problems;
    expect(first?.message).toMatch(says);
    expect(first?.remedy).toMatch(remedy);
    expect(first?.place.file).toBe('policies/customers/acme.yaml');
  });

  test('of a domain that no policy declares are told with their place', () => {
    const domains = { 'example.com': { settings: { spam_holt: 1 }, file: 'postern.yaml', line: 3 } };
    expect(undeclaredSettings([policy], { domains })).toMatchObject([
      { place: { line: 3 }, remedy: expect.stringMatching(/spam_hold/) },
    ]);
  });
});

describe('beside a policy', () => {
  test('JSON Schema knows its words, with what the checks say of themselves', () => {
    const said = JSON.stringify(policySchema(CATALOG));
    for (const word of ['settings', 'spam', 'trusted_sealers', 'on_error', 'quarantine', 'speak'])
      expect(said).toContain(`"${word}"`);
    expect(JSON.stringify(includedSchema())).toContain('"tenant"');
  });

  test('lint names the rules that an outage changes, and what is never asked', () => {
    const messages = lintOutages(loaded(INBOUND)).map(({ message }) => message);
    expect(messages.some((said) => said.startsWith('an outage of dnsbl changes the rule "listed-client"'))).toBe(true);
    const wall = loaded('policy: p\nrules: { data: [{ name: a, accept: {} }, { name: b, score: 1 }] }');
    expect(lint(wall, 0).map(({ message }) => message)).toEqual(['"b" is never asked: "a" above it always holds']);
  });

  test('lint warns of a check whose outage nobody hears, and what it says to write ends the warning', () => {
    const unread = (word: string) => lint(loaded(`policy: p\nchecks: { mail: [{ spf: { on_error: ${word} } }] }`), 0);
    expect(unread('defer')).toMatchObject([{ remedy: expect.stringContaining('`on_error: skip`') }]);
    expect(unread('skip')).toEqual([]);
  });

  test('lint warns of mail that vanishes, where it does', () => {
    const gone = (mode: string) =>
      loaded(`policy: p\nrules: { data: [{ name: gone, ${mode}discard: { reason: r } }] }`);
    expect(lint(gone(''), 0)).toMatchObject([{ message: expect.stringContaining('"gone" discards mail') }]);
    expect(lint(gone('mode: monitor, '), 0)).toEqual([]);
  });

  test('an empty policy is valid and decides nothing', () => {
    expect(load('policy: p\nchecks: {}\nrules: {}').problems).toEqual([]);
    expect(INSTALLATION.domains).toBeDefined();
  });
});
