/** Rules over the text and the links of a message, played whole: asked once, kept on record, and asked again without the text. */
import { describe, expect, test } from 'vitest';
import { NOTHING_CARRIED } from '../../src/policy/disposition.ts';
import { MessageText } from '../../src/policy/message-text.ts';
import { rerun } from '../../src/record/rerun.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const POLICY = `policy: inbound
checks:
  content:
    - links:
        lists:
          dbl: { zone: dbl.test, codes: { "127.0.1.2": 4 } }
rules:
  data:
    - name: advance-fee
      when: "rx_body(r'(?i)wire\\\\s+transfer')"
      reject: { code: 550, enhanced: 5.7.1, text: "no" }
  content:
    - name: bad-link
      when: "links.score >= 4"
      reject: { code: 550, enhanced: 5.7.1, text: "links to {links.listed}" }
`;
const ENVELOPE = { mail_from: 'a@example.org', rcpt: ['b@example.net', 'c@example.net'] };
const letter = (type: string, body: string, encoding = '8bit'): string =>
  `From: a@example.org\nMIME-Version: 1.0\nContent-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: ${encoding}\n\n${body}\n`;

describe('rx_body()', () => {
  test.each<[string, string, string]>([
    ['plain text', letter('text/plain', 'please WIRE\n transfer it'), 'rule:advance-fee'],
    ['base64', letter('text/plain', Buffer.from('a wire transfer').toString('base64'), 'base64'), 'rule:advance-fee'],
    ['HTML as it is seen', letter('text/html', 'w<b>ir</b>e&nbsp;tra&shy;nsfer'), 'rule:advance-fee'],
    ['HTML as it is written', letter('text/html', '<p title="wire transfer">x</p>'), 'rule:advance-fee'],
    ['another text', letter('text/plain', 'wires transferred'), 'accept'],
  ])('in %s', async (_, raw, reason) => {
    const { record, policy } = await rehearsalOf(POLICY)({ ...ENVELOPE, raw });
    expect(record.recipients.map((one) => (one.verdict === 'accept' ? 'accept' : one.reason))).toEqual([
      reason,
      reason,
    ]);
    for (const { calls } of record.recipients)
      expect(Object.entries(calls)).toEqual([[expect.stringMatching(/^rx_body\(/), reason !== 'accept']]);
    // The rules again over the record alone.
    expect(rerun(record, policy).recipients.map(({ verdict }) => verdict)).toEqual(
      record.recipients.map(({ verdict }) => verdict),
    );
  });

  test('without the text it is not known: never false, and a rule over its opposite does not hold either', async () => {
    const { record, policy } = await rehearsalOf(POLICY.replace('"rx_body', '"!rx_body'))({
      ...ENVELOPE,
      raw: letter('text/plain', 'hello'),
    });
    expect(record.recipients[0]?.reason).toBe('rule:advance-fee');
    const view = { known: record.facts, pending: new Set<string>(), unknown: new Map() };
    const asked = policy.ask('data', { view, header: undefined, calls: {} }, NOTHING_CARRIED);
    expect(asked).toMatchObject({ kind: 'decided', decision: { disposition: { kind: 'continue' }, calls: {} } });
  });

  test('a policy that asks nothing of the text says so', async () => {
    const ask = async (when: string) =>
      (await rehearsalOf(`policy: inbound\nrules: { data: [{ name: r, when: "${when}", note: "x" }] }`)(ENVELOPE))
        .policy;
    expect((await ask("rx_body('x')")).readsBody).toBe(true);
    expect((await ask("rx(header('subject'), 'x')")).readsBody).toBe(false);
  });

  test.each<[string, string, RegExp]>([
    ['a pattern that does not compile', "rx_body('(?=x)')", /does not compile/],
    ['a pattern that is no literal', 'rx_body(mail.domain)', /in quotes/],
    ['two arguments', "rx_body('x', 'y')", /rx_body/],
  ])('%s is told when the policy is loaded', (_, when, says) => {
    expect(() => rehearsalOf(`policy: inbound\nrules: { data: [{ name: r, when: "${when}", note: "x" }] }`)).toThrow(
      says,
    );
  });

  test('before there is a message it cannot be asked', () => {
    expect(() =>
      rehearsalOf(`policy: inbound\nrules: { mail: [{ name: r, when: "rx_body('x')", note: "x" }] }`),
    ).toThrow(/known from data on/);
  });

  test('each pattern is looked for once, in the first 128 Ki characters', () => {
    let made = 0;
    const looked: string[] = [];
    const text = new MessageText(() => {
      made++;
      return ['a'.repeat(100 * 1024), 'b'.repeat(100 * 1024)];
    });
    const find = (pattern: string, within: string): boolean => {
      looked.push(`${pattern} ${within.length}`);
      return within.includes(pattern);
    };
    expect([text.has('b', find), text.has('b', find), text.has('c', find)]).toEqual([true, true, false]);
    expect(looked).toEqual(['b 102400', 'b 28672', 'c 102400', 'c 28672']);
    expect(made).toBe(1);
  });
});

test('a link on a list refuses by its rule, with zones in place of DNS, and the record tells why', async () => {
  const { record, policy } = await rehearsalOf(POLICY)({
    ...ENVELOPE,
    raw: letter('text/html', '<a href="http://www.bank.com@www.bad.example/">www.bank.com</a>'),
    dns: {
      'test.dbl.test': [{ A: '127.0.1.2' }],
      'bad.example.dbl.test': [{ A: '127.0.1.2' }],
    },
  });
  expect(record.recipients[0]).toMatchObject({
    reason: 'rule:bad-link',
    reply: { text: expect.stringContaining('links to bad.example') },
  });
  expect(record.facts.links).toMatchObject({
    ...{
      hosts: ['www.bad.example', 'www.bank.com'],
      listed_by: ['dbl'],
      text_differs: ['www.bad.example'],
      status: 'completed',
    },
  });
  expect(rerun(record, policy).recipients[0]).toMatchObject({ reason: 'rule:bad-link' });
});
