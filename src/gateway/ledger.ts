/** What is known at one level (connection, greeting, transaction, recipient), over what the levels above it know. */
import type { CheckStatus, Facts, FactValue, FactView } from '../policy/facts.ts';
import type { CheckRun, DnsEvidence } from '../record/record.ts';
import { DnsNotebook, type Questions } from './evidence.ts';

/** A check that came to its end. */
export interface Ended {
  readonly status: CheckStatus;
  /** All its facts when completed or skipped, else none. */
  readonly facts: { readonly [fact: string]: FactValue };
  readonly run: Omit<CheckRun, 'dns'>;
  readonly dns: readonly DnsEvidence[];
}

export class Ledger {
  readonly parent: Ledger | undefined;
  readonly notebook: DnsNotebook;
  /** Facts of the edge at this level, by root. */
  #edge: { [root: string]: FactValue } = {};
  readonly #ended = new Map<string, Ended>();
  /** Facts of ended checks with their status, as decisions and the record see them. */
  readonly #told = new Map<string, FactValue>();
  readonly #running = new Map<string, Promise<void>>();
  /** Grows with every change here, so that the sum over the levels names a state of all of them. */
  #version = 0;
  #seen: { readonly version: number; readonly view: FactView } | undefined;

  /** `questions`: what may be asked at this level and below it; left out, the level above pays. */
  constructor(parent?: Ledger, questions?: Questions) {
    this.parent = parent;
    this.notebook = new DnsNotebook(parent?.notebook, questions);
  }

  state(root: string, value: FactValue): void {
    this.#edge[root] = value;
    this.#version += 1;
  }

  edge(root: string): FactValue | undefined {
    return this.#edge[root] ?? this.parent?.edge(root);
  }

  begin(name: string, work: Promise<Ended>): void {
    this.#version += 1;
    this.#running.set(
      name,
      work.then((ended) => {
        this.#running.delete(name);
        this.#ended.set(name, ended);
        this.#told.set(name, { ...ended.facts, status: ended.status });
        this.#version += 1;
      }),
    );
  }

  ended(name: string): Ended | undefined {
    return this.#ended.get(name) ?? this.parent?.ended(name);
  }

  /** Resolves when the check has ended; undefined when it is not running here or above. */
  running(name: string): Promise<void> | undefined {
    return this.#running.get(name) ?? this.parent?.running(name);
  }

  /** Resolves when nothing runs at this level any more. */
  async quiet(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Checks that ended at this level. */
  endedHere(): IterableIterator<[string, Ended]> {
    return this.#ended.entries();
  }

  /** Facts of this level as the record keeps them: a check that failed leaves only its `status`. */
  factsHere(): Facts {
    const facts: { [root: string]: FactValue } = { ...this.#edge };
    for (const [name, told] of this.#told) facts[name] = told;
    return facts;
  }

  /** Everything known here and above, as a decision sees it. The same object while nothing has changed. */
  view(): FactView {
    const version = this.#versions();
    if (this.#seen?.version !== version) this.#seen = { version, view: this.#look() };
    return this.#seen.view;
  }

  #versions(): number {
    return this.#version + (this.parent === undefined ? 0 : this.parent.#versions());
  }

  /** Built on the view of the level above, which is the same object for all recipients. */
  #look(): FactView {
    const above = this.parent?.view();
    const known: { [root: string]: FactValue } = { ...above?.known };
    const pending = new Set(above?.pending);
    const unknown = new Map(above?.unknown);
    for (const root of Object.keys(this.#edge)) if (!this.#running.has(root)) known[root] = this.#edge[root]!;
    for (const name of this.#running.keys()) pending.add(name);
    for (const [name, ended] of this.#ended) {
      if (ended.status === 'failed' || ended.status === 'timed_out') {
        unknown.set(name, ended.status);
        delete known[name];
      } else known[name] = this.#told.get(name)!;
    }
    return { known, pending, unknown };
  }
}
