/** A directory whose addresses are loaded whole now and then: into a file that is then a list of recipients as any other. */
import { type LoadedSource, sayLive } from '../config/live-source.ts';
import { clean } from '../mail/reply.ts';
import { type Millis, minutes } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { SourceStatus } from '../ports/recipients.ts';

/** Who is asked for everything may take its time; what hangs must not hang for ever. */
const LOAD_WITHIN: Millis = minutes(10);
/** After a failure: soon enough for a directory that is being started anew. */
const AGAIN: Millis = minutes(1);
const ERROR_MAX = 300; // characters

export interface LoadingParts {
  readonly source: LoadedSource;
  readonly load: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Puts these in force, also where they are what was there: they are fresh now. */
  readonly write: (addresses: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class ListLoading {
  readonly #parts: LoadingParts;
  readonly #stop = new AbortController();
  #state: SourceStatus['state'] = 'not asked yet';
  #since: number;
  #lastError = '';

  constructor(parts: LoadingParts) {
    this.#parts = parts;
    this.#since = parts.clock.now();
    void this.#run();
  }

  status(): SourceStatus {
    const source = sayLive(this.#parts.source);
    return { source, state: this.#state, since: this.#since, lastError: this.#lastError, catchAll: [] };
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { source, clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const loaded = await this.#load(AbortSignal.any([signal, AbortSignal.timeout(LOAD_WITHIN)]));
      await clock.sleep(loaded ? source.list.every : Math.min(source.list.every, AGAIN), signal).catch(() => {}); // stopped: the loop ends by itself
    }
  }

  async #load(signal: AbortSignal): Promise<boolean> {
    const { source, load, write, log } = this.#parts;
    try {
      const addresses = await load(signal);
      write(addresses);
      if (this.#state !== 'up')
        log.event('recipients.source.up', { source: sayLive(source), addresses: addresses.length });
      this.#become('up');
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      this.#lastError = clean(error instanceof Error ? error.message : String(error), ERROR_MAX);
      if (this.#state !== 'down')
        log.error('recipients.source.down', {
          source: sayLive(source),
          error: this.#lastError,
          remedy: 'the last list stays in force for the last_known time; `postern doctor` asks the directory now',
        });
      this.#become('down');
      return false;
    }
  }

  #become(state: 'up' | 'down'): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = this.#parts.clock.now();
  }
}
