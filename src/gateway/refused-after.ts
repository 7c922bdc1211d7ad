/** A recipient refused after our 250 to the others: the notification its sender is owed, admitted in the same commit as the message. */
import type { SpooledContent } from '../ports/content.ts';
import type { Admission } from '../ports/queue.ts';
import type { ReportedRecipient } from '../queue/dsn.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { sayReply } from '../queue/transition.ts';
import type { RecordEvent } from '../record/record.ts';
import { notification } from './notify.ts';
import { refusalReply } from './replies.ts';
import type { SessionState } from './session-state.ts';
import type { RecipientState, TransactionState } from './transaction.ts';

export interface Refused {
  readonly recipient: RecipientState;
  /** As it would have been queued. */
  readonly entry: QueueEntry;
}

/** One notification for all of them: they share the message and its sender. */
export async function tellRefused(
  s: SessionState,
  tx: TransactionState,
  refused: readonly Refused[],
  content: SpooledContent,
): Promise<Required<Pick<Admission, 'events' | 'notifications'>>> {
  const [first] = refused;
  if (first === undefined) return { events: [], notifications: [] };
  const { world, current } = s;
  const now = world.clock.now();
  const recipients = refused.map((one) => reported(one, tx, now));
  const never = new AbortController().signal;
  const owed = { entry: first.entry, recipients, open: (signal: AbortSignal) => content.open(signal) };
  const { content: store, signingKeys, log } = world;
  const made = await notification(owed, world.newId(), now, current.installation, store, signingKeys, log, never);
  const events = refused.flatMap(({ recipient }, n): RecordEvent[] => {
    const event = { recordId: tx.id, at: now, recipient: recipient.number };
    return [
      { ...event, kind: 'bounced', by: '', text: recipients[n]!.report.said },
      { ...event, kind: 'notified', by: made.entry.recordId, text: `failed, to <${made.entry.recipient}>` },
    ];
  });
  return { events, notifications: [made] };
}

function reported({ recipient, entry }: Refused, tx: TransactionState, at: number): ReportedRecipient {
  const { disposition } = recipient.course;
  if (disposition.kind !== 'reject')
    throw new RangeError(`Cannot report "${entry.id}" as it must be rejected: it is ${disposition.kind}`);
  const reply = refusalReply(disposition.reply, tx.id, recipient.number);
  // RFC 3464 §2.3.4 wants a status always; 5.7.1 is what a policy's refusal without one means (RFC 3463 §3.8).
  const status = reply.enhanced || '5.7.1';
  return {
    recipient: entry.recipient,
    orcpt: entry.dsn.orcpt,
    report: { action: 'failed', status, host: '', reply: null, said: sayReply(reply), at },
    retryUntil: at,
  };
}
