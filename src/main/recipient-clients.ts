/** The clients of recipient sources, each of its kind. */
import { randomInt } from 'node:crypto';
import { dialSocket } from '../adapters/net/dial.ts';
import { ldapClient, loadAddresses } from '../adapters/recipients/ldap.ts';
import { prepareList, writeList } from '../adapters/recipients/loaded-lists.ts';
import { sqlClient } from '../adapters/recipients/sql.ts';
import { systemClock } from '../adapters/system/clock.ts';
import type { LiveSource } from '../config/live-source.ts';
import type { ListKeeping } from '../gateway/live-desk.ts';
import type { IdentityOf } from '../ports/client-identity.ts';
import type { RecipientClient } from '../ports/recipients.ts';
import { calloutClient } from '../smtp/send/callout.ts';

export function recipientClient(source: LiveSource, hostname: string, identityOf: IdentityOf): RecipientClient {
  switch (source.kind) {
    case 'ldap':
      return ldapClient(source);
    case 'sql':
      return sqlClient(source);
    case 'callout':
      return calloutClient({ ...source, hostname, dial: dialSocket, clock: systemClock, nobody, identityOf });
  }
}

/** Directories that are loaded whole. */
export const listKeeping: ListKeeping = { prepare: prepareList, load: loadAddresses, write: writeList };

/** Letters, so that no rule of a store about names tells it from a person's; twenty, so that no store has it. */
export const nobody = (): string => Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('');

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
