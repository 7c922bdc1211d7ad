/** Every password the configuration names, looked at when it loads: of routes, of directories that know users, of recipient sources. */
import { readSecretAt } from '../adapters/files/secret-at.ts';
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import type { SecretAt } from '../config/live-source.ts';
import { passwordsIn } from '../config/passwords.ts';
import type { Problem } from '../language/problem.ts';
import type { Route } from '../queue/route.ts';

export interface Secrets {
  /** Undefined where it was not read, or could not be. */
  readonly textOf: (at: SecretAt) => string | undefined;
  readonly problems: readonly Problem[];
}

/** Without `readFile` neither files nor the environment are touched. */
export function readSecrets(installation: Installation, readFile: ((path: string) => SecretText) | undefined): Secrets {
  const texts = new Map<string, string>();
  const problems: Problem[] = [];
  const told = new Set<string>();
  for (const { at, place, who, oneLine } of readFile === undefined ? [] : passwordsIn(installation)) {
    const read = readSecretAt(at, readFile);
    const wrong = read.kind === 'wrong' ? read : oneLine && !isOneLine(read.text) ? NOT_ONE : undefined;
    if (wrong === undefined && read.kind === 'text') texts.set(keyOf(at), read.text);
    const said = `${who} ${keyOf(at)}`;
    if (wrong === undefined || told.has(said)) continue;
    told.add(said);
    const message = `the password of ${who} cannot be taken: ${wrong.why}`;
    problems.push({ place, severity: 'error', message, remedy: wrong.remedy, excerpt: '' });
  }
  return { textOf: (at) => texts.get(keyOf(at)), problems };
}

/** Kept nowhere but in memory. Sources of recipients read theirs again each time they connect. */
export function withPasswords(installation: Installation, { textOf }: Pick<Secrets, 'textOf'>): Installation {
  const routes = [...installation.routes].map(([name, route]): [string, Route] => {
    if (route.kind !== 'hosts' || route.auth?.from === undefined) return [name, route];
    return [name, { ...route, auth: { ...route.auth, password: textOf(route.auth.from) ?? '' } }];
  });
  return { ...installation, routes: new Map(routes) };
}

const keyOf = (at: SecretAt): string => JSON.stringify(at.kind === 'env' ? [at.name] : [at.kind, at.path]);

const NOT_ONE = { why: 'it is no one line of text', remedy: 'write the password alone on the first line' };
const isOneLine = (text: string): boolean => !/[\x00-\x1f\x7f]/.test(text);
