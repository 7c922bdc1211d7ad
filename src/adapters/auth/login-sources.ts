/** All sources of users that are open, by what they are made of: they outlive a reload, and with them the last good users. */
import type { UserSourceSettings } from '../../config/installation.ts';
import type { SecretAt } from '../../config/live-source.ts';
import type { Place } from '../../language/problem.ts';
import type { Log } from '../../ports/log.ts';
import type { UserSource } from '../../ports/logins.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import { Argon2Pool } from './argon2.ts';
import { LdapUsers } from './ldap-bind.ts';
import { UserFile } from './user-file.ts';

export interface SourcesOpened {
  /** By name. */
  readonly sources: ReadonlyMap<string, UserSource>;
  /** Why the file of a source cannot be taken. */
  readonly troubles: readonly FileTrouble[];
}

export interface FileTrouble {
  readonly name: string;
  readonly path: string;
  /** Where the configuration names it. */
  readonly place: Place;
  readonly why: string;
  readonly missing: boolean;
}

/** A password as it was read with the configuration. */
type TextOf = (at: SecretAt) => string | undefined;

export class LoginSources {
  readonly #files: WatchedFiles;
  readonly #log: Log;
  readonly #asked: Log;
  readonly #pool = new Argon2Pool();
  readonly #open = new Map<string, UserSource & { readonly stop?: () => void }>();

  /** `log` hears of the files, `asked` of directories that do not answer. */
  constructor(files: WatchedFiles, log: Log, asked: Log = log) {
    this.#files = files;
    this.#log = log;
    this.#asked = asked;
  }

  of(settings: ReadonlyMap<string, UserSourceSettings>, textOf: TextOf): SourcesOpened {
    const sources = new Map<string, UserSource>();
    const troubles: FileTrouble[] = [];
    for (const [name, one] of settings) {
      const source = this.#source(one, textOf);
      sources.set(name, source);
      if (one.kind === 'file' && source instanceof UserFile && source.trouble !== '')
        troubles.push({ name, path: one.path, place: one.place, why: source.trouble, missing: source.missing });
    }
    return { sources, troubles };
  }

  /** Once these are in force: closes what only others needed. */
  only(settings: ReadonlyMap<string, UserSourceSettings>, textOf: TextOf): void {
    const kept = new Set([...settings.values()].map((one) => keyOf(one, textOf)));
    for (const [key, source] of this.#open) {
      if (kept.has(key)) continue;
      source.stop?.();
      this.#open.delete(key);
    }
  }

  close(): void {
    this.only(new Map(), () => undefined);
  }

  #source(one: UserSourceSettings, textOf: TextOf): UserSource {
    const key = keyOf(one, textOf);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made =
      one.kind === 'file'
        ? new UserFile(one.path, this.#files, this.#pool, this.#log)
        : new LdapUsers(one, () => one.password && textOf(one.password), this.#asked);
    this.#open.set(key, made);
    return made;
  }
}

/** With another password it is another: it shall not be asked with the one before. */
const keyOf = (one: UserSourceSettings, textOf: TextOf): string =>
  JSON.stringify(one.kind === 'ldap' ? [{ ...one, password: '' }, one.password && textOf(one.password)] : [one.path]);
