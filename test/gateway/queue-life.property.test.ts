/** Whatever befalls it, a queue keeps its promises: thousands of short lives of the real dispatcher, by chance and by the same chance each time. */
import fc from 'fast-check';
import { test } from 'vitest';
import { liveOut } from '../support/queue-life/live-out.ts';
import { schedules } from '../support/queue-life/schedule.ts';

const LIVES = Number(process.env.POSTERN_LIVES ?? 10_000);
const SEED = 20261128;

test('every message ends once, nobody is told twice, nothing is tried after its expiry, and nothing is lost', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (steps) => {
      const wrong = await liveOut(steps);
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    }),
    { numRuns: LIVES, seed: SEED },
  );
});
