import { expect, test } from 'vitest';
import { rehearsalOf } from '../support/rehearsal.ts';

const rules = (when: string): string => `policy: inbound
rules:
  data:
    - name: words
      when: ${JSON.stringify(when)}
      reject: { code: 550, enhanced: 5.7.1, text: "no" }
`;
const scenario = (body: string, type = 'text/plain') => ({
  mail_from: 'a@example.org',
  rcpt: ['b@example.net'],
  raw: `From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}\r\n`,
});
const verdict = async (when: string, body: string, type?: string): Promise<string | undefined> => {
  const { record } = await rehearsalOf(rules(when))(scenario(body, type));
  return record.recipients[0]?.verdict;
};

test.each([
  ['in the decoded text', "rx_body('invoice number')", 'in=\r\nvoice=20number 7', undefined],
  ['in HTML as a person sees it', "rx_body('buy now')", '<p>b<b>uy</b> n&#111;w</p>', 'text/html'],
  ['in HTML as it is written', "rx_body('<form')", '<form action=3D"x">', 'text/html'],
])('a rule looks for a pattern %s', async (_, when, body, type) => {
  expect(await verdict(when, body, type)).toBe('reject');
  expect(await verdict(when, 'something else', type)).toBe('accept');
});

test('what was answered stands in the record, which needs no text to run its rules again', async () => {
  const { record } = await rehearsalOf(rules("rx_body('win')"))(scenario('you win'));
  expect(record.recipients[0]?.calls).toEqual({ 'rx_body("win")': true });
});

test.each([
  ["rx_body('(')", 'the pattern does not compile'],
  ['rx_body(message.subject)', 'rx_body() takes its pattern in quotes'],
])('%s is an error when the policy is loaded', (when, says) => {
  expect(() => rehearsalOf(rules(when))).toThrow(says);
});
