/** Records as a thread sees them; bundles, which are few and written once, are files of their own. */
import type { Timestamp } from '../../mail/time.ts';
import type { RecordQuery, RecordStore } from '../../ports/queue.ts';
import type { RecordEvent, StoredBundle, TransactionRecord } from '../../record/record.ts';
import type { BundleFiles } from './bundles.ts';
import type { StoreClient } from './client.ts';
import { eventRow, recordRow } from './rows.ts';

export class SqliteRecords implements RecordStore {
  readonly #client: StoreClient;
  readonly #bundles: BundleFiles;

  constructor(client: StoreClient, bundles: BundleFiles) {
    this.#client = client;
    this.#bundles = bundles;
  }

  append(record: TransactionRecord, events: readonly RecordEvent[]): void {
    this.#client.tell({ do: 'append', record: recordRow(record, events) });
  }

  async flush(): Promise<void> {
    await this.#client.ask({ do: 'flush' });
  }

  async addEvents(events: readonly RecordEvent[]): Promise<void> {
    await this.#client.ask({ do: 'events', events: events.map(eventRow) });
  }

  async get(id: string): ReturnType<RecordStore['get']> {
    const found = await this.#client.ask({ do: 'record', id });
    if (found === undefined) return undefined;
    return {
      record: JSON.parse(found.json) as TransactionRecord,
      events: found.events.map((json) => JSON.parse(json) as RecordEvent),
    };
  }

  async search(query: RecordQuery): Promise<readonly TransactionRecord[]> {
    if (query.id !== undefined) {
      const found = await this.get(query.id);
      return found === undefined ? [] : [found.record];
    }
    return (await this.#client.ask({ do: 'search', query })).map((json) => JSON.parse(json) as TransactionRecord);
  }

  dropBefore(at: Timestamp): Promise<readonly string[]> {
    return this.#client.ask({ do: 'dropBefore', at });
  }

  putBundle(bundle: StoredBundle): Promise<void> {
    return this.#bundles.put(bundle);
  }

  getBundle(digest: string): Promise<StoredBundle | undefined> {
    return this.#bundles.get(digest);
  }
}
