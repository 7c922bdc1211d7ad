/** Whom to ask who is known: directories, databases and stores beyond this process, and the desk that asks them once for all threads. */
import type { Timestamp } from '../mail/time.ts';

/** An address as a source is asked for it. */
export interface AskedAddress {
  /** With its local part in quotes where it needs them; in lower case. */
  readonly address: string;
  /** As the sender wrote it: a store may tell upper case from lower. */
  readonly local: string;
  /** As A-label. */
  readonly domain: string;
}

/** How an answer came about: the source said it just now, or a while ago, or is silent and is stood in for. */
export type AnsweredBy = 'asked' | 'remembered' | 'last_known' | 'on_error' | 'assumed';

export interface LiveAnswer {
  readonly result: 'known' | 'unknown' | 'unsure';
  readonly by: AnsweredBy;
}

export interface RecipientDesk {
  /** `source` by the number the desk gave it. Answers in bounded time, whatever the source does; never rejects but when the desk is gone. */
  ask(source: string, asked: AskedAddress): Promise<LiveAnswer>;
}

/** One source. Whatever is neither yes nor no rejects with a `SourceError`. */
export interface RecipientClient {
  /** A yes of one that takes everybody is no answer: it rejects. */
  ask(asked: AskedAddress, signal: AbortSignal): Promise<'known' | 'unknown'>;
  close(): void;
}

/** Why there is no answer, bounded and clean; no secret stands in it. */
export class SourceError extends Error {
  /** `catch-all`: it takes every name of this domain, and says nothing by it; else it is the source that is in trouble, or `unsure` of this one address. */
  readonly kind: 'down' | 'unsure' | 'catch-all';
  constructor(kind: SourceError['kind'], why: string) {
    super(why);
    this.name = 'SourceError';
    this.kind = kind;
  }
}

/** A source as `status` tells of it. */
export interface SourceStatus {
  readonly source: string;
  readonly state: 'up' | 'down' | 'not asked yet';
  readonly since: Timestamp;
  /** Why it is down, or was last; '' where it never was. */
  readonly lastError: string;
  /** Domains of which it takes every name, and is not believed. */
  readonly catchAll: readonly string[];
}
