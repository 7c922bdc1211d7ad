/** Which hosts could not be reached a moment ago. */
import { type Millis, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';

/** A host that could not be reached is asked after the others for this long. */
const DOWN: Millis = seconds(60);
/** By MX there are as many hosts as the world has; the oldest are forgotten, which costs a try. */
const KNOWN_MAX = 10_000;

export class Down {
  readonly #clock: Clock;
  readonly #until = new Map<string, Millis>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  is(host: string): boolean {
    return (this.#until.get(host) ?? 0) > this.#clock.elapsed();
  }

  reached(host: string): void {
    this.#until.delete(host);
  }

  missed(host: string): void {
    this.#until.delete(host); // so that it comes to stand last
    this.#until.set(host, this.#clock.elapsed() + DOWN);
    if (this.#until.size > KNOWN_MAX) for (const oldest of this.#until.keys()) return void this.#until.delete(oldest);
  }
}
