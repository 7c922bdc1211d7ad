/** The desk that asks recipient sources for the whole process: one set of clients, one memory, whichever thread took the connection. */
import { createHash } from 'node:crypto';
import type { LiveSource } from '../config/live-source.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { AskedAddress, LiveAnswer, RecipientClient, RecipientDesk, SourceStatus } from '../ports/recipients.ts';
import type { StateStore } from '../ports/state.ts';
import { LiveRecipients } from './live-recipients.ts';

/** What a configuration needs of the desk, whether it stands in this thread or another. */
export interface LiveSources extends RecipientDesk {
  /** These will be asked, by us under this name. */
  open(sources: readonly LiveSource[], hostname: string): void;
  /** These are in force; those of the configuration before last are closed. */
  keep(sources: readonly LiveSource[]): void;
}

/** Of the same source the same, in every thread and every life of the process. It stands in the store: no secret can be read from it. */
export const sourceId = (source: LiveSource): string =>
  createHash('sha256')
    .update(JSON.stringify(identity(source)))
    .digest('hex')
    .slice(0, 16);

/** Who is asked, and what. How long is waited for it does not make it another. */
function identity(source: LiveSource): unknown {
  const { timeout: _1, connections: _2, knownFor: _3, unknownFor: _4, lastKnown: _5, onError: _6, ...rest } = source;
  return rest;
}

/** How a source is named to the desk. */
export const deskKey = (source: LiveSource): string => `${sourceId(source)} ${JSON.stringify(source)}`;

export interface DeskParts {
  /** `hostname`: our own. */
  readonly clientFor: (source: LiveSource, hostname: string) => RecipientClient;
  readonly state: () => Pick<StateStore, 'get' | 'put' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class LiveDesk implements LiveSources {
  readonly #parts: DeskParts;
  /** By `deskKey`. */
  readonly #open = new Map<string, LiveRecipients>();
  #inForce: ReadonlySet<string> = new Set();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Nothing is asked before somebody asks. */
  open(sources: readonly LiveSource[], hostname: string): void {
    const { clientFor, state, clock, log } = this.#parts;
    for (const source of sources) {
      const key = deskKey(source);
      if (this.#open.has(key)) continue;
      this.#open.set(
        key,
        new LiveRecipients({
          source,
          id: sourceId(source),
          client: clientFor(source, hostname),
          state: lazily(state),
          clock,
          log,
        }),
      );
    }
  }

  /** Sessions that began before a reload still ask the sources of then: those are closed by the next one. */
  keep(sources: readonly LiveSource[]): void {
    const wanted = new Set(sources.map(deskKey));
    for (const [key, one] of this.#open) {
      if (wanted.has(key) || this.#inForce.has(key)) continue;
      one.close();
      this.#open.delete(key);
    }
    this.#inForce = wanted;
  }

  async ask(source: string, asked: AskedAddress): Promise<LiveAnswer> {
    // One that nobody knows any more is of a configuration before last.
    return (await this.#open.get(source)?.ask(asked)) ?? { result: 'unsure', by: 'on_error' };
  }

  status(): readonly SourceStatus[] {
    return [...this.#open].filter(([key]) => this.#inForce.has(key)).map(([, one]) => one.status());
  }

  close(): void {
    for (const one of this.#open.values()) one.close();
    this.#open.clear();
  }
}

/** The store opens after the configuration was read. */
const lazily = (state: DeskParts['state']): ReturnType<DeskParts['state']> => ({
  get: (space, key, at) => state().get(space, key, at),
  put: (space, key, value, expires) => state().put(space, key, value, expires),
  delete: (space, key) => state().delete(space, key),
});
