/** The file of users: one a line, its name, its argon2id and, unless it is left out, its SCRAM verifier, with blanks between. */
import { statSync } from 'node:fs';
import { sameUser } from '../../mail/user-name.ts';
import type { Log } from '../../ports/log.ts';
import type { Checked, ScramVerifier, UserSource } from '../../ports/logins.ts';
import type { Reading, WatchedFiles } from '../../ports/watched-files.ts';
import { type Argon2Hash, type Argon2Pool, decoyHash, readArgon2 } from './argon2.ts';
import { decoyScram, readScram } from './scram-verifier.ts';

export interface KeptUser {
  readonly argon2: Argon2Hash;
  readonly scram: ScramVerifier | undefined;
}

export interface UserFileText {
  /** By `sameUser`. */
  readonly users: ReadonlyMap<string, KeptUser>;
  /** Numbers of lines that say nothing, with why; never what stands there. */
  readonly bad: readonly { readonly line: number; readonly why: string }[];
}

/** `#` begins a comment line. */
export function parseUserFile(text: string): UserFileText {
  const users = new Map<string, KeptUser>();
  const bad: { line: number; why: string }[] = [];
  for (const [n, written] of text.split(/\r?\n/).entries()) {
    const line = written.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [name = '', hash = '', verifier, ...more] = line.split(/\s+/);
    const user = sameUser(name);
    const argon2 = readArgon2(hash);
    const scram = verifier === undefined ? undefined : readScram(verifier);
    const why =
      user === undefined
        ? 'its name is none'
        : users.has(user)
          ? 'its name stands there before'
          : argon2 === undefined
            ? 'what follows the name is no argon2id that we compute'
            : more.length > 0 || (verifier !== undefined && scram === undefined)
              ? 'what follows the argon2id is no SCRAM-SHA-256 verifier'
              : '';
    if (user === undefined || argon2 === undefined || why !== '') bad.push({ line: n + 1, why });
    else users.set(user, { argon2, scram });
  }
  return { users, bad };
}

/** Why nobody should trust what stands in it; '' where there is nothing. */
export function modeTrouble(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'there is no such file';
  if (!stat.isFile()) return 'it is no file';
  // A group is how a service is let in without owning the file; it may read and no more.
  return (stat.mode & 0o027) === 0
    ? ''
    : `others may ${(stat.mode & 0o022) !== 0 ? 'write' : 'read'} it: chmod 640 ${path}`;
}

export class UserFile implements UserSource {
  readonly #path: string;
  readonly #log: Log;
  readonly #pool: Argon2Pool;
  #users: ReadonlyMap<string, KeptUser> = new Map();
  #first: KeptUser | undefined;
  #decoy = decoyHash(undefined);
  #secret = '';
  /** Why what stands in the file is not in force. */
  trouble = '';
  /** There is no file. */
  missing = false;
  scram = false;
  readonly stop: () => void;

  constructor(path: string, files: WatchedFiles, pool: Argon2Pool, log: Log) {
    this.#path = path;
    this.#pool = pool;
    this.#log = log;
    this.stop = files.watch(path, (reading) => this.#take(reading));
  }

  async check(user: string, password: string): Promise<Checked> {
    const kept = this.#users.get(user);
    const fits = await this.#pool.fits(password, kept?.argon2 ?? this.#decoy);
    if (fits === undefined) return { kind: 'trouble', why: 'too many log in at once' };
    if (kept === undefined) return { kind: 'unknown' };
    return fits ? { kind: 'right', user, addresses: [] } : { kind: 'wrong', user };
  }

  verifier(user: string): ScramVerifier | undefined {
    return this.#users.get(user)?.scram;
  }

  decoy(user: string): ScramVerifier {
    return decoyScram(user, this.#secret, this.#first?.scram);
  }

  #take(reading: Reading): void {
    this.missing = reading.kind === 'failed' && reading.absent === true;
    const why = reading.kind === 'failed' ? reading.why : modeTrouble(this.#path);
    const read = reading.kind === 'read' && why === '' ? parseUserFile(reading.text) : undefined;
    if (read === undefined) {
      if (why !== this.trouble) this.#log.error('users.stale', { path: this.#path, why, inForce: this.#users.size });
      this.trouble = why;
      return;
    }
    if (this.trouble !== '') this.#log.event('users.restored', { path: this.#path, users: read.users.size });
    this.trouble = '';
    for (const { line, why: reason } of read.bad.slice(0, TOLD_MAX))
      this.#log.warn('users.line', { path: this.#path, line, why: reason });
    this.#users = read.users;
    [this.#first] = read.users.values();
    this.#decoy = decoyHash(this.#first?.argon2);
    // The same in every thread, and as long as the first user keeps its password.
    this.#secret = Buffer.from(this.#first?.argon2.tag ?? []).toString('hex');
    this.scram = read.users.size > 0 && [...read.users.values()].every(({ scram }) => scram !== undefined);
  }
}

/** Of bad lines, in the log. */
const TOLD_MAX = 10;
