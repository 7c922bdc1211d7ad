/** Where the suites of others lie; without them a test says on one line what it skipped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export function suite(path: string, what: string): string | undefined {
  const folder = process.env.POSTERN_SUITES;
  const file = folder === undefined ? undefined : join(folder, path);
  if (file !== undefined && existsSync(file)) return file;
  console.log(`skipped: ${what} (POSTERN_SUITES does not name a folder with ${path})`);
  return undefined;
}
