import { expect, test } from 'vitest';
import { minutes, seconds } from '../../src/mail/time.ts';
import {
  answered,
  firstPace,
  isDead,
  type Pace,
  probeEvery,
  unanswered,
  WIDTH_FIRST,
  wasAnswered,
} from '../../src/queue/pace.ts';

const times = (n: number, pace: Pace, step: (pace: Pace) => Pace): Pace =>
  Array.from({ length: n }).reduce<Pace>(step, pace);

test('a destination begins with a few, is given one more for each round of answers, and no more than it may', () => {
  const first = firstPace(20);
  expect(first).toEqual({ width: WIDTH_FIRST, silent: 0 });
  const round = times(WIDTH_FIRST + 1, first, (pace) => answered(pace, 20));
  expect(Math.floor(round.width)).toBe(WIDTH_FIRST + 1);
  expect(times(1000, first, (pace) => answered(pace, 20)).width).toBe(20);
  expect(firstPace(2).width).toBe(2);
});

test('silence makes it less, three in a row make it dead, and an answer lets it begin anew', () => {
  const wide = { width: 20, silent: 0 };
  expect(unanswered(wide)).toEqual({ width: 19, silent: 1 });
  expect(answered(unanswered(unanswered(wide)), 20).silent).toBe(0);
  const dead = times(3, wide, unanswered);
  expect([isDead(times(2, wide, unanswered)), isDead(dead)]).toEqual([false, true]);
  expect(times(99, dead, unanswered).width).toBe(1);
  expect(answered(dead, 20)).toEqual(firstPace(20));
});

test.each([
  [421, '4.3.2', false],
  [451, '4.7.500', false],
  [451, '4.7.699', false],
  [451, '4.7.700', true],
  [451, '4.7.1', true],
  [451, '', true],
  [450, '4.7.500', true],
  [452, '4.5.3', true],
] as const)('%i %s is an answer to the message: %s', (code, enhanced, is) => {
  const reply = { code, enhanced, text: 'busy' };
  expect(wasAnswered([{ kind: 'transient', host: 'a:25', reply, cause: '' }])).toBe(is);
});

test('a dead destination is asked once a minute, or as often as its route tries', () => {
  expect(probeEvery([minutes(5)])).toBe(minutes(1));
  expect(probeEvery([seconds(2), minutes(5)])).toBe(seconds(2));
});
