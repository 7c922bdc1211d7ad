/** Whether a record speaks of a promise, so that an entry or a kept copy must be there. */
import type { TransactionRecord } from '../../record/record.ts';

export const promises = (record: TransactionRecord): boolean =>
  record.recipients.some(({ outcome }) => outcome === 'queued' || outcome === 'held' || outcome === 'quarantined');
