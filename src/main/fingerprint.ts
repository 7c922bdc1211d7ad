/** A configuration in one word: whoever reads the same files finds the same. */
import type { Current } from '../gateway/world.ts';
import { sha256 } from './sha256.ts';

export function fingerprint({ installation, policies }: Pick<Current, 'installation' | 'policies'>): string {
  const plain = (_: string, value: unknown) => (value instanceof Map ? [...value] : value);
  const named = [...policies.values()].map(({ name, bundle }) => [name, bundle.digest]);
  return sha256(JSON.stringify([installation, named], plain));
}
