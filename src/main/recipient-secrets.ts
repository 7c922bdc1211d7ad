/** What `check` and a reload say of the passwords of recipient sources: a gateway that cannot have one would answer 450 to everybody. */
import { readSecretAt } from '../adapters/files/secret-at.ts';
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import type { Problem } from '../language/problem.ts';

export function recipientSecrets(
  { domains }: Installation,
  readFile: (path: string) => SecretText,
): readonly Problem[] {
  const told = new Set<string>();
  return [...domains.values()].flatMap(({ domain, place, recipients }) =>
    recipients.flatMap((source): readonly Problem[] => {
      if ((source.kind !== 'ldap' && source.kind !== 'sql') || source.password === undefined) return [];
      const { password } = source;
      const key = JSON.stringify(password);
      if (told.has(key)) return [];
      told.add(key);
      const read = readSecretAt(password, readFile);
      if (read.kind === 'text') return [];
      const message = `recipients of ${domain} by ${source.kind}: the password cannot be had: ${read.why}`;
      return [{ place, severity: 'error', message, remedy: read.remedy, excerpt: '' }];
    }),
  );
}
