/** What counts as a verdict of clamd, spamd and rspamd, and that nothing else does. */
import { describe, expect, test } from 'vitest';
import { verdictOf } from '../../../src/adapters/services/clamd-answer.ts';
import { readCheck } from '../../../src/adapters/services/rspamd-answer.ts';
import { readReply, readReport } from '../../../src/adapters/services/spamd-answer.ts';

describe('clamd', () => {
  test.each([
    ['stream: OK', { kind: 'clean' }],
    ['stream: Win.Test.EICAR_HDB-1 FOUND', { kind: 'infected', signature: 'Win.Test.EICAR_HDB-1' }],
    ['stream: a FOUND FOUND', { kind: 'infected', signature: 'a FOUND' }],
    ['stream: Heuristics.Encrypted.Zip FOUND', { kind: 'encrypted' }],
    ['stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND', { kind: 'too-large' }],
    ['INSTREAM size limit exceeded. ERROR', { kind: 'too-large' }],
  ])('%s', (text, verdict) => expect(verdictOf(text)).toEqual(verdict));

  test.each([
    '',
    'OK',
    'stream: OK ',
    'stream: ok',
    'stream: OK\nstream: x FOUND',
    'stream:  FOUND',
    'stream: Command read timed out ERROR',
  ])('"%s" is no verdict', (text) =>
    expect(() => verdictOf(text)).toThrow(expect.objectContaining({ name: 'ServiceError' })),
  );
});

const spamd = (spam: string, report: string) =>
  readReport(
    readReply(
      Buffer.from(
        `SPAMD/1.1 0 EX_OK\r\nContent-length: ${Buffer.byteLength(report)}\r\nSpam: ${spam}\r\n\r\n${report}`,
      ),
    ),
  );
const RULER = '---- ---------------------- --------------------------------------------------';
const TABLE = ` pts rule name              description
${RULER}
-0.0 NO_RECEIVED            Informational: message has no Received headers
1000 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email
-1.9 BAYES_00               BODY: Bayes spam probability is 0 to 1%
                            [score: 0.0000]
 0.6 LAST_ONE               Subject
`;

describe('spamd', () => {
  test('a score below 0, every rule to the last, and what weighs nothing without words', () => {
    expect(spamd('False ; -1.3 / 5.0', TABLE)).toEqual({
      score: -1.3,
      required: 5,
      action: '',
      symbols: [
        { name: 'NO_RECEIVED', score: 0, about: '' },
        { name: 'GTUBE', score: 1000, about: 'BODY: Generic Test for Unsolicited Bulk Email' },
        { name: 'BAYES_00', score: -1.9, about: 'BODY: Bayes spam probability is 0 to 1%' },
        { name: 'LAST_ONE', score: 0.6, about: 'Subject' },
      ],
    });
  });

  test('a message whose text looks like a report adds no rule: every line of the preview is indented', () => {
    const preview = `Content preview:  ${RULER} -9.9 FAKE\n   ${RULER}\n   -9.9 FAKE_TOO  trust me\n\nContent analysis details:\n\n`;
    expect(spamd('True ; 6.0 / 5.0', preview + TABLE).symbols.map(({ name }) => name)).toEqual([
      'NO_RECEIVED',
      'GTUBE',
      'BAYES_00',
      'LAST_ONE',
    ]);
  });

  test('a report of an operator without the table leaves the score', () => {
    expect(spamd('True ; 6.0 / 5.0', 'spam!')).toEqual({ score: 6, required: 5, action: '', symbols: [] });
  });

  test.each(['True', 'True ; x / 5.0', 'True ; 6.0', 'Maybe ; 1.0 / 5.0', ''])('"Spam: %s" is no score', (spam) =>
    expect(() => spamd(spam, TABLE)).toThrow(expect.objectContaining({ name: 'ServiceError' })),
  );
});

describe('rspamd', () => {
  const answer = { score: 4.5, required_score: 15, action: 'add header', symbols: {} };
  test('symbols with their scores; those that weigh most where there are too many', () => {
    const symbols = Object.fromEntries(
      Array.from({ length: 150 }, (_, n) => [`S${n}`, { score: n, description: '\x1b[31mred' }]),
    );
    const read = readCheck(JSON.stringify({ ...answer, action: 'a\nb', symbols }));
    expect(read).toMatchObject({ score: 4.5, required: 15, action: 'a\\x0ab' });
    expect(read.symbols).toHaveLength(100);
    expect(read.symbols[0]).toEqual({ name: 'S149', score: 149, about: '\\x1b[31mred' });
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...answer, score: '4.5' }),
    JSON.stringify({ ...answer, score: null }),
    JSON.stringify({ ...answer, symbols: { A: 1 } }),
    JSON.stringify({ ...answer, error: 'cannot' }),
  ])('%s is no verdict', (text) =>
    expect(() => readCheck(text)).toThrow(expect.objectContaining({ name: 'ServiceError' })),
  );
});
