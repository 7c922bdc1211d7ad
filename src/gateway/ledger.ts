/** What is known at one level (connection, greeting, transaction, recipient), over what the levels above it know. */
import type { CheckStatus, Facts, FactValue, FactView } from '../policy/facts.ts';
import type { CheckRun, DnsEvidence } from '../record/record.ts';
import { DnsNotebook } from './evidence.ts';

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
  readonly #running = new Map<string, Promise<void>>();
  /** Grows with every change here, so that the sum over the levels names a state of all of them. */
  #version = 0;
  #seen: { readonly version: number; readonly view: FactView } | undefined;

  constructor(parent?: Ledger) {
    this.parent = parent;
    this.notebook = new DnsNotebook(parent?.notebook);
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
    for (const [name, ended] of this.#ended) facts[name] = { ...ended.facts, status: ended.status };
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

  #look(): FactView {
    const known: { [root: string]: FactValue } = {};
    const pending = new Set<string>();
    const unknown = new Map<string, 'failed' | 'timed_out'>();
    for (const level of this.#levels()) {
      Object.assign(known, level.#edge);
      for (const name of level.#running.keys()) {
        pending.add(name);
        delete known[name];
      }
      for (const [name, ended] of level.#ended) {
        if (ended.status === 'failed' || ended.status === 'timed_out') {
          unknown.set(name, ended.status);
          delete known[name];
        } else known[name] = { ...ended.facts, status: ended.status };
      }
    }
    return { known, pending, unknown };
  }

  #levels(): Ledger[] {
    return this.parent === undefined ? [this] : [...this.parent.#levels(), this];
  }
}
