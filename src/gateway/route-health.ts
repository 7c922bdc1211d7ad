/** Tells once that a route leads nowhere, and once that it does again: attempts by themselves are the records' affair. */
import type { Log } from '../ports/log.ts';
import type { AttemptResult } from '../queue/transition.ts';

/** Attempts in a row that heard no answer from any host, before it is said: one line that breaks is no outage. */
const SILENT_MAX = 3;

export class RouteHealth {
  readonly #log: Log;
  readonly #silent = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  ended(route: string, results: readonly AttemptResult[]): void {
    const [first] = results;
    if (first === undefined) return;
    const before = this.#silent.get(route) ?? 0;
    if (first.kind === 'transient' && first.reply === null) {
      this.#silent.set(route, before + 1);
      if (before + 1 !== SILENT_MAX) return;
      const remedy = '`postern doctor` tries each host; what waits goes out by itself when one answers';
      this.#log.warn('route.down', { route, host: first.host, why: first.cause, remedy });
      return;
    }
    this.#silent.delete(route);
    if (before >= SILENT_MAX) this.#log.event('route.up', { route });
  }
}
