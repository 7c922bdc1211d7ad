/** A mailbox named by several RCPT of one transaction gets the message once: whoever repeats a recipient multiplies nothing. */
import { foldAscii } from '../mail/address.ts';
import type { RecipientState } from './transaction.ts';

/**
 * Each RCPT was answered for itself, and stands in the record; from the second on it is a `duplicate`, whose copy and DSN wishes are the
 * first one's (RFC 3461 knows no recipient twice). Where rules want something else with one of them, it is none.
 */
export function mergeDuplicates(taken: readonly RecipientState[]): void {
  const numbers = new Map<string, number>();
  for (const recipient of taken) {
    if (!SENT_OR_KEPT.includes(recipient.outcome)) continue;
    const key = JSON.stringify([mailboxOf(recipient), recipient.outcome, recipient.carry.modifications]);
    const first = numbers.get(key);
    if (first === undefined) {
      numbers.set(key, recipient.number);
      continue;
    }
    recipient.outcome = 'duplicate';
    recipient.why = `the same mailbox as recipient ${first}: one copy goes to it`;
  }
}

/** Of these each has an entry, an item kept aside or a report. */
const SENT_OR_KEPT: readonly RecipientState['outcome'][] = ['queued', 'held', 'quarantined', 'bounced'];

/** As our recipient sources compare; what case means in a domain of others they alone know (RFC 5321 §2.4). */
function mailboxOf({ hosted, recipient: { mailbox } }: RecipientState): readonly [string, string] {
  return [hosted ? foldAscii(mailbox.local) : mailbox.local, mailbox.domain];
}
