import { expect, test } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { answerTroubles, completeAnswers } from '../../src/gateway/given-answers.ts';

const INSTANCES = [
  { name: 'clamav', check: 'clamav' },
  { name: 'scores', check: 'rspamd' },
];

test('what an answer leaves out of a symbol stands for nothing, so that a rule which reads it can be asked', () => {
  const answers = { scores: { score: 7, symbols: [{ name: 'PHISHING' }] } };
  expect(answerTroubles(answers, INSTANCES, CHECKS)).toEqual([]);
  expect(completeAnswers(answers, INSTANCES, CHECKS)).toEqual({
    scores: { score: 7, symbols: [{ name: 'PHISHING', score: 0, about: '' }] },
  });
});

test('the word of a check that its guard passed over may be given', () =>
  expect(answerTroubles({ clamav: { result: 'none' } }, INSTANCES, CHECKS)).toEqual([]));
