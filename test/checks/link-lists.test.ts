import { expect, test } from 'vitest';
import { rehearsalOf } from '../support/rehearsal.ts';

const LISTS =
  '{ bad: { zone: uri.test, codes: { "127.0.0.2": 4 } }, good: { zone: white.test, codes: { "127.0.0.3": -1 } } }';
const policy = (options: string): string => `policy: inbound
lists: { known: { kind: domain, values: [listed.org] } }
checks:
  content:
    - links: { ${options} }
rules:
  content:
    - { name: bad-links, when: "links.score >= 4", reject: { code: 550, enhanced: 5.7.1, text: "links" } }
`;
const facts = async (options: string, body: string, dns: object) => {
  const { record } = await rehearsalOf(policy(options))({
    mail_from: 'a@example.org',
    rcpt: ['b@example.net'],
    raw: `From: a@example.org\r\n\r\n${body}\r\n`,
    dns: dns as never,
  });
  return { links: record.facts.links as { readonly [fact: string]: unknown }, verdict: record.recipients[0]?.verdict };
};
const LISTED = { 'listed.org.uri.test': [{ A: '127.0.0.2' }], 'fine.org.uri.test': [] };

test('a domain that a list weighs is told with the list, and a rule may refuse by it', async () => {
  const { links, verdict } = await facts(`lists: ${LISTS}`, 'see http://www.listed.org/x and http://fine.org', LISTED);
  expect(links).toMatchObject({ score: 4, listed: ['listed.org'], listed_by: ['bad'], failed: [], count: 2 });
  expect(verdict).toBe('reject');
});

test.each([
  ['that lists INVALID', { ...LISTED, 'invalid.uri.test': [{ A: '127.0.0.2' }] }],
  ['that does not serve us', { 'listed.org.uri.test': [{ A: '127.0.0.1' }] }],
  ['that is silent', { 'listed.org.uri.test': ['TIMEOUT'] }],
  ['whose answer nobody described', { 'listed.org.uri.test': [{ A: '127.0.0.9' }] }],
])('a list %s counts nothing and is told as failed', async (_, dns) => {
  const { links } = await facts(`lists: ${LISTS}`, 'http://www.listed.org', dns);
  expect(links).toMatchObject({ score: 0, listed: [], failed: ['bad'] });
});

test('the code by which a list refuses us is no listing, however widely its codes are described', async () => {
  const wide = 'lists: { bad: { zone: uri.test, codes: { "127.0.*.*": 4 } } }';
  for (const code of ['127.0.0.1', '127.0.1.255', '127.255.255.254']) {
    const { links } = await facts(wide, 'http://listed.org', { 'listed.org.uri.test': [{ A: code }] });
    expect(links, code).toMatchObject({ score: 0, failed: ['bad'] });
  }
});

test('nobody is asked about domains that are excepted, or beyond the number of look-ups', async () => {
  const excepted = await facts(`lists: ${LISTS}, except: lists.known`, 'http://listed.org', LISTED);
  expect(excepted.links).toMatchObject({ score: 0, listed: [], hosts: ['listed.org'] });
  const bounded = await facts(`lists: ${LISTS}, max_lookups: 1`, 'http://fine.org http://listed.org', LISTED);
  expect(bounded.links).toMatchObject({ score: 0, truncated: true });
});

test('a zone with a key is refused when the policy is loaded: its questions would go out without it', () => {
  const keyed = 'lists: { bad: { zone_file: secrets/uri, shown_as: key.uri.test, codes: { "127.0.0.2": 4 } } }';
  expect(() => rehearsalOf(policy(keyed))).toThrow('zone_file');
});
