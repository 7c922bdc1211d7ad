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
  async begin(user: string): Promise<boolean> {
    const { limits } = this.#s.current.installation;
    const [network, account, met] = await Promise.all([
      this.#count(NETWORK, this.#network, 1),
      this.#count(ACCOUNT, keyOf(user), 1),
      this.#s.world.state.get(MET, this.#meeting(user), this.#now),
    ]);
    const shut = network > limits.networkLoginFailures || (account > limits.loginFailures && met === undefined);
    // What was not looked at is no wrong password: else who tries on would shut the door for ever.
    if (shut) await this.undecided(user);
    return shut;
  }

  async right(user: string): Promise<void> {
    await this.undecided(user);
    await this.#s.world.state.put(MET, this.#meeting(user), '1', this.#now + MET_FOR);
  }

  /** Takes back what `begin` counted. */
  async undecided(user: string): Promise<void> {
    await Promise.all([this.#count(NETWORK, this.#network, -1), this.#count(ACCOUNT, keyOf(user), -1)]);
  }

  /** How late a wrong password is answered. */
  async delay(user: string): Promise<Millis> {
    const [network, account] = await Promise.all([
      this.#count(NETWORK, this.#network, 0),
      this.#count(ACCOUNT, keyOf(user), 0),
    ]);
    const times = Math.max(network, account, 1) - 1;
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
