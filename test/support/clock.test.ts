import { expect, test } from 'vitest';
import { seconds } from '../../src/mail/time.ts';
import { FakeClock } from './clock.ts';

const never = new AbortController().signal;

test('sleepers wake in the order of their time, at their time', async () => {
  const clock = new FakeClock(1000);
  const woken: [string, number][] = [];
  const sleeper = async (name: string, span: number, then: number) => {
    await clock.sleep(span, never);
    woken.push([name, clock.now()]);
    await clock.sleep(then, never);
    woken.push([name, clock.now()]);
  };
  void sleeper('late', seconds(2), seconds(9));
  void sleeper('soon', seconds(1), seconds(2));
  await clock.pass(seconds(3));
  expect(woken).toEqual([
    ['soon', 2000],
    ['late', 3000],
    ['soon', 4000],
  ]);
  expect([clock.elapsed(), clock.sleeping]).toEqual([3000, 1]);
});

test('a sleep that is aborted rejects with the reason', async () => {
  const clock = new FakeClock();
  const waking = new AbortController();
  const slept = clock.sleep(1000, waking.signal);
  waking.abort(new Error('no longer'));
  await expect(slept).rejects.toThrow('no longer');
  expect(clock.sleeping).toBe(0);
  await expect(clock.sleep(1, waking.signal)).rejects.toThrow('no longer');
});
