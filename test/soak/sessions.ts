/**
 * Sessions of the fuzzer by the million: nothing breaks, and nothing is kept of those that are over.
 *
 *     npm run soak -- [--sessions 1000000] [--seed 1] [--processes 2] [--beside 16]
 *
 * A thousand sessions a seed: what fails is named by its seed and its place. Status 1 when anything does, or when the heap grows.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Failure, fuzz, newTally, type Tally } from '../support/fuzz/fuzz.ts';
import { openHouse } from '../support/fuzz/house.ts';
import { type HeapPoint, slopeOf } from './slope.ts';

const SESSIONS_A_SEED = 1000;
/** Compiled code, inline caches and tables of the first sessions are no leak; nor is what the first tenth still brings and drops. */
const WARM_SESSIONS = 5000;
const TENTHS = 10;
/**
 * Octets of heap a session. The least thing kept of one (an object, an entry in a map) costs more; half a million sessions
 * would make 24 MiB of it, while the heap at rest wavers by less than one.
 */
const LEAK_OCTETS = 50;

type Word =
  | { readonly kind: 'point'; readonly point: HeapPoint; readonly took: number }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'done'; readonly tally: Flat };
interface Flat {
  readonly sessions: number;
  readonly records: number;
  readonly admissions: number;
  readonly commands: readonly (readonly [string, number])[];
  readonly codes: readonly (readonly [number, number])[];
}

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '2' },
    beside: { type: 'string', default: '16' },
    worker: { type: 'string' },
  },
});
const sessions = Number(values.sessions);
const seed = Number(values.seed);
const processes = Number(values.processes);
const beside = Number(values.beside);

if (values.worker === undefined) process.exitCode = await lead();
else await work(Number(values.worker));

async function lead(): Promise<number> {
  const started = performance.now();
  console.log(
    `${new Date().toISOString()} ${sessions} sessions, seed ${seed}, ${processes} processes, ${beside} side by side in each`,
  );
  const results = await Promise.all(Array.from({ length: processes }, (_, n) => follow(n)));
  const took = (performance.now() - started) / 1000;
  const tally = newTally();
  for (const { flat } of results) {
    if (flat === undefined) continue;
    tally.sessions += flat.sessions;
    tally.records += flat.records;
    tally.admissions += flat.admissions;
    sum(tally.commands, flat.commands);
    sum(tally.codes, flat.codes);
  }
  console.log(
    `${new Date().toISOString()} ${tally.sessions} sessions in ${took.toFixed(0)} s, ${(tally.sessions / took).toFixed(0)} a second`,
  );
  console.log(`commands ${told(tally.commands)}`);
  console.log(`replies ${told(tally.codes)}`);
  console.log(`records ${tally.records}, messages admitted ${tally.admissions}`);
  const leaks = results.map(({ points }) => slopeOf(points.slice(1)));
  console.log(`heap: ${leaks.map((slope) => slope.toFixed(2)).join(', ')} octets a session (a leak is ${LEAK_OCTETS})`);
  const leaky = leaks.some((slope) => slope >= LEAK_OCTETS);
  const broken = results.some(({ flat }) => flat === undefined) || tally.sessions < sessions;
  console.log(broken ? 'BROKEN: see above' : leaky ? 'LEAK' : 'nothing broke');
  return broken || leaky ? 1 : 0;
}

async function follow(n: number): Promise<{ readonly points: readonly HeapPoint[]; readonly flat: Flat | undefined }> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--worker', String(n)], {
    execArgv: ['--expose-gc'],
  });
  const points: HeapPoint[] = [];
  let flat: Flat | undefined;
  child.on('message', (word: Word) => {
    switch (word.kind) {
      case 'point': {
        points.push(word.point);
        const { sessions: done, octets } = word.point;
        const rate = word.took === 0 ? '' : `, ${(done / word.took).toFixed(0)} a second`;
        console.log(`process ${n}: ${done} sessions${rate}, heap ${(octets / 1024 / 1024).toFixed(2)} MiB`);
        break;
      }
      case 'failed':
        console.log(
          [`seed ${word.failure.seed}, session ${word.failure.place}`, ...word.failure.wrong, word.failure.told].join(
            '\n',
          ),
        );
        break;
      case 'done':
        flat = word.tally;
        break;
    }
  });
  await once(child, 'exit');
  return { points, flat };
}

async function work(n: number): Promise<void> {
  // Whatever nobody caught would have been the end of the gateway.
  const say = (word: Word): void => void process.send!(word);
  const house = await openHouse();
  const share = Math.ceil(sessions / processes / SESSIONS_A_SEED);
  const run = async (batch: number, tally: Tally): Promise<boolean> => {
    const failure = await fuzz(house, seed + batch, SESSIONS_A_SEED, beside, tally);
    if (failure !== undefined) say({ kind: 'failed', failure });
    return failure === undefined;
  };
  for (let warm = 0; warm < WARM_SESSIONS; warm += SESSIONS_A_SEED)
    if (!(await run(-1 - warm - n, newTally()))) return process.exit(1);
  const tally = newTally();
  const started = performance.now();
  const look = async (): Promise<void> => {
    const took = (performance.now() - started) / 1000;
    say({
      kind: 'point',
      point: { sessions: tally.sessions, octets: await restingHeap() },
      took: tally.sessions === 0 ? 0 : took,
    });
  };
  await look();
  for (let batch = 0; batch < share; batch++) {
    if (!(await run(batch * processes + n, tally))) return process.exit(1);
    if (Math.floor(((batch + 1) * TENTHS) / share) > Math.floor((batch * TENTHS) / share)) await look();
  }
  await house.stop();
  say({ kind: 'done', tally: { ...tally, commands: [...tally.commands], codes: [...tally.codes] } });
  process.disconnect();
}

/** After several collections, with turns between them in which what waits for one is let go. */
async function restingHeap(): Promise<number> {
  for (let n = 0; n < 4; n++) {
    globalThis.gc!();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().heapUsed;
}

function sum<T>(into: Map<T, number>, counts: readonly (readonly [T, number])[]): void {
  for (const [key, times] of counts) into.set(key, (into.get(key) ?? 0) + times);
}

function told<T>(counts: ReadonlyMap<T, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, times]) => `${key} ${times}`)
    .join(', ');
}
