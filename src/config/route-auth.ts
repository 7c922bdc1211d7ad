/** With which name and password a route makes itself known; the password itself is read where secrets are. */
import type { z } from 'zod';
import type { Problem } from '../language/problem.ts';
import { isVariable } from '../language/unsaid.ts';
import type { HostsRoute } from '../queue/route.ts';
import { namedSecret } from './named-secret.ts';
import type { ROUTE } from './schema-routes.ts';
import type { Spot } from './sections.ts';

export function authOf(
  { auth, tls }: z.output<typeof ROUTE>,
  at: Spot,
  folder: string,
  problems: Problem[],
): HostsRoute['auth'] {
  if (auth === undefined) return null;
  if (tls !== 'verified' && tls !== 'dane')
    problems.push(
      at.problem(
        ['auth'],
        'a password goes only to a host whose certificate was verified',
        'write `tls: verified`',
        'key',
      ),
    );
  const { user, password, password_file: file } = auth;
  if (password !== undefined && !isVariable(password))
    problems.push(
      at.problem(
        ['auth', 'password'],
        'a secret stands in this file',
        'write `password_file:` and a path, or `password: env:NAME`',
        'key',
      ),
    );
  if ((password === undefined) === (file === undefined))
    problems.push(
      at.problem(['auth'], 'one password is needed', 'write `password_file:` or `password: env:NAME`', 'key'),
    );
  const place = { ...at.source.place([...at.path, 'auth'], 'value'), file: at.name };
  const from = namedSecret(auth, folder) ?? { kind: 'env', name: '' };
  return { user, password: '', from: { ...from, place } };
}
