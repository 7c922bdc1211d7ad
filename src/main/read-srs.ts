/** The keys by which senders are rewritten: read once a configuration, kept nowhere but in memory. */
import type { SecretText } from '../adapters/files/secret-file.ts';
import type { Installation } from '../config/installation.ts';
import { readSrsKeys, Srs } from '../gateway/rewrite/srs.ts';
import type { Problem } from '../language/problem.ts';

/** Without `readFile` the file is not touched, and nothing is rewritten. */
export function readSrs(
  { srs }: Installation,
  readFile: ((path: string) => SecretText) | undefined,
): { readonly srs: Srs | undefined; readonly problems: readonly Problem[] } {
  if (srs === undefined || readFile === undefined) return { srs: undefined, problems: [] };
  const file = readFile(srs.keysFile);
  const read = file.kind === 'wrong' ? file : readSrsKeys(file.text);
  if (read.kind === 'keys') return { srs: new Srs(srs.domain, read.keys), problems: [] };
  const { why, remedy } = read;
  const message = `the keys of srs cannot be taken: ${why}`;
  return { srs: undefined, problems: [{ place: srs.place, severity: 'error', message, remedy, excerpt: '' }] };
}
