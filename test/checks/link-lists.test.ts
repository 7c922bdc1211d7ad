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
const LISTED = {
  'test.uri.test': [{ A: '127.0.0.2' }],
  'test.white.test': [{ A: '127.0.0.3' }],
  'invalid.uri.test': [],
  'invalid.white.test': [],
  'listed.org.white.test': [],
  'fine.org.white.test': [],
  'listed.org.uri.test': [{ A: '127.0.0.2' }],
  'fine.org.uri.test': [],
};

test('a domain that a list weighs is told with the list, and a rule may refuse by it', async () => {
  const { links, verdict } = await facts(`lists: ${LISTS}`, 'see http://www.listed.org/x and http://fine.org', LISTED);
  expect(links).toMatchObject({ score: 4, listed: ['listed.org'], listed_by: ['bad'], failed: [], count: 2 });
  expect(verdict).toBe('reject');
});

test('the code by which a list refuses us is no listing, however widely its codes are described', async () => {
  const wide = 'lists: { bad: { zone: uri.test, codes: { "127.0.*.*": 4 } } }';
  for (const code of ['127.0.0.1', '127.0.1.255', '127.255.255.254']) {
    const { links } = await facts(wide, 'http://listed.org', { ...LISTED, 'listed.org.uri.test': [{ A: code }] });
    expect(links, code).toMatchObject({ score: 0, failed: ['bad'] });
  }
});
