/** Records in memory, for tests and rehearsals. */
import type { Timestamp } from '../../mail/time.ts';
import { PAGE, type RecordQuery, type RecordStore } from '../../ports/queue.ts';
import { StoreError } from '../../ports/store-error.ts';
import { timeOfId } from '../../record/id.ts';
import type { RecordEvent, StoredBundle, TransactionRecord } from '../../record/record.ts';
import { termsOf, termsSought } from '../../record/terms.ts';

interface Kept {
  readonly record: TransactionRecord;
  readonly events: RecordEvent[];
}

export class MemoryRecords implements RecordStore {
  readonly #kept = new Map<string, Kept>();
  readonly #bundles = new Map<string, StoredBundle>();

  append(record: TransactionRecord, events: readonly RecordEvent[]): void {
    if (!this.#kept.has(record.id)) this.#kept.set(record.id, { record, events: [...events] });
  }

  async flush(): Promise<void> {}

  async addEvents(events: readonly RecordEvent[]): Promise<void> {
    this.join(events);
  }

  async get(id: string): Promise<Kept | undefined> {
    const kept = this.#kept.get(id);
    return kept && { record: kept.record, events: [...kept.events] };
  }

  async search(query: RecordQuery): Promise<readonly TransactionRecord[]> {
    const sought = termsSought(query);
    return [...this.#kept.values()]
      .map(({ record }) => record)
      .filter(
        (record) =>
          (query.id === undefined || record.id === query.id) &&
          (query.since === undefined || timeOf(record) >= query.since) &&
          (query.until === undefined || timeOf(record) <= query.until) &&
          (query.before === undefined || record.id < query.before),
      )
      .filter((record) => {
        if (sought.length === 0) return true;
        const terms = termsOf(record);
        return sought.every((term) => terms.includes(term));
      })
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, query.limit ?? PAGE);
  }

  async dropBefore(at: Timestamp): Promise<readonly string[]> {
    const dropped = new Set<string>();
    for (const { record } of this.#kept.values()) {
      const day = dayOf(timeOf(record));
      if (Date.parse(day) + 86_400_000 > at) continue;
      this.#kept.delete(record.id);
      dropped.add(day);
    }
    return [...dropped].sort();
  }

  async putBundle(bundle: StoredBundle): Promise<void> {
    this.#bundles.set(bundle.digest, bundle);
  }

  async getBundle(digest: string): Promise<StoredBundle | undefined> {
    return this.#bundles.get(digest);
  }

  /** Events of records that are gone are gone with them. */
  join(events: readonly RecordEvent[]): void {
    for (const event of events) this.#kept.get(event.recordId)?.events.push(event);
  }

  mustBeNew(record: TransactionRecord): void {
    if (this.#kept.has(record.id))
      throw new StoreError('conflict', `Cannot store record "${record.id}" as it must be new: it is there`);
  }
}

const timeOf = (record: TransactionRecord): Timestamp => timeOfId(record.id) ?? record.at;
const dayOf = (at: Timestamp): string => new Date(at).toISOString().slice(0, 10);
