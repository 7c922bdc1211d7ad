/** The desk that asks recipient sources for the whole process: one set of clients, one memory, whichever thread took the connection. */
import { createHash } from 'node:crypto';
import { isLoaded, type LiveSource, type LoadedSource } from '../config/live-source.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { AskedAddress, LiveAnswer, RecipientClient, RecipientDesk, SourceStatus } from '../ports/recipients.ts';
import type { StateStore } from '../ports/state.ts';
import { ListLoading } from './list-loading.ts';
import { LiveRecipients } from './live-recipients.ts';

/** What a configuration needs of the desk, whether it stands in this thread or another. */
export interface LiveSources extends RecipientDesk {
  /** These will be asked. */
  open(sources: readonly LiveSource[], ours: Ours): void;
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

/** What stands in a configuration beside its sources. */
export interface Ours {
  /** Our own name. */
  readonly hostname: string;
  /** Where the store lies. */
  readonly store: string;
}

/** Where the addresses of a directory that is loaded whole are kept. */
export const loadedPath = (source: LoadedSource, store: string): string =>
  `${store}/recipients/ldap-${sourceId(source)}.list`;

/** Loads lists and keeps them in files; left out, nobody does: a command reads what the gateway left there. */
export interface ListKeeping {
  readonly prepare: (path: string) => void;
  readonly load: (source: LoadedSource, signal: AbortSignal) => Promise<readonly string[]>;
  readonly write: (path: string, addresses: readonly string[]) => void;
}

export interface DeskParts {
  /** `hostname`: our own. */
  readonly clientFor: (source: LiveSource, hostname: string) => RecipientClient;
  readonly state: () => Pick<StateStore, 'get' | 'put' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly lists?: ListKeeping;
}

export class LiveDesk implements LiveSources {
  readonly #parts: DeskParts;
  /** By `deskKey`. */
  readonly #open = new Map<string, LiveRecipients>();
  #inForce: ReadonlySet<string> = new Set();
  /** By `deskKey`. */
  readonly #loading = new Map<string, ListLoading>();
  #store = '';

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Nothing is asked before somebody asks. */
  open(sources: readonly LiveSource[], { hostname, store }: Ours): void {
    const { clientFor, state, clock, log, lists } = this.#parts;
    this.#store = store;
    for (const source of sources) {
      const key = deskKey(source);
      if (isLoaded(source)) {
        lists?.prepare(loadedPath(source, store));
        continue;
      }
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
    this.#load(sources.filter(isLoaded));
    this.#inForce = wanted;
  }

  async ask(source: string, asked: AskedAddress): Promise<LiveAnswer> {
    // One that nobody knows any more is of a configuration before last.
    return (await this.#open.get(source)?.ask(asked)) ?? { result: 'unsure', by: 'on_error' };
  }

  status(): readonly SourceStatus[] {
    const asked = [...this.#open].filter(([key]) => this.#inForce.has(key)).map(([, one]) => one);
    return [...asked, ...this.#loading.values()].map((one) => one.status());
  }

  close(): void {
    for (const one of this.#open.values()) one.close();
    this.#open.clear();
    this.#load([]);
  }

  /** These are loaded now and then, and no others. */
  #load(sources: readonly LoadedSource[]): void {
    const { lists, clock, log } = this.#parts;
    const wanted = new Map(sources.map((source) => [deskKey(source), source]));
    for (const [key, loading] of this.#loading) {
      if (wanted.has(key)) continue;
      loading.stop();
      this.#loading.delete(key);
    }
    if (lists === undefined) return;
    for (const [key, source] of wanted) {
      if (this.#loading.has(key)) continue;
      const path = loadedPath(source, this.#store);
      const load = (signal: AbortSignal) => lists.load(source, signal);
      const write = (addresses: readonly string[]) => lists.write(path, addresses);
      this.#loading.set(key, new ListLoading({ source, load, write, clock, log }));
    }
  }
}

/** The store opens after the configuration was read. */
const lazily = (state: DeskParts['state']): ReturnType<DeskParts['state']> => ({
  get: (space, key, at) => state().get(space, key, at),
  put: (space, key, value, expires) => state().put(space, key, value, expires),
  delete: (space, key) => state().delete(space, key),
});
