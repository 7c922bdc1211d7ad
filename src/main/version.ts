/** The program's version, as its package says. */
import { existsSync, readFileSync } from 'node:fs';

export function version(): string {
  // In the package the compiled program lies beside it; in the repository and in the image one folder below.
  const beside = new URL('../package.json', import.meta.url);
  const file = existsSync(beside) ? beside : new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}
