/** Servers of one directory stand for one another: they are asked one after the other, until one answers. */
import { type Millis, shareOf } from '../../mail/time.ts';

export interface Failure<Server> {
  readonly server: Server;
  readonly error: unknown;
}

export type Turned<Server, T> =
  | { readonly kind: 'answered'; readonly answer: T }
  /** One at least; fewer than there are servers where the signal came in between. */
  | { readonly kind: 'failed'; readonly failures: readonly Failure<Server>[] };

export class InTurn<Server> {
  readonly #servers: readonly Server[];
  readonly #timeout: Millis;
  /** The one that answered last is asked first: a dead one costs its time once. */
  #first = 0;

  /** `timeout`: of all of them together. */
  constructor(servers: readonly Server[], timeout: Millis) {
    this.#servers = servers;
    this.#timeout = timeout;
  }

  /** Does not reject. */
  async ask<T>(
    work: (server: Server, share: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Turned<Server, T>> {
    const failures: Failure<Server>[] = [];
    const { length } = this.#servers;
    for (let n = 0; n < length && (n === 0 || !signal.aborted); n += 1) {
      const at = (this.#first + n) % length;
      const server = this.#servers[at]!;
      try {
        const share = AbortSignal.any([signal, AbortSignal.timeout(shareOf(this.#timeout, length))]);
        const answer = await work(server, share);
        this.#first = at;
        return { kind: 'answered', answer };
      } catch (error) {
        failures.push({ server, error });
      }
    }
    return { kind: 'failed', failures };
  }
}
