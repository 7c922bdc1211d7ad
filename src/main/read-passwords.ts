/** Passwords by which we ask a directory, and what keeps a file of users from being taken. */
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import type { Problem } from '../language/problem.ts';

export interface UserTrouble {
  readonly name: string;
  readonly path: string;
  readonly why: string;
}

/** Without `readFile` the files are not touched. */
export function readPasswords(
  { file, users }: Installation,
  readFile: ((path: string) => SecretText) | undefined,
): { readonly texts: ReadonlyMap<string, string>; readonly problems: readonly Problem[] } {
  const texts = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, one] of users) {
    if (one.kind !== 'ldap' || one.password === '' || one.password.startsWith('env:')) continue;
    const read = readFile?.(one.password);
    if (read?.kind === 'text') texts.set(one.password, read.text);
    else if (read !== undefined)
      problems.push(
        problemIn(file, `the password of the directory "${name}" cannot be taken: ${read.why}`, read.remedy),
      );
  }
  return { texts, problems };
}

export const userTroubles = ({ file }: Installation, troubles: readonly UserTrouble[]): readonly Problem[] =>
  troubles.map(({ name, path, why }) =>
    problemIn(
      file,
      `the users of "${name}" cannot be taken: ${path}: ${why}`,
      'make it with `postern passwd`, or mend what is wrong',
    ),
  );

const problemIn = (file: string, message: string, remedy: string): Problem => ({
  place: { file, line: 1, column: 1 },
  severity: 'error',
  message,
  remedy,
  excerpt: '',
});
