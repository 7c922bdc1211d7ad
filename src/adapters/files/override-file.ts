/** Overrides in a file of the store's folder, replaced whole. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { OverrideStore } from '../../ports/overrides.ts';
import { replaceFile } from './replace-file.ts';

const FILE = z.array(
  z.strictObject({
    id: z.string(),
    kind: z.enum(['rule', 'check']),
    name: z.string(),
    policy: z.string(),
    by: z.string(),
    why: z.string(),
    since: z.number(),
    until: z.number(),
  }),
);

export function overrideFile(store: string): OverrideStore {
  const file = join(store, 'overrides.json');
  return {
    read: () => {
      const text = readIfThere(file);
      if (text === undefined) return [];
      try {
        return FILE.parse(JSON.parse(text));
      } catch (error) {
        throw new Error(
          `Cannot read ${file} as it must be what the gateway wrote: ${error instanceof z.ZodError ? error.issues[0]?.message : String(error)}. Remove it to end all overrides`,
        );
      }
    },
    write: (overrides) => replaceFile(file, `${JSON.stringify(overrides, null, 2)}\n`),
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
