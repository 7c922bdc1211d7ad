/** What keeps a file of users from being taken, as a problem of the configuration. */
import type { FileTrouble } from '../adapters/auth/login-sources.ts';
import type { Problem } from '../language/problem.ts';

export const userTroubles = (troubles: readonly FileTrouble[]): readonly Problem[] =>
  troubles.map(({ name, path, place, why, missing }) => ({
    place,
    severity: 'error',
    message: `the users of "${name}" cannot be taken: ${path}: ${why}`,
    remedy: missing
      ? `make it by giving the first user a password: \`postern passwd --source ${name} alice@example.com\``
      : 'mend it: one user a line, as `postern passwd` writes it, closed to others',
    excerpt: '',
  }));
