/** The live state of a process: kept in memory, told to the store thread behind, so that a restart remembers all but the last second. */

import { SlidingCount, type Step } from '../memory/sliding-count.ts';
import { MemoryState, type Remembered } from '../memory/state.ts';
import type { StoreClient } from './client.ts';
import type { StateRow } from './protocol.ts';

/** How long a change waits for others before it is told. */
const BEHIND_MS = 500;
/** Expired keys are let go of so often. */
const SWEEP_MS = 60_000;

export class WriteBehindState {
  readonly live: MemoryState;
  readonly #client: StoreClient;
  readonly #changed = new Map<
    string,
    { readonly space: string; readonly key: string; readonly now: Remembered | undefined }
  >();
  readonly #sweep: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #filling = true;

  constructor(client: StoreClient) {
    this.#client = client;
    this.live = new MemoryState('live', undefined, (space, key, now) => {
      if (this.#filling) return;
      this.#changed.set(`${space}\0${key}`, { space, key, now });
      this.#timer ??= setTimeout(() => this.write(), BEHIND_MS);
    });
    this.#sweep = setInterval(() => this.live.sweep(Date.now()), SWEEP_MS).unref();
  }

  /** What was remembered by the last process. */
  fill(rows: readonly StateRow[]): void {
    this.#filling = true;
    for (const [space, key, json, expires] of rows) this.live.set(space, key, remembered(json!, expires));
    this.#filling = false;
  }

  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const keys = [...this.#changed.values()].map(({ space, key, now }) => rowOf(space, key, now));
    this.#changed.clear();
    if (keys.length > 0) this.#client.tell({ do: 'remember', keys });
  }

  stop(): void {
    clearInterval(this.#sweep);
    this.write();
  }
}

function rowOf(space: string, key: string, now: Remembered | undefined): StateRow {
  if (now === undefined) return [space, key, null, 0];
  if (now.kind === 'value') return [space, key, JSON.stringify({ value: now.value }), now.expires];
  const { steps, keep, expires } = now.count;
  return [space, key, JSON.stringify({ steps, keep }), expires];
}

function remembered(json: string, expires: number): Remembered {
  const stored = JSON.parse(json) as { value: string } | { steps: readonly Step[]; keep: number };
  if ('value' in stored) return { kind: 'value', value: stored.value, expires };
  return { kind: 'count', count: new SlidingCount(stored.steps, stored.keep) };
}
