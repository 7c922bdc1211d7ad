/** The gateway as a process of its own, started as an operator starts it, to be killed, stopped and signalled. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
// A process reads its TypeScript anew at each start: the cache halves what that costs.
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'postern-compile-cache'), ...process.env, NODE_NO_WARNINGS: '1' };

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All it said on standard output. */
  readonly out: string;
  /** All it said on standard error. */
  readonly err: string;
}

interface LogLine {
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface Started {
  /** In place of `node src/main.ts`. */
  readonly program?: readonly [string, ...string[]];
  readonly env?: { readonly [name: string]: string };
  /** Sockets it finds open from descriptor 3 on, with the names of their listeners (sd_listen_fds(3)). */
  readonly sockets?: readonly { readonly name: string; readonly fd: number }[];
  /** Where it is killed at last: by the test that started it, unless several share it. */
  readonly atEnd?: (end: () => void) => void;
}

/** A process learns its own number only when it runs, and keeps it over `exec`. */
const WITH_ITS_PID = ['/bin/sh', '-c', 'LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"'] as const;

export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  #waiting: { readonly msg: string; readonly heard: (line: LogLine) => void }[] = [];
  #out = '';
  #err = '';
  readonly ended: Promise<Ending>;

  constructor(
    config: string,
    { program = [process.execPath, MAIN], env: more = {}, sockets = [], atEnd = onTestFinished }: Started = {},
  ) {
    const passed = sockets.length > 0 ? WITH_ITS_PID : [];
    const [file, ...args] = [...passed, ...program, 'serve', '--config', config];
    const listen =
      sockets.length > 0
        ? { LISTEN_FDS: String(sockets.length), LISTEN_FDNAMES: sockets.map(({ name }) => name).join(':') }
        : {};
    this.#child = spawn(file!, args, {
      env: { ...env, ...listen, ...more },
      stdio: ['pipe', 'pipe', 'pipe', ...sockets.map(({ fd }) => fd)],
    });
    atEnd(() => void this.#child.kill('SIGKILL'));
    this.#child.stdout!.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString();
    });
    const lines = createInterface(this.#child.stderr!);
    lines.on('line', (line) => this.#hear(line));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal, out: this.#out, err: this.#err }));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The log's names of events, in order. */
  get log(): readonly string[] {
    return this.#lines.map(({ msg }) => msg);
  }

  /** The log's lines of one name. */
  said(msg: string): readonly LogLine[] {
    return this.#lines.filter((line) => line.msg === msg);
  }

  /** The next line of the log that bears this name, or the first one that did; rejects when the process ends without. */
  heard(msg: string): Promise<LogLine> {
    const line = this.#lines.find((one) => one.msg === msg);
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((heard, reject) => {
      this.#waiting.push({ msg, heard });
      void this.ended.then(({ code, signal, err }) =>
        reject(new Error(`the gateway ended (${code ?? signal}) and never said ${msg}: ${err.slice(-2000)}`)),
      );
    });
  }

  /** Where its listener of this name listens, once it does. */
  async port(listener = 'mx'): Promise<number> {
    const { addresses } = (await this.heard('gateway.started')) as unknown as {
      addresses: { readonly [name: string]: string };
    };
    return Number(addresses[listener]!.split(':').at(-1));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #hear(line: string): void {
    this.#err += `${line}\n`;
    if (!line.startsWith('{')) return;
    const said = JSON.parse(line) as LogLine;
    this.#lines.push(said);
    const here = this.#waiting.filter(({ msg }) => msg === said.msg);
    this.#waiting = this.#waiting.filter(({ msg }) => msg !== said.msg);
    for (const { heard } of here) heard(said);
  }
}

/** A command beside the gateway, run to its end. */
export const postern = (...args: readonly string[]): Promise<Ending> => posternIn({}, ...args);

/** The same with more in its environment. */
export async function posternIn(
  more: { readonly [name: string]: string },
  ...args: readonly string[]
): Promise<Ending> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, ...more } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, out, err }));
  });
}
