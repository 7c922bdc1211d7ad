/** A file that holds a secret: read only where nobody else may read it. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

export type SecretText =
  | { readonly kind: 'text'; readonly text: string }
  /** Neither holds anything of the file. */
  | { readonly kind: 'wrong'; readonly why: string; readonly remedy: string; readonly absent?: true };

/** Any user of the machine. A group is how a service is let in without owning the file. */
const OTHERS = 0o007;
/** A key, a password, a zone: no secret of ours is longer than a page. */
const OCTETS_MAX = 64 << 10;

export function readSecret(path: string): SecretText {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return { kind: 'wrong', absent: true, why: 'there is no such file', remedy: 'make it, or mend its path' };
    if (code === 'EACCES')
      return { kind: 'wrong', why: 'it may not be read', remedy: 'let the user or the group of the gateway read it' };
    throw error;
  }
  try {
    // Of the open file: what stands at the path may change in between.
    const { mode, size } = fstatSync(file);
    if ((mode & 0o170000) !== 0o100000)
      return { kind: 'wrong', why: 'it is no file', remedy: 'name the file that holds the secret' };
    if ((mode & OTHERS) !== 0)
      return { kind: 'wrong', why: 'others may read it', remedy: `take it from them: chmod o= ${path}` };
    if (size > OCTETS_MAX)
      return { kind: 'wrong', why: 'it is too large for a secret', remedy: 'name the file that holds the secret' };
    return { kind: 'text', text: readFileSync(file, 'utf8') };
  } finally {
    closeSync(file);
  }
}
