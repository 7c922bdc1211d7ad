/** Lives one schedule out, and says what of it may not be. */
import { Life } from './life.ts';
import type { Step } from './schedule.ts';

export async function liveOut(steps: readonly Step[]): Promise<readonly string[]> {
  const life = new Life();
  await life.run(steps);
  return life.witness.judge();
}
