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

/** A recipient that stands for several, of a sender who asked to hear of success. */
export type Expanded = Refused;

/** One notification for all that were refused, and one for all that became several (RFC 3461 §5.2.7.3). */
export async function tellAtOnce(
  s: SessionState,
  tx: TransactionState,
  { refused, expanded }: { readonly refused: readonly Refused[]; readonly expanded: readonly Expanded[] },
  content: SpooledContent,
): Promise<Required<Pick<Admission, 'events' | 'notifications'>>> {
  const now = s.world.clock.now();
  const bad = await tell(s, tx, refused, (one) => reported(one, tx, now), content);
  try {
    const good = await tell(s, tx, expanded, (one) => spread(one, now), content);
    return { events: [...bad.events, ...good.events], notifications: [...bad.notifications, ...good.notifications] };
  } catch (error) {
    for (const made of bad.notifications) await s.world.content.discard(made.content);
    throw error;
  }
}

async function tell(
  s: SessionState,
  tx: TransactionState,
  those: readonly Refused[],
  report: (one: Refused) => ReportedRecipient,
  content: SpooledContent,
): Promise<Required<Pick<Admission, 'events' | 'notifications'>>> {
  const [first] = those;
  if (first === undefined) return { events: [], notifications: [] };
  const { world, current } = s;
  const now = world.clock.now();
  const recipients = those.map(report);
  const never = new AbortController().signal;
  const owed = { entry: first.entry, recipients, open: (signal: AbortSignal) => content.open(signal) };
  const { content: store, signingKeys, log } = world;
  const made = await notification(owed, world.newId(), now, current.installation, store, signingKeys, log, never);
  const events = those.flatMap(({ recipient }, n): RecordEvent[] => {
    const event = { recordId: tx.id, at: now, recipient: recipient.number };
    const { action, said } = recipients[n]!.report;
    return [
      ...(action === 'failed' ? [{ ...event, kind: 'bounced' as const, by: '', text: said }] : []),
      { ...event, kind: 'notified', by: made.entry.recordId, text: `${action}, to <${made.entry.recipient}>` },
    ];
  });
  return { events, notifications: [made] };
}

function spread({ recipient }: Expanded, at: number): ReportedRecipient {
  const { mailbox, parameters } = recipient.recipient;
  const report = { action: 'expanded', status: '2.0.0', host: '', reply: null, said: '', at: null } as const;
  // What the sender said itself, nothing that we put in its place for the members (RFC 3461 §6.3).
  return { recipient: mailbox.address, orcpt: parameters.orcpt ?? '', report, retryUntil: at };
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
    report: { action: 'failed', status, host: '', reply: null, said: sayReply(reply), at: null },
    retryUntil: at,
  };
}
