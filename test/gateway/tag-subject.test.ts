import { expect, test } from 'vitest';
import { spliced } from '../../src/gateway/splice.ts';
import { tagSubject } from '../../src/gateway/tag-subject.ts';
import { decodeWords } from '../../src/mail/encoded-word.ts';
import { parseHeaderSection } from '../../src/mail/header.ts';

const LONG = 'word '.repeat(14).trim();

async function tagged(subject: string, ...tags: readonly string[]): Promise<string> {
  const header = Buffer.from(`From: a@b\r\n${subject}To: c@d\r\n\r\n`, 'latin1');
  const fields = parseHeaderSection(header).fields.map((field) => ({ ...field, name: field.name.toLowerCase() }));
  const edits = tagSubject(tags, { fields }, header);
  const added = edits.flatMap((edit) => (edit.kind === 'addField' ? [`${edit.field}\r\n`] : [])).join('');
  const read = async function* () {
    yield header;
  };
  let out = '';
  for await (const piece of spliced(Buffer.from(added), edits, read())) out += Buffer.from(piece).toString('latin1');
  expect(out.endsWith('To: c@d\r\n\r\n')).toBe(true);
  return out.replace('From: a@b\r\n', '').replace('To: c@d\r\n\r\n', '');
}

test.each([
  ['a plain one', 'Subject: hello\r\n', 'Subject: [SPAM] hello\r\n'],
  ['no space after the colon', 'SUBJECT:hello\r\n', 'SUBJECT: [SPAM] hello\r\n'],
  ['one that is empty', 'Subject:\r\n', 'Subject: [SPAM]\r\n'],
  ['none at all', '', 'Subject: [SPAM]\r\n'],
  ['one that is tagged', 'Subject: [SPAM] hello\r\n', 'Subject: [SPAM] hello\r\n'],
  ['an answer to one that was tagged', 'Subject: Re: [SPAM] hello\r\n', 'Subject: Re: [SPAM] hello\r\n'],
  [
    'one that is tagged in an encoded word',
    'Subject: =?utf-8?q?=5BSPAM=5D_hi?=\r\n',
    'Subject: =?utf-8?q?=5BSPAM=5D_hi?=\r\n',
  ],
  [
    'encoded words, as they stand',
    'Subject: =?utf-8?B?w6Q=?=\r\n =?utf-8?B?w6Q=?=\r\n',
    'Subject: [SPAM] =?utf-8?B?w6Q=?=\r\n =?utf-8?B?w6Q=?=\r\n',
  ],
  ['a long line, which is folded', `Subject: ${LONG}\r\n`, `Subject: [SPAM]\r\n ${LONG}\r\n`],
  [
    'two Subject fields, of which nobody knows which is shown',
    'Subject: a\r\nSubject: b\r\n',
    'Subject: [SPAM] a\r\nSubject: [SPAM] b\r\n',
  ],
])('a tag before %s', async (_what, before, after) => {
  expect(await tagged(before, '[SPAM]', '[SPAM]')).toBe(after);
});

test('a tag beyond ASCII is an encoded word, and the space after it is shown', async () => {
  const words = await tagged('Subject: =?utf-8?B?w6Q=?=\r\n', '[Müll]');
  expect(words).toMatch(/^Subject: =\?utf-8\?q\?[!-~]+\?= =\?utf-8\?B\?w6Q=\?=\r\n$/);
  expect(decodeWords(words.slice(9).trim())).toBe('[Müll] ä');
  const plain = await tagged('Subject: hello\r\n', '[Müll]');
  expect(decodeWords(plain.slice(9).trim())).toBe('[Müll] hello');
});

test('no tag, however long or odd, makes a line over 78 or a line of its own', async () => {
  for (const tag of ['x'.repeat(70), 'ü'.repeat(90), 'a =?utf-8?q?b?= c'])
    for (const line of (await tagged('Subject: hello\r\n', tag)).trimEnd().split('\r\n').slice(1))
      expect(line).toMatch(/^ .{1,77}$/);
});
