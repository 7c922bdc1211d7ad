/** The log as JSON lines: one event per thing that happened, on standard error. */
import { pino } from 'pino';
import type { Log } from '../../ports/log.ts';
import { escaped } from '../../record/jsonl.ts';

export function jsonLog(level: 'debug' | 'info' | 'warn' | 'error'): Log & { reopen(): void } {
  // Synchronous: a line written before a crash is there after it, and the log is no hot path.
  const destination = pino.destination({ dest: 2, sync: true });
  // Remote replies and names stand in it: what JSON leaves as it is and a terminal obeys is escaped on the way out.
  const clean = { write: (line: string) => destination.write(escaped(line)) };
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, clean);
  return {
    event: (name, data) => log.info(data ?? {}, name),
    warn: (name, data) => log.warn(data ?? {}, name),
    error: (name, data) => log.error(data ?? {}, name),
    reopen: () => destination.reopen(),
  };
}

export const silentLog: Log = { event: () => {}, warn: () => {}, error: () => {} };
