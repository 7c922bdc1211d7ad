/** What clients and the store thread say to each other. Each client has a port of its own; whatever waits on any of them is committed together. */
import type { ContentRef } from '../../ports/content.ts';
import type { Told } from '../../ports/digest.ts';
import type {
  LeaseWish,
  OverdueWish,
  QuarantineFilter,
  QuarantineWeight,
  QueueFilter,
  RecordQuery,
} from '../../ports/queue.ts';
import type { StoreError } from '../../ports/store-error.ts';
import type { HeldClass } from '../../queue/held-class.ts';
import type { Lanes } from '../../queue/rooms.ts';
import type { Suspension } from '../../queue/suspension.ts';
import type { UntoldRows } from './digest-tables.ts';
import type { EntryRow, EventRow, ItemRow, RecordRow, StoredEntry } from './rows.ts';

/** Small content travels in `body`; large content lies in the spool already. */
export interface ContentRow {
  readonly ref: ContentRef;
  readonly size: number;
  readonly body: Uint8Array | null;
}

export interface Promised {
  readonly record: RecordRow;
  readonly content: ContentRow | null;
  readonly entries: readonly EntryRow[];
  readonly items: readonly ItemRow[];
}

/** Kept only when the entry is leased to `owner` at this attempt. */
export interface Settled {
  readonly id: string;
  readonly owner: string;
  readonly attempts: number;
  /** null: the entry leaves the queue. */
  readonly next: EntryRow | null;
  readonly content: ContentRef;
  readonly events: readonly EventRow[];
  readonly notifications: readonly Promised[];
  readonly items: readonly ItemRow[];
}

export type Write =
  | {
      readonly do: 'admit';
      readonly promised: Promised;
      readonly notifications: readonly Promised[];
      readonly quarantineMaxBytes: number | undefined;
      readonly told?: Told;
    }
  | { readonly do: 'lease'; readonly wish: LeaseWish }
  | { readonly do: 'leaseOverdue'; readonly wish: OverdueWish }
  | { readonly do: 'suspend'; readonly suspension: Suspension }
  | { readonly do: 'resume'; readonly ids: readonly string[] }
  | { readonly do: 'settle'; readonly settled: readonly Settled[] }
  | {
      readonly do: 'renew';
      readonly leases: readonly { readonly id: string; readonly owner: string; readonly attempts: number }[];
      readonly until: number;
    }
  | {
      readonly do: 'amend';
      readonly changes: readonly {
        readonly id: string;
        readonly was: string;
        readonly next: EntryRow | null;
        readonly events: readonly EventRow[];
      }[];
    }
  | {
      readonly do: 'release';
      readonly items: readonly { readonly id: string; readonly entry: EntryRow }[];
      readonly events: readonly EventRow[];
    }
  | { readonly do: 'drop'; readonly ids: readonly string[]; readonly events: readonly EventRow[] }
  | { readonly do: 'roundEnded'; readonly begun: number }
  | { readonly do: 'events'; readonly events: readonly EventRow[] }
  /** Everything told before is committed when this is answered. */
  | { readonly do: 'flush' };

export type Read =
  | { readonly do: 'list'; readonly filter: QueueFilter }
  | { readonly do: 'count'; readonly filter: QueueFilter }
  | { readonly do: 'nextDue'; readonly lanes: Lanes | undefined }
  | { readonly do: 'suspensions' }
  | { readonly do: 'quarantined'; readonly filter: QuarantineFilter }
  | { readonly do: 'weigh' }
  | { readonly do: 'untoldRecipients'; readonly after: string; readonly limit: number }
  | {
      readonly do: 'untold';
      readonly recipient: string;
      readonly classes: readonly HeldClass[];
      readonly limit: number;
    }
  | { readonly do: 'lastRound' }
  | { readonly do: 'content'; readonly ref: ContentRef }
  | { readonly do: 'record'; readonly id: string }
  | { readonly do: 'search'; readonly query: RecordQuery }
  | { readonly do: 'dropBefore'; readonly at: number }
  | { readonly do: 'remembered' };

/** Told, not asked: nobody waits. */
export type Tell =
  | { readonly do: 'append'; readonly record: RecordRow }
  | { readonly do: 'remember'; readonly keys: readonly StateRow[] };

/** `json` null: forgotten. */
export type StateRow = readonly [space: string, key: string, json: string | null, expires: number];

export interface Ask {
  readonly no: number;
  readonly what: Write | Read;
}
export type Message = readonly (Ask | { readonly no: 0; readonly what: Tell })[];

/** What each question is answered with. `freed` names content that is gone, so that no cache keeps it. */
export interface Answers {
  readonly admit: readonly ContentRef[];
  readonly lease: readonly StoredEntry[];
  readonly leaseOverdue: readonly StoredEntry[];
  readonly suspend: undefined;
  readonly resume: number;
  readonly settle: { readonly came: readonly ('settled' | 'lost')[]; readonly freed: readonly ContentRef[] };
  readonly renew: readonly boolean[];
  readonly amend: { readonly count: number; readonly freed: readonly ContentRef[] };
  readonly release: number;
  readonly drop: { readonly count: number; readonly freed: readonly ContentRef[] };
  readonly roundEnded: undefined;
  readonly events: undefined;
  readonly flush: undefined;
  readonly list: readonly StoredEntry[];
  readonly count: number;
  readonly nextDue: number | undefined;
  readonly suspensions: readonly Suspension[];
  readonly quarantined: readonly string[];
  readonly weigh: QuarantineWeight;
  readonly untoldRecipients: readonly string[];
  readonly untold: UntoldRows;
  readonly lastRound: number | undefined;
  /** `body` null: it lies in the spool. */
  readonly content: { readonly body: Uint8Array | null } | undefined;
  readonly record: { readonly json: string; readonly events: readonly string[] } | undefined;
  readonly search: readonly string[];
  readonly dropBefore: readonly string[];
  readonly remembered: readonly StateRow[];
}

/** An Error loses its class on the way: its parts travel. */
export interface Refused {
  readonly kind: StoreError['kind'] | 'range';
  readonly message: string;
}
export type Answer =
  | { readonly no: number; readonly value: unknown }
  | { readonly no: number; readonly refused: Refused };

/** From the thread that opened the store to the store thread. */
export type Control = { readonly kind: 'join'; readonly port: unknown } | { readonly kind: 'close' };
/** From the store thread to the one that opened it. */
export type Notice =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly refused: Refused }
  | { readonly kind: 'closed' }
  | { readonly kind: 'warn'; readonly name: string; readonly data: { readonly [key: string]: unknown } };

export interface ThreadData {
  readonly path: string;
  readonly mode: 'serve' | 'visit';
  readonly minFreeBytes: number;
}
