/** The waits of a thread's sessions for what the store says (`deliver: cut_through`): each ends by a word, its time, its client or a drain. */
import type { Reply } from '../mail/reply.ts';
import type { Millis } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { RecordEvent } from '../record/record.ts';

/** A message that is safe, and whose client waits. */
export interface Awaited {
  readonly recordId: string;
  /** Ids of all entries it waits for. */
  readonly entries: readonly string[];
  readonly span: Millis;
}

/** What came of the first attempts, all of them. */
export type Word =
  /** By every recipient; the reply is that to the first. */
  | { readonly kind: 'taken'; readonly reply: Reply }
  /** For good, by every recipient: whoever sends holds the entries until it hears whether the client was told. */
  | { readonly kind: 'refused'; readonly replies: readonly Reply[] }
  /** Anything else: the queue goes on with it. */
  | { readonly kind: 'queued' };

/** Whether the client itself has heard the refusal. */
export type Heard = 'told' | 'untold';

export interface StoreWordsParts {
  readonly clock: Pick<Clock, 'sleep'>;
  /** To whoever sends. Only the first word of a message counts there. */
  readonly report: (recordId: string, heard: Heard) => void;
  /** Puts on record what a client was told. */
  readonly addEvents: (events: readonly RecordEvent[]) => Promise<void>;
}

export class StoreWords {
  readonly report: StoreWordsParts['report'];
  readonly addEvents: StoreWordsParts['addEvents'];
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #waiting = new Map<string, (word: Word | undefined) => void>();
  #draining = false;

  constructor({ clock, report, addEvents }: StoreWordsParts) {
    this.#clock = clock;
    this.report = report;
    this.addEvents = addEvents;
  }

  /** Before anybody may send it. Undefined: no word came, and whoever sends knows that nobody listens any more. Does not reject. */
  async await({ recordId, span }: Awaited, left: AbortSignal): Promise<Word | undefined> {
    const enough = new AbortController();
    const over = AbortSignal.any([left, enough.signal]);
    const word = await new Promise<Word | undefined>((resolve) => {
      this.#waiting.set(recordId, resolve);
      if (this.#draining) resolve(undefined);
      // Rejects where the client leaves, or all is said.
      this.#clock.sleep(span, over).then(
        () => resolve(undefined),
        () => resolve(undefined),
      );
    });
    enough.abort();
    this.#waiting.delete(recordId);
    if (word === undefined) this.report(recordId, 'untold');
    return word;
  }

  /** From whoever sends. Too late for one that waits no more: that was reported. */
  came(recordId: string, word: Word): void {
    this.#waiting.get(recordId)?.(word);
  }

  /** While it is on, nobody waits. */
  drain(on: boolean): void {
    this.#draining = on;
    if (on) for (const resolve of this.#waiting.values()) resolve(undefined);
  }
}
