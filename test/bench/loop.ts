/**
 * How long the gateway's threads stand still over one message: those of others, and bodies made to be a burden.
 *
 *     POSTERN_SUITES=FOLDER node_modules/.bin/node test/bench/loop.ts [--only WORDS] [--rounds 3]
 *
 * The gateway is a process of its own with the shipped policy, records written, DNS from here, and a next hop that is another
 * process. Between any two messages its threads are asked how long they stood still (loop-watch.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { wireOctets } from '../../src/gateway/rehearse.ts';
import { Wire } from '../support/hostile-clients.ts';
import { rsaKey } from '../support/signing.ts';
import { suite } from '../support/suites.ts';
import { attachments, burdens } from './inside-plays.ts';
import { bodies, KEY_NAMES, type Play, pieces, signed } from './loop-plays.ts';
import type { Still } from './loop-watch.ts';
import { dnsOver } from './record-dns.ts';

const RECIPIENT = 'user@bench.test';
const WANTED = 100; // ms
const THREADS = ['session', 'main', 'store'] as const;

type Stills = { readonly [thread in Still['thread']]: { readonly clock: number; readonly cpu: number } };

interface Row {
  readonly name: string;
  readonly stills: Stills;
  /** What the process took more than before at its most, in MiB; undefined where the system does not tell. */
  readonly rise?: number;
  readonly said: string;
}

async function bench(only: string, rounds: number): Promise<void> {
  const dns = await dnsOver(zones());
  const sink = spawn(process.execPath, [fileURLToPath(new URL('hostile.ts', import.meta.url)), 'sink'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [sinkPort] = (await once(sink, 'message')) as [number];
  const folder = mkdtempSync(join(tmpdir(), 'postern-loop-'));
  const gateway = startGateway(folder, sinkPort, dns.server);
  try {
    const port = await portOf(gateway);
    // Cold code is not what a gateway runs on: the first minute's worth is played and not counted.
    for (const play of letters('warm').slice(0, 60)) await run(play, port, gateway);
    await watch(gateway, () => wait(1000));
    print([{ name: 'nobody there, for a second', stills: await watch(gateway, () => wait(1000)), said: '' }]);
    for (const way of ['DATA', 'DATA, octet by octet', 'BDAT', 'BDAT, octet by octet']) {
      if (!`suite by ${way}`.includes(only)) continue;
      const rows: Row[] = [];
      for (const play of letters(way)) rows.push(await run(play, port, gateway));
      print([worst(`${rows.length} messages by ${way}`, rows)]);
    }
    const inside = [...burdens(), signed(attachments(40, 470_000))].map(({ name, octets }) => ({
      ...pieces(name, octets, 'DATA'),
      settle: 1500,
    }));
    for (const play of [...bodies(RECIPIENT), ...inside]) {
      if (!play.name.includes(only)) continue;
      const rows: Row[] = [];
      for (let round = 0; round < rounds; round++) rows.push(await run(play, port, gateway));
      print([worst(play.name, rows)]);
    }
  } finally {
    gateway.kill('SIGTERM');
    await once(gateway, 'close');
    sink.kill();
    await dns.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

let plays = 0;

/** One session from a network of its own, to its end, and what was relayed of it for a little while. */
async function run(play: Play, port: number, gateway: ChildProcess): Promise<Row> {
  const n = ++plays;
  let said = '';
  const before = memory(gateway, 'VmRSS');
  const stills = await watch(gateway, async () => {
    const signal = AbortSignal.timeout(120_000);
    const wire = new Wire({ port, from: '127.0.1.1', recipient: RECIPIENT, signal });
    await wire.hear(/^220 /m);
    await wire.ask(`XCLIENT ADDR=20.${n >> 8}.${n & 255}.7`, /^220 /m);
    await wire.ask('EHLO mail.sender.test', /^250 /m);
    said = await play.run(wire, RECIPIENT);
    wire.socket.destroy();
    await wire.closed;
    await wait(play.settle);
  });
  const rise = memory(gateway, 'VmHWM') - before;
  return { name: play.name, stills, said, ...(Number.isNaN(rise) ? {} : { rise }) };
}

/** MiB as Linux tells it; asking for what there is (`VmRSS`) begins the most there was (`VmHWM`) anew. */
function memory(gateway: ChildProcess, what: 'VmRSS' | 'VmHWM'): number {
  try {
    if (what === 'VmRSS') writeFileSync(`/proc/${gateway.pid}/clear_refs`, '5');
    const told = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
    return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(told)?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** How long each thread stood still while this went on. */
async function watch(gateway: ChildProcess, go: () => Promise<unknown>): Promise<Stills> {
  await ask(gateway);
  await go();
  return ask(gateway);
}

async function ask(gateway: ChildProcess): Promise<Stills> {
  const told = new Map<string, Still>();
  const all = new Promise<void>((resolve) => {
    const hear = (still: Still): void => {
      told.set(still.thread, still);
      if (told.size < THREADS.length) return;
      gateway.off('message', hear);
      resolve();
    };
    gateway.on('message', hear);
  });
  gateway.send('tell');
  await all;
  return Object.fromEntries(told) as unknown as Stills;
}

/** The longest of each figure, and which message it was where there are several. */
function worst(name: string, rows: readonly Row[]): Row {
  const longest = (thread: Still['thread'], by: 'clock' | 'cpu') =>
    Math.max(...rows.map((row) => row.stills[thread][by]));
  const stills = Object.fromEntries(
    THREADS.map((thread) => [thread, { clock: longest(thread, 'clock'), cpu: longest(thread, 'cpu') }]),
  ) as unknown as Stills;
  const at = rows.find((row) => row.stills.session.cpu === stills.session.cpu)!;
  const rises = rows.flatMap(({ rise }) => (rise === undefined ? [] : [rise]));
  const rise = rises.length === 0 ? {} : { rise: Math.max(...rises) };
  return { name, stills, ...rise, said: at.name === name ? at.said : at.name };
}

function print(rows: readonly Row[]): void {
  for (const { name, stills, said, rise } of rows) {
    const figures = THREADS.map(
      (thread) =>
        `${thread} ${stills[thread].cpu.toFixed(0).padStart(4)} (${stills[thread].clock.toFixed(0).padStart(4)})`,
    );
    const over = THREADS.some((thread) => thread !== 'store' && stills[thread].cpu > WANTED)
      ? '   longer than wanted'
      : '';
    const memory = rise === undefined ? '' : `memory +${rise.toFixed(0).padStart(3)} MiB   `;
    console.log(`${name.padEnd(52)} ${figures.join('   ')}   ${memory}${said.slice(0, 60)}${over}`);
  }
}

function letters(way: string): Play[] {
  const folder = suite('mime', 'messages of mailparser and Rspamd');
  if (folder === undefined) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .map((name) => pieces(name, Buffer.from(wireOctets(readFileSync(join(folder, name)))), way));
}

function zones() {
  const { record } = rsaKey(2048);
  return {
    'sender.test': [{ TXT: 'v=spf1 ip4:20.0.0.0/8 -all' }, { MX: [10, 'mail.sender.test'] }],
    'mail.sender.test': [{ A: '20.0.0.7' }],
    '_dmarc.sender.test': [{ TXT: 'v=DMARC1; p=none' }],
    ...Object.fromEntries(KEY_NAMES.map((name) => [name, [{ TXT: record }]])),
    '2.0.0.127.zen.spamhaus.org': [{ A: '127.0.0.2' }],
    '2.0.0.127.list.dnswl.org': [{ A: '127.0.10.0' }],
  };
}

function startGateway(folder: string, sink: number, dns: string): ChildProcess {
  cpSync(fileURLToPath(new URL('../../policies', import.meta.url)), join(folder, 'policies'), { recursive: true });
  rmSync(join(folder, 'policies/outbound.yaml'));
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.bench.test
threads: 1
listeners: { mx: { address: "127.0.0.1:0", policy: inbound, xclient_from: [127.0.0.0/8] } }
domains: { bench.test: { route: sink, recipients: any } }
routes: { sink: { hosts: ["127.0.0.1:${sink}"], tls: none } }
dns: { servers: ["${dns}"] }
store: { path: store, min_free: 100 MiB }
`,
  );
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const watcher = new URL('loop-watch.ts', import.meta.url).href;
  const profile = process.env.CPU_PROF === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.CPU_PROF}`];
  return spawn(process.execPath, [...profile, main, 'serve', '--config', join(folder, 'postern.yaml')], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', NODE_OPTIONS: `--import=${watcher}` },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
}

/** Where it listens; of its other lines, the faults are shown. */
function portOf(gateway: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    gateway.once('close', (code) => reject(new Error(`the gateway ended with ${code}`)));
    createInterface(gateway.stderr!).on('line', (line) => {
      const port = /"mx":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
      else if (/"level":(50|"error")/.test(line) || !line.startsWith('{')) console.error(line);
    });
  });
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, rounds: { type: 'string', default: '3' } },
});
await bench(values.only, Number(values.rounds));
