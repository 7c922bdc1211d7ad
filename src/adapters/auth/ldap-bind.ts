/** Users of a directory: looked up by name, and asked for their password by a bind in their own (RFC 4513 §5.1.3). */
import {
  BusyError,
  type Client,
  InvalidCredentialsError,
  NoSuchObjectError,
  ResultCodeError,
  UnavailableError,
} from 'ldapts';
import type { Log } from '../../ports/log.ts';
import type { Checked, Known, UserSource } from '../../ports/logins.ts';
import type { DirectoryHealth } from './directory-health.ts';
import { type Directory, type DirectorySettings, sayError } from './ldap-directory.ts';
import { addressesOf, nameOf } from './ldap-entry.ts';

/** Binds at once, of a thread: a directory that hangs must not gather sockets. */
const AT_ONCE = 16;

export class LdapUsers implements UserSource {
  readonly scram = false;
  readonly #settings: DirectorySettings;
  readonly #directory: Directory;
  readonly #log: Log;
  readonly #health: Pick<DirectoryHealth, 'answered' | 'failed' | 'stop'>;
  #running = 0;

  constructor(
    settings: DirectorySettings,
    directory: Directory,
    health: Pick<DirectoryHealth, 'answered' | 'failed' | 'stop'>,
    log: Log,
  ) {
    this.#settings = settings;
    this.#directory = directory;
    this.#health = health;
    this.#log = log;
  }

  stop(): void {
    this.#health.stop();
  }

  verifier(): undefined {
    return undefined;
  }

  decoy(): undefined {
    return undefined;
  }

  async check(user: string, password: string, signal: AbortSignal, known: Known): Promise<Checked> {
    // RFC 4513 §5.1.2: a bind with a name and no password succeeds, as nobody.
    if (password === '') return { kind: 'wrong', user };
    if (this.#running >= AT_ONCE) return { kind: 'trouble', why: 'too many log in at once' };
    this.#running += 1;
    try {
      const ask = (client: Client): Promise<Checked> => this.#ask(client, user, password, known);
      const checked = await this.#directory.ask(ask, signal, [password]);
      this.#health.answered();
      return checked;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // Whoever left heard no answer of his own will.
      if (!signal.aborted) this.#health.failed(why);
      return { kind: 'trouble', why };
    } finally {
      this.#running -= 1;
    }
  }

  async #ask(client: Client, user: string, password: string, known: Known): Promise<Checked> {
    const { base, name, addresses } = this.#settings;
    const [entry, another] = await this.#directory.find(client, user);
    // Who is meant must be beyond doubt: nobody logs in as the first of several.
    if (entry === undefined || another !== undefined) {
      await binds(client, `cn=nobody,${base}`, password);
      return { kind: 'unknown' };
    }
    const named = nameOf(entry, name);
    const account = named.kind === 'named' ? named.user : user;
    if (!(await known(account))) return { kind: 'throttled' };
    const bound = await binds(client, entry.dn, password);
    if (bound === 'wrong') return { kind: 'wrong', user: account };
    if (bound === 'right' && named.kind === 'named')
      return { kind: 'right', user: account, addresses: addressesOf(entry, addresses) };
    // The directory works; this one entry is not as it must be, and whoever keeps it should hear of it. What was typed may be
    // a password in the place of a name.
    const why = this.#directory.told(bound !== 'right' ? bound.why : named.kind === 'nameless' ? named.why : '', [
      password,
      user,
    ]);
    this.#log.warn('users.ldap.entry', { dn: this.#directory.told(entry.dn, [password]), why });
    return { kind: 'trouble', why };
  }
}

/** `why`: it answered, and would not say whether the password is right (a lock, a rule of its own). */
async function binds(
  client: Client,
  dn: string,
  password: string,
): Promise<'right' | 'wrong' | { readonly why: string }> {
  try {
    await client.bind(dn, password);
    return 'right';
  } catch (error) {
    if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return 'wrong';
    if (!(error instanceof ResultCodeError) || error instanceof BusyError || error instanceof UnavailableError)
      throw error;
    return { why: `cannot be bound: ${sayError(error)}` };
  }
}
