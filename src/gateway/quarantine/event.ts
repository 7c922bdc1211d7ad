/** What joins a record when something happens to a held message of it. */
import type { Timestamp } from '../../mail/time.ts';
import type { QuarantineItem } from '../../ports/queue.ts';
import type { RecordEvent } from '../../record/record.ts';

export const eventOf = (
  { entry }: QuarantineItem,
  kind: RecordEvent['kind'],
  by: string,
  text: string,
  at: Timestamp,
): RecordEvent => ({
  recordId: entry.recordId,
  at,
  // `<record id>.<n>`
  recipient: Number(entry.id.slice(entry.id.lastIndexOf('.') + 1)),
  kind,
  by,
  text,
});
