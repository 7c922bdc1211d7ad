import { expect, test } from 'vitest';
import { parseDuration, shareOf } from '../../src/mail/time.ts';

test('a duration is whole milliseconds, however it is written: no timer takes a part of one', () => {
  expect(['0.27m', '0.29h', '1.0005s', '1h30m', '250ms'].map(parseDuration)).toEqual([
    16_200, 1_044_000, 1001, 5_400_000, 250,
  ]);
});

test('so is a share of it, and all shares together are no shorter', () => {
  expect([shareOf(5000, 3), shareOf(5000, 1)]).toEqual([1667, 5000]);
});
