/** Whether any DNS server serves us: told once when none has for a while, and once when one does again, never per question. */
import { type Millis, seconds } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';

/** A resolver that restarts is back sooner; mail that is deferred for longer is worth a person's look. */
const WHILE: Millis = seconds(10);

const REMEDY =
  'see that one of them runs, can be reached from here and serves this address (`dns.servers`); until then checks that ask DNS fail, and mail is deferred or passed as their `on_error` says';

export class ServerWatch {
  readonly #servers: readonly string[];
  readonly #log: Log;
  /** Since when a server has not served us, in monotonic time. */
  readonly #silentSince = new Map<string, Millis>();
  /** Told of, and not over. */
  #since: Millis | undefined;

  constructor(servers: readonly string[], log: Log) {
    this.#servers = servers;
    this.#log = log;
  }

  /** No answer came, or a refusal to serve us. */
  silent(server: string, at: Millis): void {
    if (!this.#silentSince.has(server)) this.#silentSince.set(server, at);
    if (this.#since !== undefined || this.#servers.some((one) => !this.#silentSince.has(one))) return;
    const since = Math.max(...this.#silentSince.values());
    if (at - since < WHILE) return;
    this.#since = since;
    this.#log.warn('dns.silent', { servers: this.#servers, remedy: REMEDY });
  }

  answered(server: string, at: Millis): void {
    this.#silentSince.delete(server);
    if (this.#since === undefined) return;
    this.#log.event('dns.answers_again', { server, silent_ms: Math.round(at - this.#since) });
    this.#since = undefined;
  }
}
