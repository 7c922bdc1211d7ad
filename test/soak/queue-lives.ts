/**
 * Lives of the queue by the million: every message ends once, and nothing is lost (`test/support/queue-life`).
 *
 *     npm run soak -- queue [--lives 1000000] [--seed 1] [--processes 2]
 *
 * A thousand lives a seed: what fails is named by its seed, and shrunk. Status 1 when any does.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { Life } from '../support/queue-life/life.ts';
import { schedules } from '../support/queue-life/schedule.ts';

const LIVES_A_SEED = 1000;

type Word =
  | { readonly kind: 'failed'; readonly seed: number; readonly said: string }
  | { readonly kind: 'done'; readonly lives: number; readonly tally: Tally };
type Tally = { [what: string]: number };

const { values } = parseArgs({
  options: {
    lives: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    worker: { type: 'string' },
  },
});
const lives = Number(values.lives);
const seed = Number(values.seed);
const processes = Number(values.processes);

if (values.worker === undefined) process.exitCode = await lead();
else await work(Number(values.worker));

async function lead(): Promise<number> {
  const started = performance.now();
  console.log(`${new Date().toISOString()} ${lives} lives of the queue, seed ${seed}, ${processes} processes`);
  const tally: Tally = {};
  let lived = 0;
  let failed = false;
  await Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const child: ChildProcess = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--worker', `${n}`]);
      child.on('message', (word: Word) => {
        if (word.kind === 'failed') {
          failed = true;
          console.log(`seed ${word.seed}: ${word.said}`);
          return;
        }
        const before = lived;
        lived += word.lives;
        sum(tally, word.tally);
        const tenth = (n: number) => Math.floor((n * 10) / lives);
        if (tenth(lived) > tenth(before))
          console.log(`${lived} lives, ${(lived / ((performance.now() - started) / 1000)).toFixed(0)} a second`);
      });
      await once(child, 'exit');
    }),
  );
  const took = (performance.now() - started) / 1000;
  console.log(`${new Date().toISOString()} ${lived} lives in ${took.toFixed(0)} s`);
  console.log(
    Object.entries(tally)
      .map(([what, count]) => `${what} ${count}`)
      .join(', '),
  );
  const broken = failed || lived < lives;
  console.log(broken ? 'BROKEN: see above' : 'nothing broke');
  return broken ? 1 : 0;
}

async function work(n: number): Promise<void> {
  const say = (word: Word): void => void process.send!(word);
  const share = Math.ceil(lives / processes / LIVES_A_SEED);
  for (let batch = 0; batch < share; batch += 1) {
    const own = seed + batch * processes + n;
    const tally: Tally = {};
    try {
      await fc.assert(
        fc.asyncProperty(schedules, async (steps) => {
          const life = new Life();
          await life.run(steps);
          const wrong = await life.witness.judge();
          if (wrong.length > 0) throw new Error(wrong.join('\n'));
          sum(tally, await life.witness.tally());
        }),
        { numRuns: LIVES_A_SEED, seed: own },
      );
      say({ kind: 'done', lives: LIVES_A_SEED, tally });
    } catch (error) {
      say({ kind: 'failed', seed: own, said: String(error) });
      return process.exit(1);
    }
  }
  process.disconnect();
}

function sum(into: Tally, more: { readonly [what: string]: number }): void {
  for (const [what, count] of Object.entries(more)) into[what] = (into[what] ?? 0) + count;
}
