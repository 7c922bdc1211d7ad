/** One line of a file of users put in the place of another: what else stands in it stays as it is. */
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { sameUser } from '../../mail/user-name.ts';
import type { UserChange, UserChanged } from '../../ports/logins.ts';
import { replaceFile } from '../files/replace-file.ts';
import { makeArgon2 } from './argon2.ts';
import { makeScram } from './scram-verifier.ts';
import { modeTrouble } from './user-file.ts';

export async function changeUser(path: string, { user, password, scram }: UserChange): Promise<UserChanged> {
  const stat = statSync(path, { throwIfNoEntry: false });
  const trouble = stat === undefined ? '' : modeTrouble(path);
  if (trouble !== '') throw new Error(`${path}: ${trouble}`);
  const lines = stat === undefined ? HEADER : readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
  const at = lines.findIndex((line) => !line.trim().startsWith('#') && sameUser(line.trim().split(/\s+/)[0]!) === user);
  if (password === undefined && at < 0) return 'unknown';
  const made =
    password === undefined
      ? []
      : [[user, await makeArgon2(password), ...(scram ? [await makeScram(password)] : [])].join(' ')];
  const next = at < 0 ? [...lines, ...made] : lines.toSpliced(at, 1, ...made);
  replaceFile(path, `${next.join('\n')}\n`);
  // Its owner's alone from the start; a group that was let in stays so.
  chmodSync(path, stat === undefined ? 0o600 : stat.mode & 0o777);
  if (password === undefined) return 'removed';
  return at < 0 ? 'added' : 'changed';
}

const HEADER = [
  '# Users, as `postern passwd` writes them: name, argon2id, and a verifier of SCRAM-SHA-256 (RFC 5803).',
];
