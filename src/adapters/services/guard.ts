/** Stands before one service: counts what it fails at, asks it no more once that is enough, and probes until it lives again. */
import { type Millis, seconds, type Timestamp } from '../../mail/time.ts';
import type { ServiceName } from '../../policy/services.ts';
import type { Clock } from '../../ports/clock.ts';
import { ServiceError, type ServiceNews } from '../../ports/services.ts';
import { afterAnswer, afterFailure, afterProbe, type BreakerState, CLOSED } from './breaker.ts';

export interface GuardParts {
  readonly service: ServiceName;
  readonly clock: Clock;
  /** Resolves when the service lives. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  readonly tell: (news: ServiceNews) => void;
}

/** What lives answers this at once. */
const PROBE_WITHIN: Millis = seconds(5);

export class Guard {
  readonly #parts: GuardParts;
  #state: BreakerState = CLOSED;
  #down: { readonly since: Timestamp; readonly why: string } | undefined;
  readonly #retired = new AbortController();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** Asks, or fails at once while the service is out of use. `message`: whose scan it is. */
  async ask<T>(message: string, work: () => Promise<T>): Promise<T> {
    if (this.#state.kind === 'open' && !this.#retired.signal.aborted) throw this.#resting();
    try {
      const answer = await work();
      this.#become(afterAnswer(), '');
      return answer;
    } catch (error) {
      if (error instanceof ServiceError)
        this.#become(afterFailure(this.#state, error.kind === 'unreachable' ? '' : message), error.message);
      throw error;
    }
  }

  /** Probes no more and tells nothing more: another stands in its place. Whoever still asks is let through. */
  retire(): void {
    if (this.#retired.signal.aborted) return;
    this.#retired.abort();
    if (this.#down !== undefined) this.#tell('retired', '');
  }

  #become(state: BreakerState, why: string): void {
    this.#state = state;
    if (this.#retired.signal.aborted) return;
    if (state.kind === 'open' && this.#down === undefined) {
      this.#down = { since: this.#parts.clock.now(), why };
      this.#tell('down', why);
      void this.#probing();
    } else if (state.kind !== 'open' && this.#down !== undefined) {
      this.#down = undefined;
      this.#tell('up', '');
    }
  }

  async #probing(): Promise<void> {
    const { clock, probe } = this.#parts;
    const stop = this.#retired.signal;
    while (this.#state.kind === 'open' && !stop.aborted) {
      await clock.sleep(this.#state.wait, stop).catch(() => {}); // aborted: the loop ends by itself
      if (stop.aborted) return;
      const answered = await probe(AbortSignal.any([stop, AbortSignal.timeout(PROBE_WITHIN)])).then(
        () => true,
        () => false,
      );
      this.#become(afterProbe(this.#state, answered), '');
    }
  }

  #resting(): ServiceError {
    const { service } = this.#parts;
    const { since, why } = this.#down ?? { since: this.#parts.clock.now(), why: '' };
    return new ServiceError('resting', `${service} is out of use since ${new Date(since).toISOString()}: ${why}`);
  }

  #tell(state: ServiceNews['state'], why: string): void {
    const { service, clock, tell } = this.#parts;
    tell({ service, state, at: clock.now(), why });
  }
}
