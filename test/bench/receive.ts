/**
 * What receiving costs, beside smtp-server as it comes and the least that Node's net can do; nothing is decided or kept.
 *
 *     node test/bench/receive.ts [messages] [rounds]        needs Postfix's smtp-source
 *
 * Rounds are interleaved, medians printed. CPU a message is the steadier figure on a busy machine.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { parseIp } from '../../src/mail/ip.ts';
import { formatReply, type Reply } from '../../src/mail/reply.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { ContentWriter } from '../../src/ports/content.ts';
import { Dialogue } from '../../src/smtp/receive/dialogue.ts';
import { RECEIVE_LIMITS } from '../../src/smtp/receive/limits.ts';
import type { Line } from '../../src/smtp/receive/line.ts';
import { Reader, type ReaderHost } from '../../src/smtp/receive/reader.ts';
import { createReceiver } from '../../src/smtp/receive/receiver.ts';
import type { Session, Spoken } from '../../src/smtp/receive/session.ts';
import { Spooling } from '../../src/smtp/receive/spooling.ts';

const KINDS = ['net', 'postern on net', 'postern', 'smtp-server less its wait', 'smtp-server'] as const;
type Kind = (typeof KINDS)[number];

const LOADS = {
  'a connection a message (20 sessions, 4 KiB)': ['-s', '20', '-l', '4096'],
  'connections kept (20 sessions, 4 KiB)': ['-s', '20', '-l', '4096', '-d'],
  'connections kept (4 sessions, 1 MiB)': ['-s', '4', '-l', '1048576', '-d'],
} as const;

async function compare(messages: number, rounds: number): Promise<void> {
  for (const [load, flags] of Object.entries(LOADS)) {
    const rows = new Map<Kind, { rate: number; cpu: number }[]>(KINDS.map((kind) => [kind, []]));
    for (let round = 0; round < rounds; round++)
      for (const kind of KINDS) {
        const count = Math.ceil(messages / (kind === 'smtp-server' ? 10 : 1) / (load.includes('MiB') ? 20 : 1));
        rows.get(kind)!.push(await measure(kind, flags, count));
      }
    console.log(load);
    const floor = median(rows.get('net')!.map(({ cpu }) => cpu));
    for (const [kind, all] of rows) {
      const rate = median(all.map((row) => row.rate));
      const cpu = median(all.map((row) => row.cpu));
      console.log(
        `  ${kind.padEnd(26)} ${rate.toFixed(0).padStart(7)}/s  ${cpu.toFixed(3)} ms CPU a message  ${(cpu / floor).toFixed(2)} of net`,
      );
    }
  }
}

async function measure(kind: Kind, flags: readonly string[], count: number): Promise<{ rate: number; cpu: number }> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', kind], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const port = await told<number>(child);
  const load = (messages: number) =>
    promisify(execFile)('smtp-source', [
      ...flags,
      ...['-m', String(messages), '-f', 'a@bench.test', '-t', 'user@bench.test', `inet:127.0.0.1:${port}`],
    ]);
  await load(Math.ceil(count / 4)); // warm
  child.send('reset');
  await told(child);
  const started = performance.now();
  await load(count);
  const took = performance.now() - started;
  child.send('report');
  const cpu = await told<number>(child);
  child.disconnect();
  await once(child, 'exit');
  return { rate: (count / took) * 1000, cpu: cpu / count };
}

const told = <T>(child: ChildProcess): Promise<T> => once(child, 'message').then(([value]) => value as T);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function serve(kind: Kind): Promise<void> {
  let before = process.cpuUsage();
  process.on('message', (word) => {
    const used = process.cpuUsage(before);
    if (word === 'reset') before = process.cpuUsage();
    process.send!((used.user + used.system) / 1000);
  });
  process.on('disconnect', () => process.exit());
  process.send!(await SERVERS[kind]());
}

const SERVERS: { readonly [kind in Kind]: () => Promise<number> } = {
  async net() {
    const server = createServer({ noDelay: true }, least);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  },
  async 'postern on net'() {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => void new Bare(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  },
  async postern() {
    const clock: Clock = {
      now: () => Date.now(),
      elapsed: () => performance.now(),
      sleep: (span) => new Promise((resolve) => setTimeout(resolve, span)),
    };
    const receiver = createReceiver({
      hostname: 'mx.bench.test',
      host: '127.0.0.1',
      port: 0,
      newline: 'strict',
      xclientFrom: [],
      offer: () => ({ smtpUtf8: false, messageBytes: RECEIVE_LIMITS.messageBytes }),
      dsn: false,
      open: () => willing,
      log: { event() {}, warn: console.error, error: console.error },
      clock,
    });
    return (await receiver.listen()).port;
  },
  'smtp-server less its wait': () => {
    SMTPConnection.prototype.init = function (this: SMTPConnection & { connectionReady(): void }) {
      this._setListeners(() => this.connectionReady());
    };
    return SERVERS['smtp-server']();
  },
  async 'smtp-server'() {
    const server = new SMTPServer({
      logger: false,
      hideSTARTTLS: true,
      authOptional: true,
      disabledCommands: ['AUTH'],
      disableReverseLookup: true,
      onMailFrom: (_a: unknown, _s: unknown, done: () => void) => done(),
      onRcptTo: (_a: unknown, _s: unknown, done: () => void) => done(),
      onConnect: (_s: unknown, done: () => void) => done(),
      onData: (stream: NodeJS.ReadableStream, _s: unknown, done: () => void) => {
        stream.on('data', () => {}).on('end', () => done());
      },
    });
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return (server.server.address() as { port: number }).port;
  },
};

/** Takes everything, keeps nothing. */
const spoken = (code: number, enhanced: string): Promise<Spoken> =>
  Promise.resolve({ reply: { code, enhanced, text: 'OK' }, close: false });
const sink: ContentWriter = {
  size: 0,
  write: () => true,
  drained: () => Promise.resolve(),
  finish: () => Promise.resolve({ ref: '', size: 0, sha256: '', header: new Uint8Array(), async *open() {} }),
  abandon: () => Promise.resolve(),
};
const willing: Session = {
  greet: () => spoken(220, ''),
  helo: () => spoken(250, ''),
  tls() {},
  authenticated() {},
  scramKeys: () => Promise.reject(new Error('nobody logs in here')),
  login: () => spoken(535, '5.7.8'),
  mail: () => spoken(250, '2.1.0'),
  rcpt: () => spoken(250, '2.1.5'),
  data: () => Promise.resolve({ kind: 'go', writer: sink }),
  content: () => spoken(250, '2.0.0'),
  refused: ({ reply, close }) => ({ reply, close }),
  reset() {},
  hungUp() {},
  close() {},
};

/** Our dialogue and data path with nothing of smtp-server around the socket: the bound of what leaving its classes would gain. */
class Bare implements Line, ReaderHost {
  readonly dialogue: Dialogue;
  readonly newline = 'strict';
  readonly commandLineBytes = RECEIVE_LIMITS.commandLineBytes;
  readonly #socket: Socket;
  #replies = '';
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const client = {
      ip: parseIp(socket.remoteAddress ?? '')?.text ?? '',
      port: socket.remotePort ?? 0,
      name: '',
      serverIp: parseIp(socket.localAddress ?? '')?.text ?? '',
      serverPort: socket.localPort ?? 0,
    };
    this.dialogue = new Dialogue(this, client, {
      hostname: 'mx.bench.test',
      newline: 'strict',
      smtpUtf8: false,
      dsn: false,
      limits: RECEIVE_LIMITS,
      spooling: new Spooling(RECEIVE_LIMITS.spoolingBytes),
      greetWait: 0,
      tls: undefined,
      trustsXclient: false,
      open: () => willing,
    });
    const reader = new Reader(this, true);
    socket.on('error', () => {}).on('close', () => this.dialogue.close());
    setImmediate(() => {
      void this.dialogue.greet(false).then(() => {
        this.answered();
        // The load waits for each reply, so nothing comes while a segment is answered.
        socket.on('data', (segment) => reader._write(segment, 'latin1', () => {}));
      });
    });
  }
  say(reply: Reply): void {
    this.#replies += formatReply(reply);
  }
  ask<T>(_span: number, answer: Promise<T>): Promise<T> {
    return answer;
  }
  ahead(): boolean {
    return false;
  }
  spent(): boolean {
    return false;
  }
  gone(): boolean {
    return this.#ended;
  }
  startTls(): void {}
  end(): void {
    this.answered();
    this.#ended = true;
    this.#socket.destroySoon();
  }
  heard(): void {}
  answered(): undefined {
    if (this.#replies !== '') this.#socket.write(this.#replies, 'latin1');
    this.#replies = '';
  }
  spooled(drained: Promise<void>): Promise<void> {
    return drained;
  }
  failed(error: unknown): void {
    throw error;
  }
  finished(): void {}
}

/** A receiver that believes everything: what the sockets alone cost. */
function least(socket: Socket): void {
  let data = false;
  let text = '';
  socket.on('error', () => {});
  socket.write('220 net\r\n');
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (;;) {
      const end = text.indexOf(data ? '\r\n.\r\n' : '\r\n');
      if (end < 0) {
        if (data) text = text.slice(-4);
        return;
      }
      const verb = text.slice(0, 4);
      text = text.slice(end + (data ? 5 : 2));
      if (!data && verb === 'QUIT') return void socket.end('221 bye\r\n');
      data = !data && verb === 'DATA';
      socket.write(data ? '354 go\r\n' : '250 ok\r\n');
    }
  });
}

if (process.argv[2] === 'serve') {
  await serve(process.argv[3] as Kind);
} else {
  await compare(Number(process.argv[2] ?? 4000), Number(process.argv[3] ?? 3));
}
