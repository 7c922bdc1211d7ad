/** The configuration in force: replaced whole or not at all, and never before the store has the bundles that records will name. */
import { join } from 'node:path';
import { WatchSet } from '../adapters/files/watch-set.ts';
import type { Installation } from '../config/installation.ts';
import type { Current } from '../gateway/world.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import type { Override } from '../policy/override.ts';
import type { Log } from '../ports/log.ts';
import type { RecordStore } from '../ports/queue.ts';
import type { WatchedFiles } from '../ports/watched-files.ts';
import { type Configured, listFiles, type Refreshed, underOverrides, withFreshLists } from './configure.ts';
import type { Snapshot } from './disk.ts';

export interface Standing {
  /** Reads the files anew, or what a snapshot says of them. */
  readonly read: (from?: Snapshot) => Configured;
  readonly records: Pick<RecordStore, 'putBundle'>;
  readonly files: WatchedFiles;
  readonly log: Log;
  /** Threads that hold the same configuration. */
  readonly others: Followers;
}

/** A change holds in all threads or in none: first each reads it, then each takes it. */
export interface Followers {
  /** Why they cannot; none where all can. */
  prepare(from: Snapshot): Promise<readonly Problem[]>;
  /** Resolves when new sessions of all of them find it: what kept one from it, which has to be restarted. */
  commit(): Promise<readonly Problem[]>;
  abandon(): void;
  reloadLists(): void;
  /** Resolves when new sessions of all of them decide so. */
  override(overrides: readonly Override[]): Promise<readonly Problem[]>;
}

export const NOBODY: Followers = {
  prepare: async () => [],
  commit: async () => [],
  abandon: () => {},
  reloadLists: () => {},
  override: async () => [],
};

type Read =
  | {
      readonly kind: 'sound';
      readonly current: Current;
      readonly snapshot: Snapshot;
      readonly takeOver: () => void;
    }
  | { readonly kind: 'wrong'; readonly problems: readonly Problem[] };

export class InForce {
  readonly #standing: Standing;
  #current: Current;
  #snapshot: Snapshot;
  /** One change after the other: what was read last is what ends in force. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #watching: WatchSet;
  #prepared: Extract<Read, { kind: 'sound' }> | undefined;

  constructor(first: Current, snapshot: Snapshot, standing: Standing) {
    this.#current = first;
    this.#snapshot = snapshot;
    this.#standing = standing;
    this.#watching = new WatchSet(standing.files, () => void this.reloadLists());
  }

  get current(): Current {
    return this.#current;
  }

  /** Of the files as they were when they came in force; lists may have been read since. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Keeps the first bundles and begins to watch the lists. */
  async start(): Promise<void> {
    await this.#put(this.#current);
  }

  /** Puts the files' present state in force, in all threads or in none; answers why it did not. */
  reload(): Promise<readonly Problem[]> {
    return this.#after(async () => {
      const read = this.#read();
      if (read.kind === 'wrong') return this.#refused('reload.refused', read.problems);
      const { others } = this.#standing;
      const theirs = await others.prepare(read.snapshot);
      if (theirs.length > 0) {
        others.abandon();
        return this.#refused('reload.refused', theirs);
      }
      await this.#take(read);
      const half = await others.commit();
      if (half.length > 0) return this.#refused('reload.half', half);
      this.#standing.log.event('reload.done', { policies: [...read.current.policies.keys()] });
      return [];
    }, 'reload.refused');
  }

  /** Of a thread that follows another: reads what that one found, and waits for `commit` or `abandon`. Answers why it cannot follow. */
  prepare(from: Snapshot): Promise<readonly Problem[]> {
    return this.#after(async () => {
      const read = this.#read(from);
      if (read.kind === 'wrong') return read.problems;
      this.#prepared = read;
      return [];
    }, 'reload.refused');
  }

  commit(): Promise<readonly Problem[]> {
    const read = this.#prepared;
    this.#prepared = undefined;
    return this.#after(async () => {
      if (read !== undefined) await this.#take(read);
      return [];
    }, 'reload.refused');
  }

  abandon(): void {
    this.#prepared = undefined;
  }

  /** The same for the lists of the policies alone. */
  reloadLists(): Promise<readonly Problem[]> {
    return this.#after(async () => {
      return this.#refresh(withFreshLists(this.#current), 'lists');
    }, 'lists.refused');
  }

  /** The policies in force under other overrides. */
  override(overrides: readonly Override[]): Promise<readonly Problem[]> {
    return this.#after(async () => {
      const wrong = await this.#refresh(underOverrides(this.#current, overrides), 'overrides');
      return wrong.length > 0 ? wrong : this.#standing.others.override(overrides);
    }, 'overrides.refused');
  }

  async #refresh({ policies, problems }: Refreshed, what: 'lists' | 'overrides'): Promise<readonly Problem[]> {
    const wrong = problems.filter(({ severity }) => severity === 'error');
    if (wrong.length > 0) return this.#refused(`${what}.refused`, wrong);
    const changed = [...policies.values()].filter(
      ({ name, bundle }) => this.#current.policies.get(name)?.bundle.digest !== bundle.digest,
    );
    if (changed.length === 0) return [];
    await this.#put({ ...this.#current, policies });
    if (what === 'lists') this.#standing.others.reloadLists();
    this.#standing.log.event(`${what}.reloaded`, { policies: changed.map(({ name }) => name) });
    return [];
  }

  stop(): void {
    this.#watching.stop();
  }

  /** Whatever goes wrong, the running configuration stays. */
  #after(change: () => Promise<readonly Problem[]>, refused: string): Promise<readonly Problem[]> {
    const done = this.#turn.then(change).catch((error: unknown) => {
      const place = { file: this.#current.installation.file, line: 1, column: 1 };
      const message = error instanceof Error ? error.message : String(error);
      const remedy = 'the running configuration stays in force; mend what is wrong and reload';
      return this.#refused(refused, [{ place, severity: 'error', message, remedy, excerpt: '' }]);
    });
    this.#turn = done;
    return done;
  }

  #refused(name: string, problems: readonly Problem[]): readonly Problem[] {
    this.#standing.log.error(name, { problems: problems.map(sayProblem) });
    return problems;
  }

  #read(from?: Snapshot): Read {
    const next = this.#standing.read(from);
    const wrong = [...next.problems.filter(({ severity }) => severity === 'error'), ...next.notYet];
    if (next.current !== undefined) wrong.push(...needsRestart(this.#current.installation, next.current.installation));
    if (next.current === undefined || wrong.length > 0) return { kind: 'wrong', problems: wrong };
    return { kind: 'sound', current: next.current, snapshot: next.snapshot, takeOver: () => next.takeOver() };
  }

  async #take({ current, snapshot, takeOver }: Extract<Read, { kind: 'sound' }>): Promise<void> {
    await this.#put(current);
    this.#snapshot = snapshot;
    takeOver();
  }

  async #put(next: Current): Promise<void> {
    // A record must never name a bundle that is not kept.
    for (const policy of next.policies.values()) await this.#standing.records.putBundle(policy.bundle);
    this.#current = next;
    const { installation, policies } = next;
    this.#watching.want(
      new Set([...policies.values()].flatMap(listFiles).map((path) => join(installation.policiesDir, path))),
    );
  }
}

/** What sockets, threads and ids were made with when the gateway started. */
const FIXED = ['hostname', 'node', 'threads', 'listeners', 'dns', 'store', 'limits', 'records', 'log'] as const;

/** Whoever names another source under `users:` has not touched the listeners that ask it. */
function otherUsersAlone(now: Installation, next: Installation): boolean {
  const [before, after] = [now, next].map(({ listeners }) =>
    JSON.stringify(listeners.map((listener) => ({ ...listener, users: [] }))),
  );
  return before === after;
}

function needsRestart(now: Installation, next: Installation): Problem[] {
  const place = { file: next.file, line: 1, column: 1 };
  const changed: string[] = FIXED.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(next[key])).map((key) =>
    key === 'listeners' && otherUsersAlone(now, next) ? 'users' : key,
  );
  // Where its pages are served, and whether at all; the rest is asked for at each round.
  if (JSON.stringify(now.digest?.address) !== JSON.stringify(next.digest?.address))
    changed.push('quarantine.digest.address');
  return changed.map((key) => ({
    place,
    severity: 'error',
    message: `\`${key}\` changed, which a running gateway cannot take over`,
    remedy: 'restart it, or take the change back',
    excerpt: '',
  }));
}
