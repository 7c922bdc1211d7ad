/** Turns at what is not ours alone: a line with an end, and a pace that a rest does not save up for. */
import { expect, test } from 'vitest';
import { Turns } from '../../src/gateway/asking-turns.ts';
import { minutes, seconds } from '../../src/mail/time.ts';
import { FakeClock } from '../support/clock.ts';

const never = new AbortController().signal;

test('a thousand wait, and whoever comes behind them is told at once', async () => {
  const turns = new Turns(1, Number.POSITIVE_INFINITY, new FakeClock());
  let end: () => void = () => {};
  const first = turns.within(never, () => new Promise<string>((done) => (end = () => done('first'))));
  const line = Array.from({ length: 1000 }, (_, n) => turns.within(never, async () => n));
  expect(await turns.within(never, async () => 'one too many')).toBeUndefined();
  end();
  expect(await first).toBe('first');
  expect(await Promise.all(line)).toEqual([...line.keys()]);
  expect(await turns.within(never, async () => 'again')).toBe('again');
});

test('after a rest one begins at once, and the others at their pace', async () => {
  const clock = new FakeClock();
  const turns = new Turns(10, 1, clock);
  const began: number[] = [];
  const go = () => turns.within(never, async () => began.push(clock.elapsed()));
  await go();
  await clock.pass(minutes(1));
  const all = [go(), go(), go()];
  await new Promise((asleep) => setImmediate(asleep));
  await clock.pass(seconds(5));
  await Promise.all(all);
  expect(began).toEqual([0, 60_000, 61_000, 62_000]);
});
