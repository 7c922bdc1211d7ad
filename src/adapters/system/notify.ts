/** Tells a service manager how we are: Node has no datagram sockets of the unix family, so `systemd-notify` speaks for us. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Millis, seconds } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import { messageOf, type Supervision, type Word } from './notify-messages.ts';

const run = promisify(execFile);

/** None of these rejects: a manager that does not hear is logged, and stops no mail. */
export interface Notifier {
  ready(status: string): Promise<void>;
  /** To be followed by `ready`, whatever came of it. */
  reloading(): Promise<void>;
  stopping(status: string): Promise<void>;
  status(text: string): Promise<void>;
  /** Says again and again that we live, as long as `alive` says so; answers how to stop. Does nothing where nobody asked for it. */
  watchdog(alive: () => boolean): () => void;
}

/** Beyond this, it is as if it had not been said. */
const PATIENCE: Millis = seconds(10);

export interface NotifyOptions {
  readonly supervision: Supervision;
  readonly log: Log;
  /** The program that speaks, found on `path`. */
  readonly program?: string;
  readonly path: string;
}

export function notifier({ supervision, log, program = 'systemd-notify', path }: NotifyOptions): Notifier {
  if (supervision.kind === 'unsupervised') return SILENT;
  const env = { NOTIFY_SOCKET: supervision.socket, PATH: path };
  let unheard = false;
  // One after the other: `ready` before `reloading` would say that the reload never ends.
  let last = Promise.resolve();
  const say = (word: Word): Promise<void> => {
    last = last.then(async () => {
      try {
        // Assignments, never options: none of them begins with a dash.
        await run(program, [...messageOf(word)], { env, timeout: PATIENCE, killSignal: 'SIGKILL' });
        unheard = false;
      } catch (error) {
        if (!unheard) log.warn('notify.failed', { word: word.kind, ...trouble(program, error) });
        unheard = true;
      }
    });
    return last;
  };
  return {
    ready: (status) => say({ kind: 'ready', status }),
    reloading: () => say({ kind: 'reloading', at: monotonicMicros() }),
    stopping: (status) => say({ kind: 'stopping', status }),
    status: (status) => say({ kind: 'status', status }),
    watchdog: (alive) => keepAlive(supervision.watchdogEvery, alive, () => say({ kind: 'alive' }), log),
  };
}

const SILENT: Notifier = {
  ready: async () => {},
  reloading: async () => {},
  stopping: async () => {},
  status: async () => {},
  watchdog: () => () => {},
};

function keepAlive(every: Millis | undefined, alive: () => boolean, say: () => Promise<void>, log: Log): () => void {
  if (every === undefined) return () => {};
  let withheld = false;
  const timer = setInterval(() => {
    if (alive()) return void say();
    if (!withheld) log.error('watchdog.withheld', { why: 'the gateway says that it is not well' });
    withheld = true;
  }, every);
  timer.unref();
  return () => clearInterval(timer);
}

/** Node's high-resolution time is CLOCK_MONOTONIC, counted from the same moment as the manager's. */
const monotonicMicros = (): bigint => process.hrtime.bigint() / 1000n;

function trouble(program: string, error: unknown): { readonly why: string; readonly remedy?: string } {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return { why: String(error) };
  return {
    why: `${program} is not there`,
    remedy: 'install systemd, or use Type=exec and no WatchdogSec in the unit',
  };
}
