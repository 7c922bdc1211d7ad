/** The queue in memory: what the port says, in the plainest words. */
import { isDeepStrictEqual } from 'node:util';
import type { Timestamp } from '../../mail/time.ts';
import type { SpooledContent } from '../../ports/content.ts';
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
import type { HeldClass } from '../../queue/held-class.ts';
import { owesDelayNotice } from '../../queue/notification.ts';
import { ALL_LANES, type Lanes, Rooms } from '../../queue/rooms.ts';
import { isExpired } from '../../queue/schedule.ts';
import type { Suspension } from '../../queue/suspension.ts';
import type { RecordEvent } from '../../record/record.ts';
import { dueAt, hasEnded, heldTooMuch, mustAdmit, mustSettle } from '../entry-state.ts';
import type { MemoryContent } from './content.ts';
import { MemoryLanes, senderOf } from './lanes.ts';
import { entryMatches, itemMatches, page, same } from './matches.ts';
import type { MemoryRecords } from './records.ts';
import type { MemoryDigests } from './untold.ts';

type Promised = Pick<Admission, 'record' | 'events' | 'content' | 'entries' | 'quarantine'>;

const promisedBy = ({ content, entry, record }: Notification): Promised => ({
  record,
  events: [],
  content,
  entries: [entry],
  quarantine: [],
});

export class MemoryQueue implements QueueStore {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #items = new Map<string, QuarantineItem>();
  readonly #lanes = new MemoryLanes();
  #suspensions: readonly Suspension[] = [];
  readonly #content: MemoryContent;
  readonly #records: MemoryRecords;
  readonly #digests: MemoryDigests;

  constructor(content: MemoryContent, records: MemoryRecords, digests: MemoryDigests) {
    this.#content = content;
    this.#records = records;
    this.#digests = digests;
  }

  async admit(admission: Admission): Promise<readonly Lease[]> {
    const { quarantine, content, quarantineMaxBytes = Number.POSITIVE_INFINITY } = admission;
    const no = quarantine.length > 0 && heldTooMuch(this.#held(), content?.size ?? 0, quarantineMaxBytes);
    if (no) throw no;
    this.#promise([admission, ...(admission.notifications ?? []).map(promisedBy)]);
    const { lease, told } = admission;
    if (told !== undefined) this.#digests.told(told);
    if (lease === undefined) return [];
    return admission.entries
      .filter((entry) => entry.state.kind === 'waiting' && entry.state.due <= entry.admittedAt)
      .map((entry) => this.#take(entry, lease));
  }

  async lease(wish: LeaseWish): Promise<readonly Lease[]> {
    const { now, limit, lanes = ALL_LANES } = wish;
    const due = [...this.#entries.values()].filter((entry) => (dueAt(entry.state) ?? NEVER) <= now);
    return this.#lanes.choose(due, now, limit, new Rooms(lanes)).map((entry) => this.#take(entry, wish));
  }

  async leaseOverdue(wish: OverdueWish): Promise<readonly Lease[]> {
    const { now, limit, delayed } = wish;
    const isDelayed = ({ route, admittedAt }: QueueEntry) =>
      delayed.some((one) => one.route === route && admittedAt <= one.admittedBy);
    return [...this.#entries.values()]
      .filter(
        (entry) =>
          entry.state.kind === 'waiting' &&
          entry.state.due <= now &&
          (isExpired(entry, now) || (owesDelayNotice(entry) && isDelayed(entry))),
      )
      .slice(0, limit)
      .map((entry) => this.#take(entry, wish));
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly ('settled' | 'lost')[]> {
    for (const settlement of settlements) mustSettle(settlement);
    return settlements.map((settlement) => {
      if (!this.#owns(settlement.lease)) return 'lost';
      this.#promise(settlement.notifications.map(promisedBy));
      for (const item of settlement.quarantine) this.#hold(item);
      this.#records.join(settlement.events);
      this.#replace(settlement.next);
      return 'settled';
    });
  }

  async renew(leases: readonly Lease[], until: Timestamp): Promise<readonly Lease[]> {
    return leases
      .filter((lease) => this.#owns(lease))
      .map((lease) => {
        const entry = {
          ...this.#entries.get(lease.entry.id)!,
          state: { kind: 'leased', owner: lease.owner, until } as const,
        };
        this.#entries.set(entry.id, entry);
        return { entry, owner: lease.owner, until };
      });
  }

  async nextDue(_now: Timestamp, lanes: Lanes = ALL_LANES): Promise<Timestamp | undefined> {
    const rooms = new Rooms(lanes);
    let soonest: Timestamp | undefined;
    for (const entry of this.#entries.values()) {
      const due = dueAt(entry.state);
      if (rooms.left(entry.route, entry.domain) <= 0 || !rooms.takesFrom(senderOf(entry))) continue;
      if (due !== undefined && (soonest === undefined || due < soonest)) soonest = due;
    }
    return soonest;
  }

  async list(filter: QueueFilter): Promise<readonly QueueEntry[]> {
    return page([...this.#entries.values()].filter(entryMatches(filter)), filter);
  }

  async count(filter: QueueFilter): Promise<number> {
    return [...this.#entries.values()].filter(entryMatches(filter)).length;
  }

  async amend(changes: Parameters<QueueStore['amend']>[0]): Promise<number> {
    for (const { next } of changes) mustAdmit(next, 'amend', ['removed', 'bounced']);
    let amended = 0;
    for (const { was, next, events } of changes) {
      const now = this.#entries.get(was.id);
      if (now === undefined || now.state.kind === 'leased' || !isDeepStrictEqual(now, was)) continue;
      this.#records.join(events);
      this.#replace(next);
      amended += 1;
    }
    return amended;
  }

  async suspensions(): Promise<readonly Suspension[]> {
    return this.#suspensions;
  }

  async suspend(suspension: Suspension): Promise<void> {
    const { of, value } = suspension;
    const others = this.#suspensions.filter((one) => one.of !== of || !same(one.value, value));
    this.#suspensions = [...others, suspension];
  }

  async resume(ids: readonly string[]): Promise<number> {
    const left = this.#suspensions.filter(({ id }) => !ids.includes(id));
    const ended = this.#suspensions.length - left.length;
    this.#suspensions = left;
    return ended;
  }

  async quarantined(filter: QuarantineFilter): Promise<readonly QuarantineItem[]> {
    return page([...this.#items.values()].filter(itemMatches(filter)), filter);
  }

  async release(items: readonly QuarantineItem[], events: readonly RecordEvent[], due: Timestamp): Promise<number> {
    const there = items.filter((item) => this.#items.has(item.id));
    for (const { entry } of there) this.#mustBeNew(entry);
    for (const item of there) {
      const { contentRef } = this.#items.get(item.id)!.entry;
      this.#letGo(item.id);
      this.#entries.set(item.entry.id, { ...item.entry, contentRef, state: { kind: 'waiting', due } });
    }
    this.#records.join(eventsOf(there, events));
    return there.length;
  }

  async drop(items: readonly QuarantineItem[], events: readonly RecordEvent[]): Promise<number> {
    const there = items.filter((item) => this.#items.has(item.id));
    for (const { id } of there) {
      const { contentRef } = this.#items.get(id)!.entry;
      this.#letGo(id);
      this.#freeUnlessUsed(contentRef);
    }
    this.#records.join(eventsOf(there, events));
    return there.length;
  }

  async weigh(): Promise<QuarantineWeight> {
    const classes: { [name in HeldClass]?: number } = {};
    for (const item of this.#items.values()) classes[item.class] = (classes[item.class] ?? 0) + 1;
    return { octets: this.#held(), classes };
  }

  read(ref: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#content.read(ref, signal);
  }

  #held(): number {
    const sizes = new Map([...this.#items.values()].map(({ entry }) => [entry.contentRef, entry.contentSize]));
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** All or nothing: everything is looked at before anything is kept. */
  #promise(promised: readonly Promised[]): void {
    for (const { record, content, entries, quarantine } of promised) {
      this.#records.mustBeNew(record);
      for (const entry of entries) {
        mustAdmit(entry, 'admit', []);
        this.#mustBeNew(entry);
        this.#mustHaveContent(entry, content);
      }
      for (const item of quarantine) {
        if (this.#items.has(item.id))
          throw new StoreError('conflict', `Cannot quarantine "${item.id}" as it must be new: it is there`);
        this.#mustHaveContent(item.entry, content);
      }
    }
    for (const { record, events, content, entries, quarantine } of promised) {
      this.#records.append(record, events);
      if (content !== null) this.#content.keep(content.ref);
      for (const entry of entries) this.#entries.set(entry.id, entry);
      for (const item of quarantine) this.#hold(item);
      if (content !== null) this.#freeUnlessUsed(content.ref);
    }
  }

  #hold(item: QuarantineItem): void {
    this.#items.set(item.id, item);
    this.#digests.held(item);
  }

  #letGo(id: string): void {
    this.#items.delete(id);
    this.#digests.gone(id);
  }

  #mustBeNew(entry: QueueEntry): void {
    if (this.#entries.has(entry.id))
      throw new StoreError('conflict', `Cannot queue entry "${entry.id}" as it must be new: it is there`);
  }

  #mustHaveContent(entry: QueueEntry, content: SpooledContent | null): void {
    if (entry.contentRef !== content?.ref || !this.#content.has(entry.contentRef))
      throw new StoreError(
        'failed',
        `Cannot queue entry "${entry.id}" as its content must be spooled: "${entry.contentRef}" is not`,
      );
  }

  #take(entry: QueueEntry, { owner, until }: LeaseRequest): Lease {
    const taken: QueueEntry = { ...entry, attempts: entry.attempts + 1, state: { kind: 'leased', owner, until } };
    this.#entries.set(entry.id, taken);
    return { entry: taken, owner, until };
  }

  #owns(lease: Lease): boolean {
    const entry = this.#entries.get(lease.entry.id);
    return (
      entry?.state.kind === 'leased' && entry.state.owner === lease.owner && entry.attempts === lease.entry.attempts
    );
  }

  #replace(next: QueueEntry): void {
    if (!hasEnded(next.state)) {
      this.#entries.set(next.id, next);
      return;
    }
    this.#entries.delete(next.id);
    this.#freeUnlessUsed(next.contentRef);
  }

  #freeUnlessUsed(ref: string): void {
    for (const entry of this.#entries.values()) if (entry.contentRef === ref) return;
    for (const { entry } of this.#items.values()) if (entry.contentRef === ref) return;
    this.#content.free(ref);
  }
}

/** What joins the records when only some of the items were still there. */
function eventsOf(there: readonly QuarantineItem[], events: readonly RecordEvent[]): readonly RecordEvent[] {
  const records = new Set(there.map((item) => item.recordId));
  return events.filter((event) => records.has(event.recordId));
}

const NEVER = Number.POSITIVE_INFINITY;
