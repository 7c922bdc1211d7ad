/** The addresses this machine has, as its interfaces say: they may come and go. */
import { networkInterfaces } from 'node:os';

export const interfaceAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
