/** The configuration in force: replaced whole or not at all, and never before the store has the bundles that records will name. */
import { join } from 'node:path';
import type { Installation } from '../config/installation.ts';
import type { Current } from '../gateway/world.ts';
import { type Problem, sayProblem } from '../language/problem.ts';
import type { Override } from '../policy/override.ts';
import type { Log } from '../ports/log.ts';
import type { RecordStore } from '../ports/queue.ts';
import type { WatchedFiles } from '../ports/watched-files.ts';
import { type Configured, listFiles, type Refreshed, underOverrides, withFreshLists } from './configure.ts';

export interface Standing {
  /** Reads the files anew. */
  readonly read: () => Configured;
  readonly records: Pick<RecordStore, 'putBundle'>;
  readonly files: WatchedFiles;
  readonly log: Log;
}

export class InForce {
  readonly #standing: Standing;
  #current: Current;
  /** One change after the other: what was read last is what ends in force. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #watching = new Map<string, () => void>();
  #stopped = false;

  constructor(first: Current, standing: Standing) {
    this.#current = first;
    this.#standing = standing;
  }

  get current(): Current {
    return this.#current;
  }

  /** Keeps the first bundles and begins to watch the lists. */
  async start(): Promise<void> {
    await this.#put(this.#current);
  }

  /** Puts the files' present state in force; answers why it did not. */
  reload(): Promise<readonly Problem[]> {
    return this.#after(async () => {
      const next = this.#standing.read();
      const wrong = [...next.problems.filter(({ severity }) => severity === 'error'), ...next.notYet];
      if (next.current !== undefined)
        wrong.push(...needsRestart(this.#current.installation, next.current.installation));
      if (next.current === undefined || wrong.length > 0) return this.#refused('reload.refused', wrong);
      await this.#put(next.current);
      next.takeOver();
      this.#standing.log.event('reload.done', { policies: [...next.current.policies.keys()] });
      return [];
    }, 'reload.refused');
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
      return this.#refresh(underOverrides(this.#current, overrides), 'overrides');
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
    this.#standing.log.event(`${what}.reloaded`, { policies: changed.map(({ name }) => name) });
    return [];
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#watching.values()) end();
    this.#watching.clear();
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

  async #put(next: Current): Promise<void> {
    // A record must never name a bundle that is not kept.
    for (const policy of next.policies.values()) await this.#standing.records.putBundle(policy.bundle);
    this.#current = next;
    this.#watch();
  }

  #watch(): void {
    if (this.#stopped) return;
    const { installation, policies } = this.#current;
    const wanted = new Set(
      [...policies.values()].flatMap(listFiles).map((path) => join(installation.policiesDir, path)),
    );
    for (const [path, end] of this.#watching)
      if (!wanted.has(path)) {
        end();
        this.#watching.delete(path);
      }
    for (const path of wanted) {
      if (this.#watching.has(path)) continue;
      let first = true;
      const end = this.#standing.files.watch(path, () => {
        // What it tells at once has been read already.
        if (!first) void this.reloadLists();
      });
      first = false;
      this.#watching.set(path, end);
    }
  }
}

/** What sockets, threads and ids were made with when the gateway started. */
const FIXED = ['hostname', 'node', 'listeners', 'dns', 'store', 'limits', 'records', 'log'] as const;

function needsRestart(now: Installation, next: Installation): Problem[] {
  const place = { file: next.file, line: 1, column: 1 };
  return FIXED.filter((key) => JSON.stringify(now[key]) !== JSON.stringify(next[key])).map((key) => ({
    place,
    severity: 'error',
    message: `\`${key}\` changed, which a running gateway cannot take over`,
    remedy: 'restart it, or take the change back',
    excerpt: '',
  }));
}
