/** All sources of users that are open, by what they are made of: they outlive a reload, and with them the last good users. */
import type { UserSourceSettings } from '../../config/installation.ts';
import type { SecretAt } from '../../config/live-source.ts';
import type { Place } from '../../language/problem.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { UserSource } from '../../ports/logins.ts';
import type { ServiceNews } from '../../ports/services.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import { Argon2Pool } from './argon2.ts';
import { DirectoryHealth } from './directory-health.ts';
import { LdapUsers } from './ldap-bind.ts';
import { Directory, type DirectorySettings } from './ldap-directory.ts';
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
  readonly #clock: Clock;
  readonly #tell: Tell;
  readonly #asked: Log;
  readonly #pool = new Argon2Pool();
  readonly #open = new Map<string, UserSource & { readonly stop?: () => void }>();

  /** `log` hears of the files, `tell` of directories that do not answer, `asked` of entries that are not as they must be. */
  constructor(files: WatchedFiles, log: Log, clock: Clock, tell: Tell, asked: Log = log) {
    this.#files = files;
    this.#log = log;
    this.#clock = clock;
    this.#tell = tell;
    this.#asked = asked;
  }

  of(settings: ReadonlyMap<string, UserSourceSettings>, textOf: TextOf): SourcesOpened {
    const sources = new Map<string, UserSource>();
    const troubles: FileTrouble[] = [];
    for (const [name, one] of settings) {
      const source = this.#source(name, one, textOf);
      sources.set(name, source);
      if (one.kind === 'file' && source instanceof UserFile && source.trouble !== '')
        troubles.push({ name, path: one.path, place: one.place, why: source.trouble, missing: source.missing });
    }
    return { sources, troubles };
  }

  /** Once these are in force: closes what only others needed. */
  only(settings: ReadonlyMap<string, UserSourceSettings>, textOf: TextOf): void {
    const kept = new Set([...settings].map(([name, one]) => keyOf(name, one, textOf)));
    for (const [key, source] of this.#open) {
      if (kept.has(key)) continue;
      source.stop?.();
      this.#open.delete(key);
    }
  }

  close(): void {
    this.only(new Map(), () => undefined);
  }

  #source(name: string, one: UserSourceSettings, textOf: TextOf): UserSource {
    const key = keyOf(name, one, textOf);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made =
      one.kind === 'file'
        ? new UserFile(one.path, this.#files, this.#pool, this.#log)
        : this.#directory(name, one, textOf);
    this.#open.set(key, made);
    return made;
  }

  #directory(name: string, settings: DirectorySettings, textOf: TextOf): LdapUsers {
    const directory = new Directory(settings, () => settings.password && textOf(settings.password));
    const clock = this.#clock;
    const health = new DirectoryHealth({ name, clock, probe: (signal) => directory.probe(signal), tell: this.#tell });
    return new LdapUsers(settings, directory, health, this.#asked);
  }
}

type Tell = (news: ServiceNews<string>) => void;

/** With another password it is another: it shall not be asked with the one before. */
const keyOf = (name: string, one: UserSourceSettings, textOf: TextOf): string =>
  JSON.stringify(
    one.kind === 'ldap' ? [name, { ...one, password: '' }, one.password && textOf(one.password)] : [one.path],
  );
