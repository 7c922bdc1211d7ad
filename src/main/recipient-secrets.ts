/** What `check` and a reload say of the passwords of recipient sources: a gateway that cannot have one would answer 450 to everybody. */
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import type { SecretAt } from '../config/live-source.ts';
import type { Problem } from '../language/problem.ts';

export function recipientSecrets(
  { domains }: Installation,
  readFile: (path: string) => SecretText,
  environment: { readonly [name: string]: string | undefined },
): readonly Problem[] {
  const told = new Set<string>();
  return [...domains.values()].flatMap(({ domain, place, recipients }) =>
    recipients.flatMap((source): readonly Problem[] => {
      if ((source.kind !== 'ldap' && source.kind !== 'sql') || source.password === undefined) return [];
      const { password } = source;
      const key = JSON.stringify(password);
      if (told.has(key)) return [];
      told.add(key);
      const wrong = wrongWith(password, readFile, environment);
      if (wrong === undefined) return [];
      const message = `recipients of ${domain} by ${source.kind}: the password cannot be had: ${wrong.why}`;
      return [{ place, severity: 'error', message, remedy: wrong.remedy, excerpt: '' }];
    }),
  );
}

function wrongWith(
  at: SecretAt,
  readFile: (path: string) => SecretText,
  environment: { readonly [name: string]: string | undefined },
): { readonly why: string; readonly remedy: string } | undefined {
  if (at.kind === 'env') {
    if ((environment[at.name] ?? '') !== '') return undefined;
    return { why: `there is no ${at.name} in the environment`, remedy: 'set it, or write `password_file:`' };
  }
  const read = readFile(at.path);
  if (read.kind === 'wrong') return { why: `${at.path}: ${read.why}`, remedy: read.remedy };
  if (read.text.trim() !== '') return undefined;
  return { why: `${at.path} is empty`, remedy: 'write the password into it, alone' };
}
