/**
 * What hostile clients take from others: a normal load alone, and beside each of them, in interleaved rounds.
 *
 *     node_modules/.bin/node test/bench/hostile.ts [--seconds 5] [--rounds 3] [--rate 100] [--only WORDS]
 *
 * Ten clients send messages of 4 KiB, `--rate` a second together (0: as fast as they are answered, and then whatever processor
 * time the hostile client itself takes is missing too). The gateway is a process of its own with records written and a policy
 * that decides nothing, its next hop is another, and the hostile clients a third: they come from 127.0.1.x, and begin again
 * whenever they are sent away.
 * How long the gateway's event loop stood still is measured from outside, by a client that says NOOP every 10 ms: the longest
 * wait for an answer bounds it from above.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { HOSTILE, Wire } from '../support/hostile-clients.ts';

const RECIPIENT = 'user@bench.test';
const CLIENTS = 10;
const BODY = `Subject: bench\r\n\r\n${`${'x'.repeat(62)}\r\n`.repeat(64)}`;
const WANTED = 0.9;

interface Row {
  /** Messages a second. */
  readonly rate: number;
  /** The slowest NOOP. */
  readonly blocked: number;
}

async function bench(options: { seconds: number; rounds: number; rate: number; only: string }): Promise<void> {
  const sink = spawn(process.execPath, [SELF, 'sink'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [sinkPort] = (await once(sink, 'message')) as [number];
  const folder = mkdtempSync(join(tmpdir(), 'postern-hostile-'));
  const gateway = startGateway(folder, sinkPort);
  try {
    const port = await portOf(gateway);
    const offered = await keywordsOf(port);
    const named = HOSTILE.filter(({ name }) => name.includes(options.only));
    const skipped = named.filter(({ needs }) => needs !== undefined && !offered.includes(needs));
    const attacks = named.filter((hostile) => !skipped.includes(hostile)).map(({ name }) => name);
    const rows = new Map<string, Row[]>(['alone', ...attacks].map((name) => [name, []]));
    await measure(port, '', options.seconds, options.rate); // warm
    for (let round = 0; round < options.rounds; round++)
      for (const [name, measured] of rows) {
        measured.push(await measure(port, name === 'alone' ? '' : name, options.seconds, options.rate));
        await quiet(sink);
      }
    print(rows);
    for (const { name, needs } of skipped) console.log(`skipped: ${name} (EHLO does not offer ${needs})`);
  } finally {
    gateway.kill('SIGTERM');
    await once(gateway, 'close');
    sink.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What one of them sent is delivered before the next one begins. */
async function quiet(sink: ChildProcess): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const [octets] = (await once(sink, 'message')) as [number];
    if (octets === 0) return;
  }
}

async function measure(port: number, attack: string, seconds: number, rate: number): Promise<Row> {
  const hostile = attack === '' ? undefined : spawn(process.execPath, [SELF, 'attack', attack, String(port)]);
  hostile?.stderr?.pipe(process.stderr);
  if (hostile !== undefined) await wait(500); // it is at work
  const stop = new AbortController();
  const probe = probing(port, stop.signal);
  const started = performance.now();
  const until = started + seconds * 1000;
  const sent = await Promise.all(Array.from({ length: CLIENTS }, (_, n) => load(port, until, rate / CLIENTS, n)));
  const took = (performance.now() - started) / 1000;
  stop.abort();
  const blocked = await probe;
  if (hostile !== undefined) {
    hostile.kill('SIGKILL');
    await once(hostile, 'close');
    await wait(200);
  }
  return { rate: sent.reduce((sum, one) => sum + one, 0) / took, blocked };
}

/** One client, message after message on one connection; answers how many were taken. */
async function load(port: number, until: number, rate: number, n: number): Promise<number> {
  const stop = new AbortController();
  const target = { port, from: '127.0.3.1', recipient: RECIPIENT, signal: stop.signal };
  let taken = 0;
  let next = performance.now() + (rate > 0 ? (n * 1000) / (rate * CLIENTS) : 0);
  while (performance.now() < until) {
    const wire = new Wire(target);
    if (!(await wire.hear(/^220 /m)) || !(await wire.ask('EHLO client.example', /^250 /m))) continue;
    while (performance.now() < until) {
      if (rate > 0) {
        const early = next - performance.now();
        next += 1000 / rate;
        if (early > 0) await wait(early);
      }
      const went =
        (await wire.ask(`MAIL FROM:<a@client.example>\r\nRCPT TO:<${RECIPIENT}>\r\nDATA`, /^354 /m)) &&
        (await wire.ask(`${BODY}.`, /^250 2\.0\.0 /m));
      if (!went) break;
      taken++;
    }
    wire.socket.destroy();
    await wire.closed;
  }
  return taken;
}

/** The slowest answer to a NOOP, in ms. The gateway bears no more than 200 in a row. */
async function probing(port: number, signal: AbortSignal): Promise<number> {
  let slowest = 0;
  while (!signal.aborted) {
    const wire = new Wire({ port, from: '127.0.2.1', recipient: RECIPIENT, signal });
    await wire.hear(/^220 /m);
    for (let n = 0; n < 150 && !signal.aborted; n++) {
      const asked = performance.now();
      if (!(await wire.ask('NOOP', /^250 /m))) break;
      slowest = Math.max(slowest, performance.now() - asked);
      await wait(10);
    }
    wire.socket.destroy();
  }
  return slowest;
}

function print(rows: ReadonlyMap<string, readonly Row[]>): void {
  const alone = median(rows.get('alone')!.map(({ rate }) => rate));
  console.log(`${'beside'.padEnd(42)} messages/s   of alone   slowest NOOP`);
  for (const [name, measured] of rows) {
    const rate = median(measured.map((row) => row.rate));
    const ratio = rate / alone;
    const blocked = Math.max(...measured.map((row) => row.blocked));
    console.log(
      `${name.padEnd(42)} ${rate.toFixed(1).padStart(10)} ${ratio.toFixed(2).padStart(10)} ${blocked.toFixed(0).padStart(11)} ms${ratio < WANTED ? '   less than wanted' : ''}`,
    );
  }
}

/** In a process of its own: sessions of one kind of client, four at a time, until it is killed. */
async function attack(name: string, port: number): Promise<void> {
  const hostile = HOSTILE.find((one) => one.name === name)!;
  const signal = new AbortController().signal;
  const one = async (n: number): Promise<void> => {
    for (;;) {
      await hostile.run({ port, from: `127.0.1.${1 + n}`, recipient: RECIPIENT, signal });
      await wait(PAUSE);
    }
  };
  await Promise.all(Array.from({ length: hostile.patient ? HELD : AT_ONCE }, (_, n) => one(n)));
}

const LOOKS_MAX = 30; // seconds that what was sent may take to be delivered
const HELD = 90; // sessions that a patient client holds at once
const AT_ONCE = 4;
const PAUSE = 50; // ms before a client that was sent away begins again

function startGateway(folder: string, sink: number): ChildProcess {
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/plain.yaml'), 'policy: plain\nchecks: {}\nrules: {}\n');
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.bench.test
listeners: { mx: { address: "127.0.0.1:0", policy: plain } }
domains: { bench.test: { route: sink, recipients: { inline: [${RECIPIENT}] } } }
routes: { sink: { hosts: ["127.0.0.1:${sink}"], tls: none } }
store: { path: store, min_free: 100 MiB }
`,
  );
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  return spawn(process.execPath, [main, 'serve', '--config', join(folder, 'postern.yaml')], { env });
}

/** Where it listens; its other lines are thrown away. */
function portOf(gateway: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    gateway.once('close', (code) => reject(new Error(`the gateway ended with ${code}`)));
    createInterface(gateway.stderr!).on('line', (line) => {
      const port = /"mx":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

async function keywordsOf(port: number): Promise<string> {
  const signal = new AbortController().signal;
  const wire = new Wire({ port, from: '127.0.2.1', recipient: RECIPIENT, signal });
  await wire.hear(/^220 /m);
  await wire.ask('EHLO client.example', /^250 /m);
  wire.socket.destroy();
  return wire.end();
}

/** In a process of its own: says where it listens, and then once a second how many octets came. */
async function sink(): Promise<void> {
  let came = 0;
  const server = createServer((socket) => {
    socket.on('data', (octets) => {
      came += octets.length;
    });
    takeAll(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send!((server.address() as { port: number }).port);
  setInterval(() => {
    process.send!(came);
    came = 0;
  }, 1000);
  process.on('disconnect', () => process.exit());
}

/** A next hop that believes everything. */
function takeAll(socket: Socket): void {
  let data = false;
  let text = '';
  socket.on('error', () => {});
  socket.write('220 sink\r\n');
  socket.on('data', (octets) => {
    text += octets.toString('latin1');
    for (;;) {
      const mark = data ? '\r\n.\r\n' : '\r\n';
      const end = text.indexOf(mark);
      if (end < 0) {
        if (data) text = text.slice(-4);
        return;
      }
      const verb = text.slice(0, 4).toUpperCase();
      text = text.slice(end + mark.length);
      if (!data && verb === 'QUIT') return void socket.end('221 bye\r\n');
      data = !data && verb === 'DATA';
      socket.write(data ? '354 go\r\n' : '250 ok\r\n');
    }
  });
}

const SELF = fileURLToPath(import.meta.url);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

if (process.argv[2] === 'attack') {
  await attack(process.argv[3]!, Number(process.argv[4]));
} else if (process.argv[2] === 'sink') {
  await sink();
} else {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '100' },
      only: { type: 'string', default: '' },
    },
  });
  await bench({
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    rate: Number(values.rate),
    only: values.only,
  });
}
