/** Keeps a flood of refusals from becoming a flood of records: beyond a rate from one network, the like fold into one with a count. */
import type { Millis, Timestamp } from '../mail/time.ts';
import type { FactValue } from '../policy/facts.ts';
import type { RecordStore } from '../ports/queue.ts';
import type { RecordEvent, TransactionRecord } from '../record/record.ts';

/** Records of one kind from one network that a window keeps whole; a person reads no more of them than that. */
const WHOLE_MAX = 20;
/** Kinds watched at once; a flood from more networks than this is recorded whole, never lost. */
const KINDS_MAX = 20_000;

interface Window {
  readonly ends: Timestamp;
  count: number;
  /** The latest of those beyond the limit: it stands for all of them. */
  last: TransactionRecord | undefined;
}

export class RecordFold implements Pick<RecordStore, 'append'> {
  readonly #records: Pick<RecordStore, 'append'>;
  readonly #span: Millis;
  readonly #windows = new Map<string, Window>();

  constructor(records: Pick<RecordStore, 'append'>, span: Millis) {
    this.#records = records;
    this.#span = span;
  }

  append(record: TransactionRecord, events: readonly RecordEvent[]): void {
    const window = this.#window(kindOf(record), record.at);
    window.count += 1;
    if (window.count <= WHOLE_MAX) this.#records.append(record, events);
    else window.last = record;
  }

  /** Writes what has been folded in windows that ended; with no time given, in all of them. */
  sweep(now: Timestamp = Number.POSITIVE_INFINITY): void {
    for (const [kind, window] of this.#windows) {
      if (window.ends > now) continue;
      this.#windows.delete(kind);
      if (window.last !== undefined) this.#records.append({ ...window.last, count: window.count - WHOLE_MAX }, []);
    }
  }

  #window(kind: string, at: Timestamp): Window {
    const known = this.#windows.get(kind);
    if (known !== undefined && known.ends > at) return known;
    this.sweep(at);
    const window: Window = { ends: at + this.#span, count: 0, last: undefined };
    if (this.#windows.size < KINDS_MAX) this.#windows.set(kind, window);
    return window;
  }
}

/** The like: same network, listener and reason. */
function kindOf(record: TransactionRecord): string {
  const client = record.facts.client as { readonly network?: FactValue } | undefined;
  const reasons = [
    record.session.end?.reason ?? '',
    ...record.recipients.map((recipient) => recipient.reason),
    ...record.replies.map((sent) => sent.reason ?? ''),
  ];
  return [record.kind, client?.network ?? '', record.listener, ...new Set(reasons)].join(' ');
}
