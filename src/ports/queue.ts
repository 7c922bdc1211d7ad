/** The promise kept: entries, leases with named owners, and what a commit holds. One contract suite runs against every engine. */
import type { Millis, Timestamp } from '../mail/time.ts';
import type { EntryState, QueueEntry } from '../queue/entry.ts';
import type { HeldClass } from '../queue/held-class.ts';
import type { Lanes } from '../queue/rooms.ts';
import type { Suspension } from '../queue/suspension.ts';
import type { RecordEvent, StoredBundle, TransactionRecord } from '../record/record.ts';
import type { ContentRef, SpooledContent } from './content.ts';
import type { Told } from './digest.ts';

/** Everything one message promises, committed together: record first, then content and entries. */
export interface Admission {
  readonly record: TransactionRecord;
  readonly events: readonly RecordEvent[];
  readonly content: SpooledContent | null;
  readonly entries: readonly QueueEntry[];
  readonly quarantine: readonly QuarantineItem[];
  /**
   * Octets that the quarantine may hold with this in it: beyond it nothing is promised (`StoreError` of kind `quarantine-full`).
   * Left out: as much as there is room for.
   */
  readonly quarantineMaxBytes?: number;
  /** Owed at once: of a message that others took, a recipient was refused. */
  readonly notifications?: readonly Notification[];
  /** A digest's: what its recipient hears of in the same commit, so that nothing is told twice or never. */
  readonly told?: Told;
  /** Entries due when they were admitted are handed out in the same commit to this owner: no second round trip. */
  readonly lease?: LeaseRequest;
}

export interface LeaseRequest {
  /** Unique to a worker's life: `node/thread/start`. */
  readonly owner: string;
  readonly until: Timestamp;
}

/** What a worker takes next: at most `limit` entries, as its lanes have room for them; everything where it names none. */
export interface LeaseWish extends LeaseRequest {
  readonly now: Timestamp;
  readonly limit: number;
  readonly lanes?: Lanes;
}

/** What is to be looked at though nobody may try it. */
export interface OverdueWish extends LeaseRequest {
  readonly now: Timestamp;
  readonly limit: number;
  /** By route: what was admitted by then, is due, and owes its sender a delay notice. */
  readonly delayed: readonly { readonly route: string; readonly admittedBy: Timestamp }[];
}

/** Rows a listing answers when its filter says no limit: what a page of a person's terminal or a worker's round can use. */
export const PAGE = 1000;

/**
 * A claim on an entry, known by owner and attempt, so that a renewed one is still the same claim; the attempt counts from
 * here (RFC 5321 §4.5.4.1 counts tries, and so does a crash). An engine that only one gateway serves from takes all leases
 * back when it is opened: the entries are due at once, and their records say that an attempt was not finished.
 */
export interface Lease {
  readonly entry: QueueEntry;
  readonly owner: string;
  readonly until: Timestamp;
}

/** What an attempt came to: the entry's next form, or its end. */
export interface Settlement {
  readonly lease: Lease;
  readonly next: QueueEntry;
  readonly events: readonly RecordEvent[];
  /** Notifications this transition owes (RFC 3464), admitted in the same commit. */
  readonly notifications: readonly Notification[];
  /** Quarantine items this transition makes, for what is undeliverable and may not be bounced. */
  readonly quarantine: readonly QuarantineItem[];
}

export interface Notification {
  readonly content: SpooledContent;
  readonly entry: QueueEntry;
  readonly record: TransactionRecord;
}

export interface QuarantineItem {
  readonly id: string;
  readonly recordId: string;
  readonly at: Timestamp;
  readonly class: HeldClass;
  readonly reason: string;
  readonly rule: string;
  /** What release would deliver, octet for octet; its state is `quarantined`. */
  readonly entry: QueueEntry;
}

export interface QueueFilter {
  readonly ids?: readonly string[];
  readonly recordId?: string;
  readonly recipient?: string;
  readonly sender?: string;
  readonly domain?: string;
  readonly route?: string;
  /** Who authenticated. */
  readonly user?: string;
  /** Stands somewhere in why it is held, or in what was said last. */
  readonly reason?: string;
  readonly state?: readonly EntryState['kind'][];
  /** Due at or before. */
  readonly dueBy?: Timestamp;
  /** Admitted at or before: age. */
  readonly admittedBy?: Timestamp;
  /** Ordered by id, which is by age; start after this one (pages). */
  readonly after?: string;
  readonly limit?: number;
}

export interface QuarantineFilter {
  readonly ids?: readonly string[];
  readonly recordId?: string;
  readonly recipient?: string;
  readonly class?: string;
  readonly since?: Timestamp;
  /** Kept aside at or before. */
  readonly until?: Timestamp;
  /** Ordered by id, which is by age; start after this one (pages). */
  readonly after?: string;
  readonly limit?: number;
}

export interface QuarantineWeight {
  /** Of all content that an item refers to, each once. */
  readonly octets: number;
  /** Items by class; classes that have none are left out. */
  readonly classes: { readonly [name in HeldClass]?: number };
}

export interface QueueStore {
  /**
   * Resolves when everything is on stable storage. Rejects with a `StoreError` when nothing of it is promised
   * (RFC 5321 §6.1: then no 250); the content is then still spooled, and the caller's to discard.
   */
  admit(admission: Admission): Promise<readonly Lease[]>;
  /**
   * Entries that are due and leased to nobody; each counts an attempt in the same commit. Destinations take turns, and the
   * senders of each, so that no flood keeps another's mail waiting; of one sender what is due longest goes first, with
   * what is due beside it of the same message.
   */
  lease(wish: LeaseWish): Promise<readonly Lease[]>;
  /** Of what is due: whose time is over, or whose senders must hear of a delay, whatever room there is; each counts an attempt. */
  leaseOverdue(wish: OverdueWish): Promise<readonly Lease[]>;
  /**
   * `lost` where the lease ran out and the entry was taken again: nothing of that settlement is kept, and its
   * notifications' content is the caller's to discard. A lease that ran out and was not taken is still ours.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly ('settled' | 'lost')[]>;
  /** Prolongs leases that are still ours; answers those that are. */
  renew(leases: readonly Lease[], until: Timestamp): Promise<readonly Lease[]>;
  /** The soonest time an entry falls due for which there is room, or a lease runs out. */
  nextDue(now: Timestamp, lanes?: Lanes): Promise<Timestamp | undefined>;
  list(filter: QueueFilter): Promise<readonly QueueEntry[]>;
  /** All that match; pages do not matter. */
  count(filter: QueueFilter): Promise<number>;
  /**
   * A person's word: each matching, unleased entry is replaced by `next` when it still is as it was listed.
   * Answers how many were.
   */
  amend(
    changes: readonly {
      readonly was: QueueEntry;
      readonly next: QueueEntry;
      readonly events: readonly RecordEvent[];
    }[],
  ): Promise<number>;

  /** In the order in which they began; also those whose time is over, until they are resumed. */
  suspensions(): Promise<readonly Suspension[]>;
  /** One of the same mail takes the place of the former. */
  suspend(suspension: Suspension): Promise<void>;
  /** Answers how many there were. */
  resume(ids: readonly string[]): Promise<number>;

  quarantined(filter: QuarantineFilter): Promise<readonly QuarantineItem[]>;
  /** Moves held items into the queue as waiting entries (their `entry`), or drops them; joins the record. Answers how many were still there. */
  release(items: readonly QuarantineItem[], events: readonly RecordEvent[], due: Timestamp): Promise<number>;
  drop(items: readonly QuarantineItem[], events: readonly RecordEvent[]): Promise<number>;
  /** How much the quarantine holds. */
  weigh(): Promise<QuarantineWeight>;

  /** Octets of admitted content. */
  read(ref: ContentRef, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface RecordQuery {
  readonly id?: string;
  readonly messageId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly client?: string;
  readonly rule?: string;
  readonly verdict?: string;
  readonly since?: Timestamp;
  readonly until?: Timestamp;
  /** Newest first; start before this id (pages). */
  readonly before?: string;
  readonly limit?: number;
}

export interface RecordStore {
  /** A record that promises nothing (a refusal): committed in order within a second. */
  append(record: TransactionRecord, events: readonly RecordEvent[]): void;
  /** Resolves when all that was appended before is on disk. */
  flush(): Promise<void>;
  addEvents(events: readonly RecordEvent[]): Promise<void>;
  /** A record with what happened later, in the order it was appended. Sees what was appended before. */
  get(id: string): Promise<{ readonly record: TransactionRecord; readonly events: readonly RecordEvent[] } | undefined>;
  /** Words as `termsOf` reads them from a record; time is that of the id. Sees what was appended before. */
  search(query: RecordQuery): Promise<readonly TransactionRecord[]>;
  /** Drops whole days that ended before; answers their names. */
  dropBefore(at: Timestamp): Promise<readonly string[]>;
  putBundle(bundle: StoredBundle): Promise<void>;
  getBundle(digest: string): Promise<StoredBundle | undefined>;
}

/** Seconds a lease lasts unless it is renewed: longer than any single command's deadline to a next hop (RFC 5321 §4.5.3.2.6, ten minutes). */
export const LEASE: Millis = 15 * 60_000;
