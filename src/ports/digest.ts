/** Whom to tell of held messages: what each recipient was not told of yet, kept by the store so that a crash neither repeats nor skips. */
import type { Timestamp } from '../mail/time.ts';
import type { HeldClass } from '../queue/held-class.ts';
import type { QuarantineItem } from './queue.ts';

/** What was held for one recipient and not told, at one moment. */
export interface Untold {
  /** The newest first, of the classes asked for, as many as were asked for. */
  readonly items: readonly QuarantineItem[];
  /** All there are, by class; what is undeliverable is nobody's news and never among them. */
  readonly counts: { readonly [name in HeldClass]?: number };
  /** Stands for all of it: what is held later comes after. */
  readonly through: number;
}

export interface Told {
  readonly recipient: string;
  readonly through: number;
}

export interface DigestStore {
  /** Recipients with something untold, in an order of the store's own, after this one; '' for the first. Compared without case. */
  untoldRecipients(after: string, limit: number): Promise<readonly string[]>;
  untold(recipient: string, classes: readonly HeldClass[], limit: number): Promise<Untold>;
  /** When the last round through all recipients was begun that came to its end. */
  lastRound(): Promise<Timestamp | undefined>;
  roundEnded(begun: Timestamp): Promise<void>;
}
