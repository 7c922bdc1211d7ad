/** What keeps a file of users from being taken, as a problem of the configuration. */
import type { Installation } from '../config/installation.ts';
import type { Problem } from '../language/problem.ts';

export interface UserTrouble {
  readonly name: string;
  readonly path: string;
  readonly why: string;
}

export const userTroubles = ({ file }: Installation, troubles: readonly UserTrouble[]): readonly Problem[] =>
  troubles.map(({ name, path, why }) => ({
    place: { file, line: 1, column: 1 },
    severity: 'error',
    message: `the users of "${name}" cannot be taken: ${path}: ${why}`,
    remedy: 'make it with `postern passwd`, or mend what is wrong',
    excerpt: '',
  }));
