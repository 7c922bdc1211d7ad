/** Entries, items and records as they travel to the store thread and lie in its tables: tuples and texts, cheap to copy. */
import type { ContentRef } from '../../ports/content.ts';
import type { QuarantineItem } from '../../ports/queue.ts';
import type { EntryState, QueueEntry } from '../../queue/entry.ts';
import { owesDelayNotice } from '../../queue/notification.ts';
import { timeOfId } from '../../record/id.ts';
import type { RecordEvent, TransactionRecord } from '../../record/record.ts';
import { termsOf } from '../../record/terms.ts';
import { shortText } from './record-text.ts';

/** In the order of the table's columns. */
export type EntryRow = readonly [
  id: string,
  recipient: string,
  sender: string,
  domain: string,
  route: string,
  state: string,
  due: number | null,
  owner: string | null,
  attempts: number,
  admitted: number,
  content: ContentRef,
  json: string,
  user: string,
  expires: number,
  /** 1: no delay notice is owed. */
  told: number,
];

/** The columns change with every lease, the text only when the entry does. */
export interface StoredEntry {
  readonly state: string;
  readonly due: number | null;
  readonly owner: string | null;
  readonly attempts: number;
  readonly json: string;
}

export type ItemRow = readonly [
  id: string,
  record: string,
  recipient: string,
  category: string,
  at: number,
  content: ContentRef,
  json: string,
];

/**
 * `short` is the record in its short form (`record-text.ts`). `events` came with the record and lie in its row: a JSON array, or '' for none. `terms` are on their way to the search index, which
 * then need not read the record again.
 */
export type RecordRow = readonly [id: string, short: string, events: string, terms: readonly string[]];

export type EventRow = readonly [record: string, json: string];

export function entryRow(entry: QueueEntry): EntryRow {
  const { state, reversePath } = entry;
  return [
    entry.id,
    entry.recipient,
    reversePath.kind === 'null' ? '' : reversePath.mailbox.address,
    entry.domain,
    entry.route,
    state.kind,
    state.kind === 'waiting' ? state.due : state.kind === 'leased' ? state.until : null,
    state.kind === 'leased' ? state.owner : null,
    entry.attempts,
    entry.admittedAt,
    entry.contentRef,
    JSON.stringify(entry),
    entry.user ?? '',
    entry.expiresAt,
    owesDelayNotice(entry) ? 0 : 1,
  ];
}

export function entryOf({ json, state, due, owner, attempts }: StoredEntry): QueueEntry {
  const entry = JSON.parse(json) as QueueEntry;
  return { ...entry, attempts, state: stateOf(state, due, owner, entry.state) };
}

function stateOf(kind: string, due: number | null, owner: string | null, written: EntryState): EntryState {
  if (kind === 'waiting') return { kind, due: due! };
  if (kind === 'leased') return { kind, owner: owner!, until: due! };
  return written;
}

export function itemRow(item: QuarantineItem): ItemRow {
  const { id, recordId, at, entry } = item;
  return [id, recordId, entry.recipient, item.class, at, entry.contentRef, JSON.stringify(item)];
}

export function recordRow(record: TransactionRecord, events: readonly RecordEvent[]): RecordRow {
  if (timeOfId(record.id) === undefined)
    throw new RangeError(
      `Cannot store record "${record.id}" as its id must be one that was drawn: 13 characters with their time`,
    );
  return [record.id, shortText(record), events.length === 0 ? '' : JSON.stringify(events), termsOf(record)];
}

export const eventRow = (event: RecordEvent): EventRow => [event.recordId, JSON.stringify(event)];
