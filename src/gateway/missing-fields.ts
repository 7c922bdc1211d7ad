/** What a message lacks that is posted here first, and what every message has: its date and a name of its own. */
import { mailDate } from '../mail/date.ts';
import type { Edit } from '../queue/entry.ts';
import type { HeaderFacts } from './edge.ts';
import type { SessionState } from './session-state.ts';
import type { TransactionState } from './transaction.ts';

/**
 * RFC 6409 §8.2, §8.3: printers and scripts leave them out, and large receivers refuse what has no Message-ID. Only where the message
 * begins its way: who relays it must not (RFC 5321 §6.4).
 */
export function missingFields(
  { user, trusted, current }: SessionState,
  { id, at }: Pick<TransactionState, 'id' | 'at'>,
  { fields, hops }: Pick<HeaderFacts, 'fields' | 'hops'>,
): readonly Edit[] {
  if ((user === '' && !trusted) || hops > 0) return [];
  const lacks = (name: string): boolean => fields.every((field) => field.name !== name);
  return [
    ...(lacks('message-id') ? [added(`Message-ID: <${id}@${current.installation.hostname}>`)] : []),
    ...(lacks('date') ? [added(`Date: ${mailDate(at)}`)] : []),
  ];
}

const added = (field: string): Edit => ({ kind: 'addField', field });
