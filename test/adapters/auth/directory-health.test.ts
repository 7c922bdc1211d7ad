/** A directory of users that is silent is told once, and asked until it answers. */
import { expect, test } from 'vitest';
import { DirectoryHealth } from '../../../src/adapters/auth/directory-health.ts';
import { seconds } from '../../../src/mail/time.ts';
import { FakeClock } from '../../support/clock.ts';

function watched(answers: boolean[]) {
  const clock = new FakeClock();
  const told: string[] = [];
  let probes = 0;
  const health = new DirectoryHealth({
    name: 'people',
    clock,
    probe: async () => {
      probes += 1;
      if (answers.shift() !== true) throw new Error('still gone');
    },
    tell: ({ service, state, why }) => void told.push(`${service} ${state} ${why}`.trim()),
  });
  return { clock, told, health, probes: () => probes };
}

test('a probe that is answered ends it, and none comes after', async () => {
  const { clock, told, health, probes } = watched([false, true]);
  health.answered();
  health.failed('gone');
  health.failed('gone in another way');
  await clock.pass(seconds(60));
  expect(told).toEqual(['people down gone', 'people up']);
  expect([probes(), clock.sleeping]).toEqual([2, 0]);
});

test('a login that is answered ends it before', async () => {
  const { clock, told, health, probes } = watched([]);
  health.failed('gone');
  health.answered();
  await clock.pass(seconds(60));
  expect(told).toEqual(['people down gone', 'people up']);
  expect(probes()).toBe(0);
});

test('of a configuration that went nothing more is heard', async () => {
  const { clock, told, health } = watched([true]);
  health.failed('gone');
  health.stop();
  health.failed('gone again');
  health.answered();
  await clock.pass(seconds(60));
  expect(told).toEqual(['people down gone', 'people retired']);
});
