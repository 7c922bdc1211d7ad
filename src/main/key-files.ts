/** Which files of keys an installation signs with. */
import type { Installation } from '../config/installation.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';

export const keyFiles = ({ signing }: Pick<Installation, 'signing'>): ReadonlySet<string> =>
  new Set([...signing.values()].flat().flatMap(({ state, keyFile }) => (state === 'active' ? [keyFile] : [])));

/** Reads them before the first message needs them. Throws where one is not sound any more. */
export function openKeys(keys: SigningKeys, installation: Pick<Installation, 'signing'>): void {
  for (const file of keyFiles(installation)) keys.keyOf(file);
}
