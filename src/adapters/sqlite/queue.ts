/** The queue as a thread sees it: promises put into rows for the store thread, answers put back into entries. */
import { setTimeout } from 'node:timers/promises';
import type { Timestamp } from '../../mail/time.ts';
import type { ContentRef, SpooledContent } from '../../ports/content.ts';
import type {
  Admission,
  Lease,
  LeaseRequest,
  LeaseWish,
  Notification,
  OverdueWish,
  QuarantineFilter,
  QuarantineItem,
  QuarantineWeight,
  QueueFilter,
  QueueStore,
  Settlement,
} from '../../ports/queue.ts';
import { StoreError } from '../../ports/store-error.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import type { Lanes } from '../../queue/rooms.ts';
import type { Suspension } from '../../queue/suspension.ts';
import type { RecordEvent } from '../../record/record.ts';
import { hasEnded, mustAdmit, mustSettle } from '../entry-state.ts';
import type { StoreClient } from './client.ts';
import type { SqliteContent } from './content.ts';
import type { Promised } from './protocol.ts';
import { entryOf, entryRow, eventRow, itemRow, recordRow } from './rows.ts';

/** Entries that are changed in one commit: whoever admits waits for no more than these. */
const AMENDED_AT_ONCE = 25;

export class SqliteQueue implements QueueStore {
  readonly #client: StoreClient;
  readonly #content: SqliteContent;

  constructor(client: StoreClient, content: SqliteContent) {
    this.#client = client;
    this.#content = content;
  }

  async admit(admission: Admission): Promise<readonly Lease[]> {
    const {
      record,
      events,
      content,
      entries,
      quarantine,
      quarantineMaxBytes,
      notifications = [],
      lease,
      told,
    } = admission;
    const leases: Lease[] = [];
    const rows = entries.map((entry) => {
      mustAdmit(entry, 'admit', []);
      if (lease === undefined || entry.state.kind !== 'waiting' || entry.state.due > entry.admittedAt)
        return entryRow(entry);
      const leased = taken(entry, lease);
      leases.push({ entry: leased, ...lease });
      return entryRow(leased);
    });
    mustHaveContent([...entries, ...quarantine.map((item) => item.entry)], content);
    const promised = {
      record: recordRow(record, events),
      content: content && this.#content.row(content),
      entries: rows,
      items: quarantine.map(itemRow),
    };
    await this.#client.ask({
      do: 'admit',
      promised,
      notifications: notifications.map((one) => this.#promised(one)),
      quarantineMaxBytes,
      ...(told === undefined ? {} : { told }),
    });
    if (content !== null) await this.#content.admitted(content, entries.length + quarantine.length > 0);
    for (const notification of notifications) await this.#content.admitted(notification.content, true);
    return leases;
  }

  async lease(wish: LeaseWish): Promise<readonly Lease[]> {
    const { owner, until } = wish;
    const rows = await this.#client.ask({ do: 'lease', wish });
    return rows.map((row) => ({ entry: entryOf(row), owner, until }));
  }

  async leaseOverdue(wish: OverdueWish): Promise<readonly Lease[]> {
    const { owner, until } = wish;
    const rows = await this.#client.ask({ do: 'leaseOverdue', wish });
    return rows.map((row) => ({ entry: entryOf(row), owner, until }));
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly ('settled' | 'lost')[]> {
    const settled = settlements.map((settlement) => {
      mustSettle(settlement);
      const { lease, next } = settlement;
      return {
        id: lease.entry.id,
        owner: lease.owner,
        attempts: lease.entry.attempts,
        next: hasEnded(next.state) ? null : entryRow(next),
        content: lease.entry.contentRef,
        events: settlement.events.map(eventRow),
        notifications: settlement.notifications.map((notification) => this.#promised(notification)),
        items: settlement.quarantine.map(itemRow),
      };
    });
    const { came, freed } = await this.#client.ask({ do: 'settle', settled });
    this.#content.released(freed);
    for (const [n, { notifications }] of settlements.entries())
      if (came[n] === 'settled') for (const { content } of notifications) await this.#content.admitted(content, true);
    return came;
  }

  async renew(leases: readonly Lease[], until: Timestamp): Promise<readonly Lease[]> {
    const claims = leases.map(({ entry, owner }) => ({ id: entry.id, owner, attempts: entry.attempts }));
    const ours = await this.#client.ask({ do: 'renew', leases: claims, until });
    return leases
      .filter((_, n) => ours[n])
      .map(({ entry, owner }) => ({ entry: { ...entry, state: { kind: 'leased', owner, until } }, owner, until }));
  }

  nextDue(_now: Timestamp, lanes?: Lanes): Promise<Timestamp | undefined> {
    return this.#client.ask({ do: 'nextDue', lanes });
  }

  suspensions(): Promise<readonly Suspension[]> {
    return this.#client.ask({ do: 'suspensions' });
  }

  async suspend(suspension: Suspension): Promise<void> {
    await this.#client.ask({ do: 'suspend', suspension });
  }

  resume(ids: readonly string[]): Promise<number> {
    return this.#client.ask({ do: 'resume', ids });
  }

  async list(filter: QueueFilter): Promise<readonly QueueEntry[]> {
    return (await this.#client.ask({ do: 'list', filter })).map(entryOf);
  }

  count(filter: QueueFilter): Promise<number> {
    return this.#client.ask({ do: 'count', filter });
  }

  async amend(changes: Parameters<QueueStore['amend']>[0]): Promise<number> {
    const rows = changes.map(({ was, next, events }) => {
      mustAdmit(next, 'amend', ['removed', 'bounced']);
      return {
        id: was.id,
        was: JSON.stringify(was),
        next: hasEnded(next.state) ? null : entryRow(next),
        events: events.map(eventRow),
      };
    });
    let changed = 0;
    for (let n = 0; n < rows.length; n += AMENDED_AT_ONCE) {
      const began = performance.now();
      const some = rows.slice(n, n + AMENDED_AT_ONCE);
      const { count, freed } = await this.#client.ask({ do: 'amend', changes: some });
      this.#content.released(freed);
      changed += count;
      // SQLite is fair to nobody: who waits for the lock finds it free only when nobody takes it again at once.
      if (rows.length >= AMENDED_AT_ONCE) await setTimeout(performance.now() - began);
    }
    return changed;
  }

  async quarantined(filter: QuarantineFilter): Promise<readonly QuarantineItem[]> {
    return (await this.#client.ask({ do: 'quarantined', filter })).map((json) => JSON.parse(json) as QuarantineItem);
  }

  release(items: readonly QuarantineItem[], events: readonly RecordEvent[], due: Timestamp): Promise<number> {
    const rows = items.map(({ id, entry }) => ({ id, entry: entryRow({ ...entry, state: { kind: 'waiting', due } }) }));
    return this.#client.ask({ do: 'release', items: rows, events: events.map(eventRow) });
  }

  async drop(items: readonly QuarantineItem[], events: readonly RecordEvent[]): Promise<number> {
    const ids = items.map(({ id }) => id);
    const { count, freed } = await this.#client.ask({ do: 'drop', ids, events: events.map(eventRow) });
    this.#content.released(freed);
    return count;
  }

  weigh(): Promise<QuarantineWeight> {
    return this.#client.ask({ do: 'weigh' });
  }

  read(ref: ContentRef, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#content.read(ref, signal);
  }

  #promised({ content, entry, record }: Notification): Promised {
    mustAdmit(entry, 'admit', []);
    mustHaveContent([entry], content);
    return {
      record: recordRow(record, []),
      content: this.#content.row(content),
      entries: [entryRow(entry)],
      items: [],
    };
  }
}

const taken = (entry: QueueEntry, { owner, until }: LeaseRequest): QueueEntry => ({
  ...entry,
  attempts: entry.attempts + 1,
  state: { kind: 'leased', owner, until },
});

function mustHaveContent(entries: readonly QueueEntry[], content: SpooledContent | null): void {
  for (const { id, contentRef } of entries)
    if (contentRef !== content?.ref)
      throw new StoreError(
        'failed',
        `Cannot queue entry "${id}" as its content must be spooled: "${contentRef}" is not`,
      );
}
