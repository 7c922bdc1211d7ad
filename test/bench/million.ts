/**
 * A queue of a million entries: what its pages, filters, counts and changes cost, how soon a gateway serves with it, and what senders
 * see while a filter changes very many: `node test/bench/million.ts [--entries 1000000] [--seconds 60] [--keep FOLDER] [--only changes]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { idSource } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import type { QueueFilter } from '../../src/ports/queue.ts';
import { from } from '../support/entries.ts';
import { Line } from '../support/letter-clients.ts';
import { letterText } from '../support/letters.ts';
import { sampleEntry, sampleRecord } from '../support/samples.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    /** The most that one change by a filter may take. */
    seconds: { type: 'string', default: '60' },
    /** A folder that is filled once and used again. */
    keep: { type: 'string', default: '' },
    /** `changes`: neither pages nor lists. */
    only: { type: 'string', default: '' },
  },
});
const ENTRIES = Number(values.entries);
const TOGETHER = 20; // recipients of a message
const [DOMAINS, SENDERS, USERS] = [5000, 2000, 500];

const folder = values.keep || mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'postern-bench-'));
const config = join(folder, 'postern.yaml');
const filled = existsSync(config);
mkdirSync(join(folder, 'policies'), { recursive: true });
writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
writeFileSync(
  config,
  `hostname: mx.gateway.test
node: mx1
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
store: { path: store, min_free: 1 MiB }
domains: { live.test: { route: files, recipients: any } }
routes:
  files: { protocol: maildir, path: mail }
  r0: { hosts: ["127.0.0.1:1"], tls: none }
  r1: { hosts: ["127.0.0.1:1"], tls: none }
  r2: { hosts: ["127.0.0.1:1"], tls: none }
limits: { network_connections: 1000000, connections: 1000000 }
`,
);

const open = (mode: 'serve' | 'visit') =>
  openSqliteStore({
    path: join(folder, 'store'),
    mode,
    minFreeBytes: 0,
    retention: undefined,
    log: { event: () => {}, warn: console.warn, error: console.error },
  });

async function fill(): Promise<void> {
  const store = await open('serve');
  const ids = idSource(2, 0, Date.now);
  let left = Math.ceil(ENTRIES / TOGETHER);
  const some = async () => {
    while (left > 0) {
      left -= 1;
      const message = left;
      const id = ids.next();
      const writer = store.content.create();
      writer.write(Buffer.from(letterText({ mark: 'waiting', recipients: [], size: 300 })));
      const content = await writer.finish();
      const at = Date.now();
      const entries = Array.from({ length: TOGETHER }, (_, n) =>
        sampleEntry(id, content.ref, {
          id: `${id}.${n + 1}`,
          reversePath: from(`sender${message % SENDERS}@sender.test`),
          user: `user${message % USERS}`,
          recipient: `person${message}@d${(message * TOGETHER + n) % DOMAINS}.test`,
          domain: `d${(message * TOGETHER + n) % DOMAINS}.test`,
          route: `r${n % 3}`,
          contentSize: content.size,
          admittedAt: at,
          expiresAt: at + 5 * 86_400_000,
          attempts: 1,
          last: { at, host: 'a:25', said: `451 4.${n % 10}.0 try later`, enhanced: '', onlyAt: '' },
          state: n === 7 ? { kind: 'held', why: 'looks stolen', by: 'rule' } : { kind: 'waiting', due: at + 7_200_000 },
        }),
      );
      const record = sampleRecord(id, { at });
      await store.queue.admit({ record, events: [], content, entries, quarantine: [] });
    }
  };
  await Promise.all(Array.from({ length: 50 }, some));
  await store.close();
}

const since = (at: number) => performance.now() - at;
const rss = () => process.memoryUsage().rss / 1024 ** 2;

/** What the store itself answers, page by page. */
async function pages(): Promise<void> {
  const store = await open('visit');
  const [first] = await store.queue.list({ limit: 1 });
  const total = await store.queue.count({});
  const deep = first!.id.slice(0, 6); // all ids begin so: deep is told by what follows
  const before = rss();
  const ask = async (name: string, filter: QueueFilter) => {
    const at = performance.now();
    const page = await store.queue.list({ limit: 500, ...filter });
    const listed = since(at);
    const begun = performance.now();
    const count = await store.queue.count(filter);
    console.log(
      `  ${name.padEnd(26)} page of ${String(page.length).padStart(3)}: ${listed.toFixed(1)} ms; all ${count} counted in ${since(begun).toFixed(0)} ms`,
    );
    return page;
  };
  console.log(`pages of ${total} (ids from ${deep}…):`);
  await ask('first', {});
  const last = await store.queue.list({ domain: `d${DOMAINS - 1}.test`, limit: 1000 });
  await ask('deep', { after: last[Math.floor(last.length * 0.9)]!.id });
  const mid = last[last.length >> 1]!;
  const sender = mid.reversePath.kind === 'null' ? '' : mid.reversePath.mailbox.address;
  await ask('recipient', { recipient: mid.recipient });
  await ask('sender', { sender });
  await ask('user', { user: mid.user! });
  await ask('domain', { domain: mid.domain });
  await ask('route', { route: 'r1' });
  await ask('route, deep', { route: 'r1', after: mid.id });
  await ask('held', { state: ['held'] });
  await ask('held of a route', { state: ['held'], route: 'r0' });
  await ask('waiting of a route', { state: ['waiting'], route: 'r2' });
  await ask('reason that many have', { reason: 'looks stolen' });
  await ask('reason that none has', { reason: 'no such words' });
  await ask('older than: all', { admittedBy: Date.now() });
  await ask('older than: none', { admittedBy: 1 });
  await ask('sender and older than', { sender, admittedBy: Date.now() });
  console.log(`  memory ${(rss() - before).toFixed(0)} MiB more`);
  await store.close();
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'postern-compile-cache'), ...process.env, NODE_NO_WARNINGS: '1' };

/** A command to its end: time, most memory, lines; killed when its time is over. */
async function command(...args: readonly string[]): Promise<void> {
  const at = performance.now();
  const child = spawn(process.execPath, [main, ...args, '--config', config], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let most = 0;
  const look = setInterval(() => {
    try {
      const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      if (kib !== undefined) most = Math.max(most, Number(kib) / 1024);
    } catch {
      // it has ended
    }
  }, 20);
  const over = setTimeout(() => child.kill('SIGTERM'), Number(values.seconds) * 1000);
  let lines = 0;
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => {
      lines += 1;
      if (lines === 1) said = line.slice(0, 60);
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearInterval(look);
  clearTimeout(over);
  const ended = signal === null ? `exit ${code}` : 'stopped, its time was over';
  console.log(
    `  ${args.join(' ').padEnd(44)} ${(since(at) / 1000).toFixed(2)} s, ${most.toFixed(0)} MiB, ${lines} lines (${ended}): ${said}`,
  );
}

/** A machine that others use may be late: then who connects hears 421, and comes again. */
async function greeted(port: number): Promise<Line> {
  for (;;) {
    const line = new Line(port);
    const [greeting = ''] = await line.replies(1);
    if (greeting.startsWith('220')) return line;
    line.close();
    await new Promise((next) => setTimeout(next, 500));
  }
}

/** Sends one message after the other until it is told to stop; answers how long each took. */
async function senders(port: number, stop: AbortSignal): Promise<readonly number[]> {
  const line = await greeted(port);
  await line.say('EHLO client.test\r\n', 1);
  const took: number[] = [];
  while (!stop.aborted) {
    const at = performance.now();
    await line.say('MAIL FROM:<a@sender.test>\r\nRCPT TO:<bob@live.test>\r\nDATA\r\n', 3);
    const [reply = ''] = await line.say(`${letterText({ mark: 'x', recipients: [], size: 300 })}.\r\n`, 1);
    if (!reply.startsWith('250')) throw new Error(reply);
    took.push(since(at));
    await new Promise((next) => setTimeout(next, 5));
  }
  line.close();
  return took.sort((a, b) => a - b);
}

async function beside(port: number, name: string, work: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const sending = senders(port, over.signal);
  await work();
  over.abort();
  const took = await sending;
  const at = (share: number) => took[Math.floor((took.length - 1) * share)]!.toFixed(0);
  console.log(
    `  ${name}: ${took.length} messages beside it, median ${at(0.5)} ms, 99 % ${at(0.99)} ms, slowest ${at(1)} ms`,
  );
}

if (!filled) {
  const at = performance.now();
  await fill();
  console.log(
    `filled with ${ENTRIES} entries in ${(since(at) / 1000).toFixed(0)} s: queue.db ${(statSync(join(folder, 'store/queue.db')).size / 1024 ** 2).toFixed(0)} MiB`,
  );
}
if (values.only !== 'changes') await pages();
const begun = performance.now();
const gateway = spawn(process.execPath, [main, 'serve', '--config', config], {
  env,
  stdio: ['ignore', 'ignore', 'pipe'],
});
const port = await new Promise<number>((resolve, reject) => {
  createInterface(gateway.stderr).on('line', (line) => {
    const said = JSON.parse(line) as { msg: string; addresses?: { mx: string } };
    if (said.msg === 'gateway.started') resolve(Number(said.addresses!.mx.replace(/.*:/, '')));
    else if (!/^reload|^store\.search/.test(said.msg)) console.log(`  ${line.slice(0, 200)}`);
  });
  gateway.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)));
});
(await greeted(port)).close();
console.log(`serve greets after ${(since(begun) / 1000).toFixed(2)} s`);
console.log('commands beside it:');
await beside(port, 'nothing', () => new Promise((done) => setTimeout(done, 3000)));
await beside(port, 'status', () => command('status', '--json'));
if (values.only !== 'changes') await lists();
async function lists(): Promise<void> {
  await command('queue', 'list', '--recipient', 'person7@d140.test');
  await command('queue', 'list', '--user', 'user7', '--json');
  await command('queue', 'list', '--domain', 'd7.test');
  await beside(port, 'a list of all', () => command('queue', 'list', '--json'));
  await command('queue', 'list', '--reason', 'no such words');
}
await beside(port, 'hold', () => command('queue', 'hold', '--sender', 'sender7@sender.test', '--json'));
await beside(port, 'release', () => command('queue', 'release', '--sender', 'sender7@sender.test', '--json'));
await beside(port, 'hold of a route', () => command('queue', 'hold', '--route', 'r1', '--json'));
await beside(port, 'release of a route', () => command('queue', 'release', '--route', 'r1', '--json'));
await beside(port, 'retry of a user', () => command('queue', 'retry', '--user', 'user7', '--json'));
await beside(port, 'remove', () => command('queue', 'remove', '--route', 'r2', '--older-than', '1s', '--json'));
console.log(`gateway: ${/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]} KiB at most`);
gateway.kill('SIGTERM');
await once(gateway, 'exit');
if (values.keep === '') rmSync(folder, { recursive: true, force: true });
