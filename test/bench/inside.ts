/**
 * What it costs to look inside: CPU of each burden, the longest stand-still within one chunk, and what memory rises by.
 *
 *     node_modules/.bin/node --expose-gc test/bench/inside.ts [--only WORDS] [--chunk 65536]
 *
 * The walk alone, in this process; the same messages through a gateway are in loop.ts. Wanted: under 300 ms of CPU each.
 */
import { parseArgs } from 'node:util';
import type { Inside } from '../../src/mime/inside.ts';
import { Walk } from '../../src/mime/walk.ts';
import { attachments, burdens } from './inside-plays.ts';

const WANTED = 300; // ms

function walked(
  octets: Buffer,
  chunk: number,
): { readonly inside: Inside; readonly worst: number; readonly rise: number } {
  const before = process.memoryUsage.rss();
  const walk = new Walk();
  let worst = 0;
  let most = before;
  const timed = <T>(go: () => T): T => {
    const cpu = process.threadCpuUsage();
    const done = go();
    const { user, system } = process.threadCpuUsage(cpu);
    worst = Math.max(worst, (user + system) / 1000);
    return done;
  };
  for (let at = 0; at < octets.length; at += chunk) {
    timed(() => walk.write(octets.subarray(at, at + chunk)));
    if ((at / chunk) % 16 === 0) most = Math.max(most, process.memoryUsage.rss());
  }
  const inside = timed(() => walk.end());
  return { inside, worst, rise: Math.max(most, process.memoryUsage.rss()) - before };
}

function bench(only: string, chunk: number): void {
  // Cold code is not what a gateway runs on.
  for (let n = 0; n < 20; n++) walked(attachments(4, 20_000), chunk);
  for (const { name, octets } of burdens()) {
    if (!name.includes(only)) continue;
    globalThis.gc?.();
    const cpu = process.threadCpuUsage();
    const { inside, worst, rise } = walked(octets, chunk);
    const { user, system } = process.threadCpuUsage(cpu);
    const took = (user + system) / 1000;
    const figures = `${took.toFixed(0).padStart(5)} ms   longest ${worst.toFixed(1).padStart(5)} ms   memory +${(rise / 2 ** 20).toFixed(0).padStart(3)} MiB`;
    const over = took > WANTED ? '   more than wanted' : '';
    console.log(
      `${name.padEnd(40)} ${(octets.length / 1e6).toFixed(1).padStart(5)} MB ${figures}   ${inside.result}${over}`,
    );
  }
  const letter = Buffer.from(
    `From: a@sender.test\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\n${'hello there, and some more words of it\r\n'.repeat(100)}`,
  );
  const cpu = process.threadCpuUsage();
  const LETTERS = 5000;
  for (let n = 0; n < LETTERS; n++) {
    const walk = new Walk();
    walk.write(letter);
    walk.end();
  }
  const { user, system } = process.threadCpuUsage(cpu);
  console.log(`a letter of ${letter.length} octets: ${((user + system) / LETTERS / 1000).toFixed(3)} ms`);
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, chunk: { type: 'string', default: '65536' } },
});
bench(values.only, Number(values.chunk));
