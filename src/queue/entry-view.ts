/** An entry as other programs read it: the words of the record's own view, times as ISO 8601, without what only delivery needs. */
import type { Timestamp } from '../mail/time.ts';
import type { EntryState, LastAttempt, QueueEntry, SenderStanding } from './entry.ts';

export interface EntryView {
  /** `<record id>.<n>`. */
  readonly id: string;
  readonly record_id: string;
  /** '' for the null one. */
  readonly reverse_path: string;
  readonly recipient: string;
  readonly domain: string;
  readonly route: string;
  readonly content_ref: string;
  readonly content_size: number;
  readonly body: QueueEntry['body'];
  readonly utf8: boolean;
  readonly sender: SenderStanding;
  /** '' where nobody authenticated. */
  readonly user: string;
  readonly dsn: QueueEntry['dsn'];
  readonly notification: boolean;
  readonly admitted_at: string;
  readonly expires_at: string;
  readonly attempts: number;
  readonly last: LastAttemptView | null;
  readonly delay_notified: boolean;
  readonly state: StateView;
}

export interface LastAttemptView {
  readonly at: string;
  readonly host: string;
  readonly said: string;
  readonly enhanced: string;
  readonly only_at: string;
}

export type StateView =
  | { readonly kind: 'waiting'; readonly due: string }
  | { readonly kind: 'leased'; readonly owner: string; readonly until: string }
  | Exclude<EntryState, { readonly kind: 'waiting' | 'leased' }>;

export const entryView = (entry: QueueEntry): EntryView => ({
  id: entry.id,
  record_id: entry.recordId,
  reverse_path: entry.reversePath.kind === 'null' ? '' : entry.reversePath.mailbox.address,
  recipient: entry.recipient,
  domain: entry.domain,
  route: entry.route,
  content_ref: entry.contentRef,
  content_size: entry.contentSize,
  body: entry.body,
  utf8: entry.utf8,
  sender: entry.sender,
  user: entry.user ?? '',
  dsn: entry.dsn,
  notification: entry.notification,
  admitted_at: isoTime(entry.admittedAt),
  expires_at: isoTime(entry.expiresAt),
  attempts: entry.attempts,
  last: entry.last === null ? null : attemptView(entry.last),
  delay_notified: entry.delayNotified,
  state: stateView(entry.state),
});

const attemptView = ({ at, host, said, enhanced, onlyAt }: LastAttempt): LastAttemptView => ({
  at: isoTime(at),
  host,
  said,
  enhanced,
  only_at: onlyAt,
});

function stateView(state: EntryState): StateView {
  switch (state.kind) {
    case 'waiting':
      return { kind: state.kind, due: isoTime(state.due) };
    case 'leased':
      return { kind: state.kind, owner: state.owner, until: isoTime(state.until) };
    case 'held':
    case 'quarantined':
    case 'delivered':
    case 'bounced':
    case 'refused':
    case 'removed':
      return state;
  }
}

const isoTime = (at: Timestamp): string => new Date(at).toISOString();
