/**
 * A hundred thousand entries wait for a host that is dead: what that costs in memory, what mail for others sees of it, and
 * how soon a start serves: `node test/bench/dead-host.ts [--entries 100000] [--senders 1000] [--how refused|silent] [--seconds 30]`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { idSource } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { ArrivalsHost } from '../support/arrivals-host.ts';
import { from } from '../support/entries.ts';
import { Line } from '../support/letter-clients.ts';
import { letterText } from '../support/letters.ts';
import { sampleEntry, sampleRecord } from '../support/samples.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    senders: { type: 'string', default: '1000' },
    how: { type: 'string', default: 'refused' },
    seconds: { type: 'string', default: '30' },
  },
});
const entries = Number(values.entries);
const senders = Number(values.senders);
const seconds = Number(values.seconds);

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'postern-bench-'));
const live = await ArrivalsHost.start();
const silent = createServer(() => {}); // takes the connection and never greets
silent.listen(0, '127.0.0.1');
await once(silent, 'listening');
const address = silent.address();
const deadPort = typeof address === 'object' && address !== null ? address.port : 0;
if (values.how === 'refused') await new Promise((done) => silent.close(done));

mkdirSync(join(folder, 'policies'));
writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
writeFileSync(
  join(folder, 'postern.yaml'),
  [
    'hostname: mx.gateway.test',
    'node: mx1',
    'listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }',
    'store: { path: store, min_free: 1 MiB }',
    'domains:',
    '  live.test: { route: live, recipients: any }',
    '  dead.test: { route: dead, recipients: any }',
    'routes:',
    `  live: { hosts: ["127.0.0.1:${live.port}"], tls: none }`,
    `  dead: { hosts: ["127.0.0.1:${deadPort}"], tls: none }`,
    'limits: { network_connections: 1000000, connections: 1000000 }',
    '',
  ].join('\n'),
);

class Gateway {
  readonly #child: ChildProcess;
  readonly served: Promise<number>;
  readonly started = performance.now();
  constructor() {
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    this.#child = spawn(process.execPath, [main, 'serve', '--config', join(folder, 'postern.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // A process reads its TypeScript anew at each start; what is installed is compiled.
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'postern-compile-cache'), ...process.env, NODE_NO_WARNINGS: '1' },
    });
    this.served = new Promise((resolve, reject) => {
      createInterface(this.#child.stderr!).on('line', (line) => {
        const said = JSON.parse(line) as { msg: string; addresses?: { mx: string } };
        if (said.msg === 'gateway.started') resolve(Number(said.addresses?.mx.replace(/.*:/, '')));
      });
      this.#child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}`)));
    });
    this.served.catch(() => {});
  }
  /** MiB, of the process with all its threads. */
  get rss(): number {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  }
  /** Seconds of processor time, of all threads: what a start costs where others use the machine, too. */
  get cpu(): number {
    const [user, system] = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
      .replace(/.*\) /, '')
      .split(' ')
      .slice(11);
    return (Number(user) + Number(system)) / 100;
  }
  async stop(how: NodeJS.Signals): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill(how);
    await ended;
  }
}

let sent = 0;
/** A message from its 250 until it has arrived, in ms. */
async function oneLetter(line: Line, to: 'live' | 'dead'): Promise<number> {
  sent += 1;
  const mark = `letter-${to}-${sent}`;
  const arrived = new Promise<number>((resolve) => {
    if (to === 'dead') return resolve(performance.now());
    const look = () => {
      const found = live.arrivals.find((one) => one.mark === mark);
      if (found !== undefined) resolve(performance.now());
      else setTimeout(look, 2);
    };
    look();
  });
  await line.say(`MAIL FROM:<alice@sender.test>\r\nRCPT TO:<bob@${to}.test>\r\nDATA\r\n`, 3);
  const letter = letterText({ mark, recipients: [], size: 4096 });
  const [reply = ''] = await line.say(`${letter}.\r\n`, 1);
  if (!reply.startsWith('250')) throw new Error(reply);
  const promised = performance.now();
  return (await arrived) - promised;
}

async function line(port: number): Promise<Line> {
  const opened = new Line(port);
  await opened.replies(1);
  await opened.say('EHLO client.test\r\n', 1);
  return opened;
}

/** The same traffic for either: for the live host ten a second, with `dead` as many for the dead one. */
async function traffic(gateway: Gateway, dead: boolean): Promise<{ waits: number[]; most: number }> {
  const port = await gateway.served;
  const [toLive, toDead] = [await line(port), await line(port)];
  const waits: number[] = [];
  let most = 0;
  for (let n = 0; n < seconds * 10; n += 1) {
    waits.push(await oneLetter(toLive, 'live'));
    if (dead) await oneLetter(toDead, 'dead');
    most = Math.max(most, gateway.rss);
    await pause(100);
  }
  toLive.close();
  toDead.close();
  return { waits: waits.sort((a, b) => a - b), most };
}

async function fill(): Promise<void> {
  const log = { event: () => {}, warn: console.warn, error: console.error };
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'serve', minFreeBytes: 0, retention: undefined, log });
  const ids = idSource(2, 0, Date.now);
  const text = Buffer.from(letterText({ mark: 'waiting', recipients: [], size: 4096 }));
  let left = entries;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      const id = ids.next();
      const writer = store.content.create();
      writer.write(text);
      const content = await writer.finish();
      const at = Date.now();
      const entry = sampleEntry(id, content.ref, {
        reversePath: from(`sender${left % senders}@sender.test`),
        recipient: `user${left}@dead.test`,
        domain: 'dead.test',
        route: 'dead',
        contentSize: content.size,
        admittedAt: at,
        expiresAt: at + 5 * 86_400_000,
        state: { kind: 'waiting', due: at },
      });
      await store.queue.admit({
        record: sampleRecord(id, { at }),
        events: [],
        content,
        entries: [entry],
        quarantine: [],
      });
    }
  };
  await Promise.all(Array.from({ length: 500 }, one));
  await store.close();
}

const said = ({ waits }: { waits: number[] }) =>
  `median ${waits[waits.length >> 1]!.toFixed(0)} ms, slowest ${waits.at(-1)!.toFixed(0)} ms of ${waits.length}`;

async function startedIn(gateway: Gateway): Promise<string> {
  const port = await gateway.served;
  const opened = await line(port);
  const greeted = performance.now() - gateway.started;
  const { cpu } = gateway;
  const wait = await oneLetter(opened, 'live');
  opened.close();
  return `greets after ${(greeted / 1000).toFixed(2)} s (${cpu.toFixed(2)} s of processor time), the first message for others arrives ${wait.toFixed(0)} ms after its 250`;
}

const empty = new Gateway();
console.log(`empty: ${await startedIn(empty)}`);
const alone = await traffic(empty, false);
console.log(`empty: ${said(alone)}; memory at most ${alone.most.toFixed(0)} MiB`);
await empty.stop('SIGTERM');

let took = performance.now();
await fill();
took = (performance.now() - took) / 1000;
const size = statSync(join(folder, 'store/queue.db')).size / 1024 ** 2;
console.log(
  `filled with ${entries} entries of ${senders} senders in ${took.toFixed(0)} s: queue.db ${size.toFixed(0)} MiB`,
);

const full = new Gateway();
console.log(`${entries} wait (${values.how}): ${await startedIn(full)}`);
const beside = await traffic(full, true);
console.log(
  `${entries} wait: ${said(beside)}; memory at most ${beside.most.toFixed(0)} MiB, ${(beside.most - alone.most).toFixed(0)} more`,
);
await full.stop('SIGKILL');
const again = new Gateway();
console.log(`after kill -9: ${await startedIn(again)}`);
await again.stop('SIGTERM');

await live.stop();
silent.close();
rmSync(folder, { recursive: true, force: true });
