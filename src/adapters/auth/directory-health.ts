/** Whether one directory of users answers, as one thread sees it: told when it changes, and probed until it answers again. */
import { type Millis, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ServiceNews } from '../../ports/services.ts';

/** Nobody may log in for hours, and whoever asks how it is shall hear how it is now. */
const PROBE_EVERY: Millis = seconds(30);

export interface HealthParts {
  /** As it stands under `users`. */
  readonly name: string;
  readonly clock: Clock;
  /** Resolves when it answers. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  readonly tell: (news: ServiceNews<string>) => void;
}

export class DirectoryHealth {
  readonly #parts: HealthParts;
  readonly #stopped = new AbortController();
  #down = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  answered(): void {
    if (!this.#down || this.#stopped.signal.aborted) return;
    this.#down = false;
    this.#tell('up', '');
  }

  failed(why: string): void {
    if (this.#down || this.#stopped.signal.aborted) return;
    this.#down = true;
    this.#tell('down', why);
    void this.#probing();
  }

  /** Another stands in its place: nothing more is told. */
  stop(): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    if (this.#down) this.#tell('retired', '');
  }

  async #probing(): Promise<void> {
    const { clock, probe } = this.#parts;
    const stop = this.#stopped.signal;
    while (this.#down && !stop.aborted) {
      await clock.sleep(PROBE_EVERY, stop).catch(() => {}); // aborted: the loop ends by itself
      if (!this.#down || stop.aborted) return;
      await probe(stop).then(
        () => this.answered(),
        () => {}, // as it was told before
      );
    }
  }

  #tell(state: ServiceNews['state'], why: string): void {
    const { name, clock, tell } = this.#parts;
    tell({ service: name, state, at: clock.now(), why });
  }
}
