/** All sources of users that are open, by what they are made of: they outlive a reload, and with them the last good users. */
import type { UserSourceSettings } from '../../config/installation.ts';
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
  readonly troubles: readonly { readonly name: string; readonly path: string; readonly why: string }[];
}

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

  /** `secrets`: texts of the files of passwords, by path. */
  of(settings: ReadonlyMap<string, UserSourceSettings>, secrets: ReadonlyMap<string, string>): SourcesOpened {
    const sources = new Map<string, UserSource>();
    const troubles: { name: string; path: string; why: string }[] = [];
    for (const [name, one] of settings) {
      const source = this.#source(one, secrets);
      sources.set(name, source);
      if (one.kind === 'file' && source instanceof UserFile && source.trouble !== '')
        troubles.push({ name, path: one.path, why: source.trouble });
    }
    return { sources, troubles };
  }

  /** Once these are in force: closes what only others needed. */
  only(settings: ReadonlyMap<string, UserSourceSettings>, secrets: ReadonlyMap<string, string>): void {
    const kept = new Set([...settings.values()].map((one) => keyOf(one, secrets)));
    for (const [key, source] of this.#open) {
      if (kept.has(key)) continue;
      source.stop?.();
      this.#open.delete(key);
    }
  }

  close(): void {
    this.only(new Map(), new Map());
  }

  #source(one: UserSourceSettings, secrets: ReadonlyMap<string, string>): UserSource {
    const key = keyOf(one, secrets);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made =
      one.kind === 'file'
        ? new UserFile(one.path, this.#files, this.#pool, this.#log)
        : new LdapUsers(one, () => passwordOf(one.password, secrets), this.#asked);
    this.#open.set(key, made);
    return made;
  }
}

const keyOf = (one: UserSourceSettings, secrets: ReadonlyMap<string, string>): string =>
  JSON.stringify([one, one.kind === 'ldap' ? (secrets.get(one.password) ?? '') : '']);

function passwordOf(where: string, secrets: ReadonlyMap<string, string>): string | undefined {
  const text = where.startsWith('env:') ? process.env[where.slice('env:'.length)] : secrets.get(where);
  return text?.replace(/\r?\n$/, '');
}
