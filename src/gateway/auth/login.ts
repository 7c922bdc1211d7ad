/** Logging in: the sources asked in order, wrong passwords counted before they are known to be wrong, and answered late. */
import { randomBytes } from 'node:crypto';
import type { Listener } from '../../config/installation.ts';
import type { Millis } from '../../mail/time.ts';
import { sameUser, saslprep } from '../../mail/user-name.ts';
import type { Checked, Known, UserSource } from '../../ports/logins.ts';
import type { Credentials, Mechanism, ScramKeys } from '../../smtp/receive/session.ts';
import type { BuiltinWord } from '../builtin.ts';
import type { SessionState } from '../session-state.ts';
import type { Current } from '../world.ts';
import { isSuspended } from './suspension.ts';
import { Throttle } from './throttle.ts';

export type LoggedIn =
  | { readonly kind: 'in'; readonly user: string; readonly addresses: readonly string[] }
  | {
      readonly kind: 'out';
      readonly word: BuiltinWord;
      readonly fill: { readonly [name: string]: string };
      /** Whose account it is, where there is one: what a stranger typed in its place may be a password. */
      readonly user: string;
      readonly close: boolean;
    };

/** A session that has failed so often is no person's any more. */
const FAILURES_MAX = 5;

export class Logins {
  readonly #s: SessionState;
  readonly #sources: readonly UserSource[];
  readonly #throttle: Throttle;
  readonly #leaving: AbortSignal;
  #failures = 0;

  constructor(s: SessionState, leaving: AbortSignal) {
    this.#s = s;
    this.#sources = sourcesOf(s.current, s.listener);
    this.#throttle = new Throttle(s);
    this.#leaving = leaving;
  }

  /** Somebody unknown has them too, alike whenever they are asked for: nobody learns who is not there. */
  async scramKeys(written: string): Promise<ScramKeys> {
    const user = sameUser(written) ?? '';
    for (const source of this.#sources) {
      const keys = source.verifier(user);
      if (keys !== undefined) return keys;
    }
    return this.#sources.map((source) => source.decoy(user)).find((keys) => keys !== undefined) ?? nobody();
  }

  async login(mechanism: Mechanism, credentials: Credentials): Promise<LoggedIn> {
    const { world } = this.#s;
    const began = world.clock.elapsed();
    const user = sameUser(credentials.user);
    const shut = await this.#throttle.begin(user ?? '');
    if (shut) return this.#shutOut(mechanism);
    /** Names that the attempt is counted for, and whether they may try. */
    const names = new Map([[user ?? '', Promise.resolve(true)]]);
    const known: Known = (account) => {
      const may = names.get(account) ?? this.#throttle.found(account).then((shutOut) => !shutOut);
      names.set(account, may);
      return may;
    };
    const checked = await this.#check(user, credentials, known);
    switch (checked.kind) {
      case 'right': {
        await this.#throttle.right([...names.keys()]);
        const suspended = await isSuspended(world.state, checked.user, world.clock.now());
        if (suspended === undefined) return { kind: 'in', user: checked.user, addresses: checked.addresses };
        const until = new Date(suspended.until).toISOString();
        world.log.warn('login.suspended', { client: this.#s.client.ip, user: checked.user, until });
        return out('user-suspended', { user: checked.user, fill: { user: checked.user, until } });
      }
      case 'throttled':
        await this.#throttle.undecided([...names.keys()]);
        return this.#shutOut(mechanism);
      case 'trouble':
        await this.#throttle.undecided([...names.keys()]);
        return out('login-trouble');
      case 'wrong':
      case 'unknown': {
        const account = checked.kind === 'wrong' ? checked.user : '';
        this.#failures += 1;
        world.log.warn('login.failed', {
          client: this.#s.client.ip,
          listener: this.#s.listener.name,
          mechanism,
          ...(account === '' ? {} : { user: account }),
        });
        await this.#late(began, await this.#throttle.delay([...names.keys()]));
        return out('login-failed', { user: account, close: this.#failures >= FAILURES_MAX });
      }
    }
  }

  #shutOut(mechanism: Mechanism): LoggedIn {
    const { world, client, listener } = this.#s;
    world.log.warn('login.throttled', { client: client.ip, listener: listener.name, mechanism });
    return out('login-throttled', { close: true });
  }

  async #check(user: string | undefined, credentials: Credentials, known: Known): Promise<Checked> {
    // RFC 4616 §2: to act for somebody else is a right that nobody has here.
    const authorization = credentials.authorization === '' ? user : sameUser(credentials.authorization);
    if (credentials.kind === 'scram') {
      if (!credentials.fits || user === undefined || authorization !== user)
        return user !== undefined && this.#knows(user) ? { kind: 'wrong', user } : { kind: 'unknown' };
      return { kind: 'right', user, addresses: [] };
    }
    const password = saslprep(credentials.password);
    let trouble: Checked | undefined;
    for (const source of this.#sources) {
      const asked = user !== undefined && authorization === user && password !== undefined && password !== '';
      // Whatever is written, it costs the same.
      const checked = asked
        ? await source.check(user, password, this.#leaving, known)
        : await source.check('', 'x', this.#leaving, async () => true);
      if (!asked || checked.kind === 'unknown') continue;
      if (checked.kind !== 'trouble') return checked;
      trouble = checked;
    }
    return trouble ?? { kind: 'unknown' };
  }

  #knows(user: string): boolean {
    return this.#sources.some((source) => source.verifier(user) !== undefined);
  }

  /** From when the credentials came, so that what they cost does not show. */
  async #late(began: Millis, delay: Millis): Promise<void> {
    const { clock } = this.#s.world;
    const left = began + delay - clock.elapsed();
    if (left <= 0) return;
    try {
      await clock.sleep(left, this.#leaving);
    } catch (reason) {
      if (!this.#leaving.aborted) throw reason;
    }
  }
}

/** What the client may use now: SCRAM only where it can serve everybody, or a client that prefers it shuts users out. */
export function mechanismsOf(sources: readonly UserSource[]): readonly Mechanism[] {
  if (sources.length === 0) return [];
  return sources.every(({ scram }) => scram) ? ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'] : ['PLAIN', 'LOGIN'];
}

export const sourcesOf = (
  { logins }: Pick<Current, 'logins'>,
  { users }: Pick<Listener, 'users'>,
): readonly UserSource[] => users.map((name) => logins.get(name)).filter((source) => source !== undefined);

/** Where no source makes a decoy: SCRAM was not offered. */
const nobody = (): ScramKeys => ({
  iterations: 4096,
  salt: randomBytes(16),
  storedKey: randomBytes(32),
  serverKey: randomBytes(32),
});

const out = (
  word: BuiltinWord,
  { fill = {}, user = '', close = false }: Partial<Omit<Extract<LoggedIn, { kind: 'out' }>, 'kind' | 'word'>> = {},
): LoggedIn => ({ kind: 'out', word, fill, user, close });
