/** Messages whose clients wait for the store: gathers what their first attempts came to, and holds a refusal back until it is known who hears of it. */
import { type Millis, seconds } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/queue.ts';
import type { AttemptResult, Refusal } from '../queue/transition.ts';
import type { Awaited, Heard, Word } from './store-words.ts';

/** Beyond the client's own time: a session that says nothing by then is gone, and a refusal goes the way of any other. */
const REPORT: Millis = seconds(10);

/** The way to the session of a message: of a thread, all have the same. */
export type SessionLine = (recordId: string, word: Word) => void;

interface Waiting {
  readonly recordId: string;
  readonly line: SessionLine;
  /** Entries that nothing is known of yet. */
  readonly open: Set<string>;
  /** What each came to, as long as all are alike. */
  results: AttemptResult[];
  /** Not all were taken, and not all were refused. */
  mixed: boolean;
  readonly over: AbortController;
  readonly decided: Promise<Heard>;
  readonly decide: (heard: Heard) => void;
}

/** Refused, and not at their end before `heard`. */
export interface HeldBack {
  readonly refusals: readonly { readonly lease: Lease; readonly result: Refusal }[];
  readonly heard: Promise<Heard>;
}

export class CutThrough {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #byRecord = new Map<string, Waiting>();
  readonly #byEntry = new Map<string, Waiting>();

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock;
  }

  /** Before the entries come into the dispatcher's hands. */
  expect({ recordId, entries, span }: Awaited, line: SessionLine): void {
    let decide: (heard: Heard) => void = () => {};
    const decided = new Promise<Heard>((resolve) => {
      decide = resolve;
    });
    const over = new AbortController();
    const open = new Set(entries);
    const waiting: Waiting = { recordId, line, open, results: [], mixed: false, over, decided, decide };
    this.#byRecord.set(recordId, waiting);
    for (const id of entries) this.#byEntry.set(id, waiting);
    this.#clock.sleep(span + REPORT, over.signal).then(
      () => this.heard(recordId, 'untold'),
      () => {}, // it ended in time
    );
  }

  /**
   * What an attempt for entries of one message came to. Where it may be that the client is told of all that was refused, those entries
   * have to wait for the answer; undefined: nothing has. A copy beside them has nobody who waits for it.
   */
  came(leases: readonly Lease[], results: readonly AttemptResult[]): HeldBack | undefined {
    let heard: Promise<Heard> | undefined;
    const refusals: { lease: Lease; result: Refusal }[] = [];
    for (const [n, lease] of leases.entries()) {
      const waiting = this.#byEntry.get(lease.entry.id);
      if (waiting === undefined) continue;
      heard = waiting.decided;
      const result = results[n];
      if (result?.kind === 'permanent') refusals.push({ lease, result });
      this.#note(waiting, lease.entry.id, result);
    }
    return heard === undefined || refusals.length === 0 ? undefined : { refusals, heard };
  }

  /** An entry that leaves the dispatcher's hands; where nothing came of it, its client need not wait for it. */
  passed(id: string): void {
    const waiting = this.#byEntry.get(id);
    if (waiting !== undefined) this.#note(waiting, id, undefined);
  }

  /** A session says whether its client was told, or that it waits no more. */
  heard(recordId: string, heard: Heard): void {
    const waiting = this.#byRecord.get(recordId);
    if (waiting !== undefined) this.#end(waiting, heard);
  }

  /** The sessions behind a line are no more. */
  gone(line: SessionLine): void {
    for (const waiting of this.#byRecord.values()) if (waiting.line === line) this.#end(waiting, 'untold');
  }

  /** Nobody is waited for any more. */
  stop(): void {
    for (const waiting of this.#byRecord.values()) this.#end(waiting, 'untold');
  }

  #note(waiting: Waiting, id: string, result: AttemptResult | undefined): void {
    this.#byEntry.delete(id);
    waiting.open.delete(id);
    const [before] = waiting.results;
    if (result === undefined || (result.kind !== 'delivered' && result.kind !== 'permanent')) waiting.mixed = true;
    else if (before !== undefined && before.kind !== result.kind) waiting.mixed = true;
    else waiting.results.push(result);
    // It hears 250 whatever else comes: what was refused of it goes the way of all that is refused after that.
    if (waiting.mixed) waiting.decide('untold');
    if (waiting.open.size > 0) return;
    const word = wordOf(waiting);
    waiting.line(waiting.recordId, word);
    if (word.kind !== 'refused') this.#end(waiting, 'untold');
  }

  #end(waiting: Waiting, heard: Heard): void {
    waiting.over.abort();
    this.#byRecord.delete(waiting.recordId);
    for (const id of waiting.open) this.#byEntry.delete(id);
    waiting.decide(heard);
  }
}

function wordOf({ mixed, results }: Waiting): Word {
  const replies = results.flatMap((result) => ('reply' in result && result.reply !== null ? [result.reply] : []));
  const [first] = results;
  if (mixed || first === undefined) return { kind: 'queued' };
  return first.kind === 'permanent' ? { kind: 'refused', replies } : { kind: 'taken', reply: replies[0]! };
}
