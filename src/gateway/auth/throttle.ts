/** How often somebody may be wrong: by network and by account, over all threads, counted before the answer is known. */
import { createHash } from 'node:crypto';
import { days, type Millis } from '../../mail/time.ts';
import type { SessionState } from '../session-state.ts';

const NETWORK = 'login-network';
const ACCOUNT = 'login-account';
const MET = 'login-met';

/** A network from which the user has logged in is its own for so long: nobody locks it out by being wrong elsewhere. */
const MET_FOR = days(30);
/** Delays grow to so many times the first. */
const GROWTH_MAX = 8;

export class Throttle {
  readonly #s: SessionState;

  constructor(s: SessionState) {
    this.#s = s;
  }

  /** Counts an attempt, so that many at once are not all the first. True: no more is looked at now. */
  async begin(typed: string): Promise<boolean> {
    const { limits } = this.#s.current.installation;
    const [network, shutOut] = await Promise.all([this.#count(NETWORK, this.#network, 1), this.found(typed)]);
    const shut = network > limits.networkLoginFailures || shutOut;
    // What was not looked at is no wrong password: else who tries on would shut the door for ever.
    if (shut) await this.undecided([typed]);
    return shut;
  }

  /** Counts the attempt for one more name of the account. True: nobody from here may try it now. */
  async found(account: string): Promise<boolean> {
    const [times, met] = await Promise.all([
      this.#count(ACCOUNT, keyOf(account), 1),
      this.#s.world.state.get(MET, this.#meeting(account), this.#now),
    ]);
    return times > this.#s.current.installation.limits.loginFailures && met === undefined;
  }

  /** `names`: what was typed, and whose account that is. */
  async right(names: readonly string[]): Promise<void> {
    await this.undecided(names);
    const { state } = this.#s.world;
    await Promise.all(names.map((name) => state.put(MET, this.#meeting(name), '1', this.#now + MET_FOR)));
  }

  /** Takes back what `begin` and `found` counted. */
  async undecided(names: readonly string[]): Promise<void> {
    await Promise.all([
      this.#count(NETWORK, this.#network, -1),
      ...names.map((name) => this.#count(ACCOUNT, keyOf(name), -1)),
    ]);
  }

  /** How late a wrong password is answered. */
  async delay(names: readonly string[]): Promise<Millis> {
    const counts = await Promise.all([
      this.#count(NETWORK, this.#network, 0),
      ...names.map((name) => this.#count(ACCOUNT, keyOf(name), 0)),
    ]);
    const times = Math.max(...counts, 1) - 1;
    return this.#s.current.installation.limits.loginDelay * Math.min(2 ** times, GROWTH_MAX);
  }

  #count(space: string, key: string, amount: number): Promise<number> {
    const { world, current } = this.#s;
    return world.state.hit(space, key, this.#now, current.installation.limits.loginWindow, amount);
  }

  get #now(): number {
    return this.#s.world.clock.now();
  }

  get #network(): string {
    return (this.#s.connect.edge('client') as { readonly network: string }).network;
  }

  #meeting(user: string): string {
    return keyOf(`${user} ${this.#network}`);
  }
}

/** What was typed as a name may be a password: it is not kept. */
const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22);
