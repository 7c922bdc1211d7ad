/** Passwords of routes: read once a configuration, kept nowhere but in memory. */
import { readSecretAt } from '../adapters/files/secret-at.ts';
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import type { Problem } from '../language/problem.ts';
import type { HostsRoute, Route } from '../queue/route.ts';

/** Without `readFile` neither files nor the environment are touched, and routes have no passwords. */
export function withPasswords(
  installation: Installation,
  readFile: ((path: string) => SecretText) | undefined,
): { readonly installation: Installation; readonly problems: readonly Problem[] } {
  if (readFile === undefined) return { installation, problems: [] };
  const problems: Problem[] = [];
  const routes = new Map<string, Route>();
  for (const [name, route] of installation.routes) {
    const from = route.kind === 'hosts' ? route.auth?.from : undefined;
    if (from === undefined) {
      routes.set(name, route);
      continue;
    }
    const read = readSecretAt(from, readFile);
    const password = read.kind === 'text' ? read.text : '';
    if (read.kind === 'wrong' || !isOneLine(password)) {
      const { why, remedy } = read.kind === 'wrong' ? read : NOT_ONE;
      const message = `the password of route "${name}" cannot be taken: ${why}`;
      problems.push({ place: from.place, severity: 'error', message, remedy, excerpt: '' });
    }
    const { auth, ...bare } = route as HostsRoute;
    routes.set(name, { ...bare, auth: { ...auth!, password } });
  }
  return { installation: { ...installation, routes }, problems };
}

const NOT_ONE = { why: 'it is no one line of text', remedy: 'write the password alone on the first line' };
const isOneLine = (text: string): boolean => !/[\x00-\x1f\x7f]/.test(text);
