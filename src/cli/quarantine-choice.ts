/** Which held messages a command means, and what it may know of each beside the item itself. */
import type { Installation } from '../config/installation.ts';
import type { QuarantineFilter, QuarantineItem } from '../ports/queue.ts';
import type { QueueEntry } from '../queue/entry.ts';
import type { RecipientRecord, TransactionRecord } from '../record/record.ts';
import { type Scores, scoresOf } from '../record/scores.ts';
import { senderOf } from './queue-tell.ts';
import { byId, cameBefore, type Selection, type Wanted } from './selection.ts';
import { parseWhen } from './when.ts';
import type { Visit } from './world.ts';

export const CHOICES = ['recipient', 'sender', 'domain', 'class', 'reason', 'olderThan', 'since'] as const;

export function choose(selection: Selection, now: number): Wanted<QuarantineFilter, QuarantineItem> {
  const { recipient, sender, domain, reason, since } = selection;
  const before = cameBefore(selection, now);
  const common: QuarantineFilter = {
    ...(recipient === undefined ? {} : { recipient }),
    ...(since === undefined ? {} : { since: parseWhen(since, '--since', now) }),
    ...(before === undefined ? {} : { until: before }),
    ...(selection.class === undefined ? {} : { class: selection.class }),
  };
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return {
    filters: byId(selection.ids).map((ids) => ({ ...common, ...ids })),
    fits: (item) =>
      (sender === undefined || same(senderOf(item.entry), sender.replace(/^<|>$/g, ''))) &&
      (domain === undefined || same(item.entry.domain, domain)) &&
      (reason === undefined || item.reason.includes(reason)),
  };
}

/** A held message with what its record says of it. */
export interface Held {
  readonly item: QuarantineItem;
  /** Undefined where its record is over (`records.retention`). */
  readonly scores: Scores | undefined;
  /** Whom the sender wrote to: another where a rule redirects. */
  readonly writtenTo: string;
  /** When its time is over. */
  readonly until: number;
}

/** By its number, or by that of what was kept on their behalf. */
function recipientOf({ recipients }: TransactionRecord, { id }: QueueEntry): RecipientRecord | undefined {
  const number = Number(id.slice(id.lastIndexOf('.') + 1));
  return recipients.find((one) => one.number === number || one.copies?.some((copy) => copy.number === number));
}

export const heldOf = (
  page: readonly QuarantineItem[],
  records: Visit['records'],
  { quarantine }: Installation,
): Promise<readonly Held[]> =>
  Promise.all(
    page.map(async (item) => {
      const found = await records.get(item.recordId);
      const writtenTo = found && recipientOf(found.record, item.entry);
      const scores = found && scoresOf(found.record, writtenTo);
      return {
        item,
        scores,
        writtenTo: writtenTo?.address ?? item.entry.recipient,
        until: item.at + quarantine.retention[item.class],
      };
    }),
  );
