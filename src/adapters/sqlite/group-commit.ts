/** Commits for everybody who is waiting: the records of all, then the promises of all, two syncs for the lot. */
import type { DatabaseSync } from 'node:sqlite';
import type { ContentRef } from '../../ports/content.ts';
import type { StoreError } from '../../ports/store-error.ts';
import { heldTooMuch } from '../entry-state.ts';
import { storeError } from './database.ts';
import type { Answers, Promised, Settled, Write } from './protocol.ts';
import type { QueueTables } from './queue-tables.ts';
import type { RecordDays } from './record-days.ts';
import type { EventRow, RecordRow } from './rows.ts';

export type Outcome =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly error: StoreError | RangeError };

export interface Committed {
  readonly outcomes: readonly Outcome[];
  /** The records nobody waits for are on disk, or could not be written. */
  readonly appended: boolean;
  /** Files of the spool that nothing refers to any more. */
  readonly unspooled: readonly ContentRef[];
  /** Days that have new records. */
  readonly days: readonly string[];
}

export class GroupCommit {
  readonly #queue: QueueTables;
  readonly #db: DatabaseSync;
  readonly #days: RecordDays;
  readonly #roomFor: () => StoreError | undefined;
  #unspooled: ContentRef[] = [];

  constructor(queue: QueueTables, days: RecordDays, roomFor: () => StoreError | undefined) {
    this.#queue = queue;
    this.#db = queue.db;
    this.#days = days;
    this.#roomFor = roomFor;
  }

  /** One commit for all; when that cannot be, one for each, so that nobody is refused for another's fault. */
  commit(appended: readonly RecordRow[], writes: readonly Write[]): Committed {
    const together = this.#attempt(appended, writes);
    if (together.kind === 'done') return { ...together, appended: true };
    if (together.kind === 'half' || (writes.length === 1 && appended.length === 0))
      return { outcomes: writes.map(() => refused(together.error)), appended: false, unspooled: [], days: [] };
    const alone = writes.map((write) => this.#attempt([], [write]));
    const lazily = this.#attempt(appended, []);
    const done = [...alone, lazily].filter((one) => one.kind === 'done');
    return {
      outcomes: alone.map((one) => (one.kind === 'done' ? one.outcomes[0]! : refused(one.error))),
      appended: lazily.kind === 'done',
      unspooled: done.flatMap(({ unspooled }) => unspooled),
      days: done.flatMap(({ days }) => days),
    };
  }

  #attempt(appended: readonly RecordRow[], writes: readonly Write[]) {
    this.#unspooled = [];
    this.#queue.weight.begin();
    const outcomes: Outcome[] = [];
    let committing = false;
    try {
      const full = writes.some(({ do: verb }) => verb === 'admit') ? this.#roomFor() : undefined;
      // The queue's lock is taken first by everybody: two processes never wait for each other.
      const queued = writes.some((write) => write.do !== 'flush' && write.do !== 'events');
      if (queued) this.#db.exec('BEGIN IMMEDIATE');
      for (const record of appended) this.#days.insertLazy(record);
      for (const write of writes) {
        const no = write.do === 'admit' ? (full ?? this.#tooMuchHeld(write)) : undefined;
        if (no !== undefined) outcomes.push(refused(no));
        else outcomes.push({ kind: 'done', value: this.#apply(write) });
      }
      // Order of promise: the record is on disk before the entry, and both before anybody hears of it.
      committing = true;
      const marks = this.#days.commit();
      if (queued) {
        for (const [day, record] of marks) this.#queue.mark(day, record);
        this.#db.exec('COMMIT');
      }
      return { kind: 'done', outcomes, unspooled: this.#unspooled, days: [...marks.keys()] } as const;
    } catch (error) {
      this.#rollback();
      if (!committing) return { kind: 'nothing', error: storeError(error) } as const;
      this.#orphan(writes);
      return { kind: 'half', error: storeError(error) } as const;
    }
  }

  #apply(write: Write): Answers[Write['do']] {
    switch (write.do) {
      case 'admit':
        if (write.told !== undefined) this.#queue.digests.told(write.told);
        return [write.promised, ...write.notifications].flatMap((promised) => this.#promise(promised));
      case 'lease':
        return this.#queue.lease(write.wish);
      case 'leaseOverdue':
        return this.#queue.leaseOverdue(write.wish);
      case 'suspend':
        this.#queue.suspensions.put(write.suspension);
        return undefined;
      case 'resume':
        return this.#queue.suspensions.end(write.ids);
      case 'settle':
        return this.#settle(write.settled);
      case 'renew':
        return write.leases.map(({ id, owner, attempts }) => this.#queue.renew(id, owner, attempts, write.until));
      case 'amend':
        return this.#amend(write.changes);
      case 'release':
        return this.#release(write.items, write.events);
      case 'drop':
        return this.#drop(write.ids, write.events);
      case 'roundEnded':
        this.#queue.digests.roundEnded(write.begun);
        return undefined;
      case 'events':
        this.#join(write.events);
        return undefined;
      case 'flush':
        return undefined;
      default:
        return unreachable(write);
    }
  }

  /** Asked before anything of it is written: a refusal takes no part of the commit with it. */
  #tooMuchHeld({ promised, quarantineMaxBytes }: Extract<Write, { do: 'admit' }>): StoreError | undefined {
    if (promised.items.length === 0 || quarantineMaxBytes === undefined) return undefined;
    const { weight } = this.#queue;
    const size = promised.content?.size ?? 0;
    return (
      heldTooMuch(weight.octets(), size, quarantineMaxBytes) &&
      heldTooMuch(weight.octetsNow(), size, quarantineMaxBytes)
    );
  }

  #promise({ record, content, entries, items }: Promised): ContentRef[] {
    this.#days.insert(record);
    if (content !== null && entries.length + items.length > 0) this.#queue.insertContent(content);
    for (const entry of entries) this.#queue.insertEntry(entry);
    for (const item of items) this.#queue.insertItem(item);
    return [];
  }

  #settle(settled: readonly Settled[]): Answers['settle'] {
    const freed: ContentRef[] = [];
    const came = settled.map((one) => {
      if (!this.#queue.settle(one.id, one.owner, one.attempts, one.next)) return 'lost';
      for (const promised of one.notifications) this.#promise(promised);
      for (const item of one.items) this.#queue.insertItem(item);
      this.#join(one.events);
      if (one.next === null) this.#free(one.content, freed);
      return 'settled';
    });
    return { came, freed };
  }

  #amend(changes: Extract<Write, { do: 'amend' }>['changes']): Answers['amend'] {
    const freed: ContentRef[] = [];
    let count = 0;
    for (const { id, was, next, events } of changes) {
      const content = this.#queue.amend(id, was, next);
      if (content === undefined) continue;
      count += 1;
      this.#join(events);
      if (next === null) this.#free(content, freed);
    }
    return { count, freed };
  }

  #release(items: Extract<Write, { do: 'release' }>['items'], events: readonly EventRow[]): number {
    const records = new Set<string>();
    let count = 0;
    for (const { id, entry } of items) {
      const dropped = this.#queue.dropItem(id);
      if (dropped === undefined) continue;
      count += 1;
      records.add(dropped.record);
      this.#queue.insertEntry(entry);
    }
    this.#join(events.filter(([record]) => records.has(record)));
    return count;
  }

  #drop(ids: readonly string[], events: readonly EventRow[]): Answers['drop'] {
    const freed: ContentRef[] = [];
    const records = new Set<string>();
    let count = 0;
    for (const id of ids) {
      const dropped = this.#queue.dropItem(id);
      if (dropped === undefined) continue;
      count += 1;
      records.add(dropped.record);
      this.#free(dropped.content, freed);
    }
    this.#join(events.filter(([record]) => records.has(record)));
    return { count, freed };
  }

  #join(events: readonly EventRow[]): void {
    for (const event of events) this.#days.insertEvent(event);
  }

  #free(ref: ContentRef, freed: ContentRef[]): void {
    const came = this.#queue.free(ref);
    if (came === 'kept') return;
    freed.push(ref);
    if (came === 'spooled') this.#unspooled.push(ref);
  }

  #rollback(): void {
    this.#queue.weight.rollback();
    this.#days.rollback();
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  /** Records may be committed while their promises are not: say so now, as the next start would. */
  #orphan(writes: readonly Write[]): void {
    try {
      for (const { record } of writes.flatMap(promisedBy)) this.#days.insertEvent(orphaned(record[0], Date.now()));
      this.#days.commit();
    } catch (error) {
      // The disk takes nothing at all. The next start finds these records beyond the mark and says it then.
      this.#days.rollback();
      void error;
    }
  }
}

export const orphaned = (recordId: string, at: number): EventRow => [
  recordId,
  JSON.stringify({
    recordId,
    at,
    recipient: 0,
    kind: 'orphaned',
    by: 'store',
    text: 'the promise was not kept on disk: it was not answered 250',
  }),
];

function promisedBy(write: Write): readonly Promised[] {
  if (write.do === 'admit') return [write.promised, ...write.notifications];
  if (write.do === 'settle') return write.settled.flatMap(({ notifications }) => notifications);
  return [];
}

const refused = (error: StoreError | RangeError): Outcome => ({ kind: 'refused', error });

function unreachable(write: never): never {
  throw new RangeError(`Cannot apply ${JSON.stringify(write)} as it is no write`);
}
