/** What a service manager asks of us by its environment, and what is said to it (sd_notify(3)). */
import { clean } from '../../mail/reply.ts';
import type { Millis } from '../../mail/time.ts';

type Environment = { readonly [name: string]: string | undefined };

/** `unsupervised`: nobody waits to hear from us. */
export type Supervision =
  | { readonly kind: 'unsupervised' }
  | { readonly kind: 'supervised'; readonly socket: string; readonly watchdogEvery: Millis | undefined };

/** `watchdogEvery` is half of what the manager waits, as sd_watchdog_enabled(3) advises: one that is late does not end us. */
export function supervisionOf(env: Environment, pid: number): Supervision {
  const socket = env.NOTIFY_SOCKET ?? '';
  if (socket === '') return { kind: 'unsupervised' };
  return { kind: 'supervised', socket, watchdogEvery: watchdogEvery(env, pid) };
}

/** The variable may be meant for the process that started us. */
function watchdogEvery({ WATCHDOG_USEC, WATCHDOG_PID }: Environment, pid: number): Millis | undefined {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined;
  if (WATCHDOG_USEC === undefined || !/^[1-9][0-9]{0,15}$/.test(WATCHDOG_USEC)) return undefined;
  return Math.max(SOONEST, Math.floor(Number(WATCHDOG_USEC) / 2000));
}

const SOONEST: Millis = 100; // each word costs a process

export type Word =
  | { readonly kind: 'ready'; readonly status: string }
  /** `at` in microseconds of CLOCK_MONOTONIC: the manager compares it with its own. */
  | { readonly kind: 'reloading'; readonly at: bigint }
  | { readonly kind: 'stopping'; readonly status: string }
  | { readonly kind: 'status'; readonly status: string }
  | { readonly kind: 'alive' };

const STATUS_MAX = 200; // a line of `systemctl status`

/** The assignments of one message: they must arrive together. */
export function messageOf(word: Word): readonly string[] {
  switch (word.kind) {
    case 'ready':
      return ['READY=1', statusLine(word.status)];
    case 'reloading':
      return ['RELOADING=1', `MONOTONIC_USEC=${word.at}`];
    case 'stopping':
      return ['STOPPING=1', statusLine(word.status)];
    case 'status':
      return [statusLine(word.status)];
    case 'alive':
      return ['WATCHDOG=1'];
  }
}

/** One line, or it would be another assignment. */
const statusLine = (text: string): string => `STATUS=${clean(text, STATUS_MAX)}`;
