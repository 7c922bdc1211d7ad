/** Message content as octets: written once while it arrives, referred to from then on. */

/** Opaque: where the octets lie is the store's affair. */
export type ContentRef = string;

/** Content that has arrived whole, CRLF lines, dot-unstuffed, and is not promised yet. */
export interface SpooledContent {
  readonly ref: ContentRef;
  readonly size: number;
  /** SHA-256 of all octets, lower-case hex. */
  readonly sha256: string;
  /** The header section with its ending blank line, at most the header limit. */
  readonly header: Uint8Array;
  /** The octets from the start, as often as asked. A piece stands until the next one is asked for: whoever keeps it copies. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Takes the octets of one message. Exactly one of `finish` and `abandon` ends it. */
export interface ContentWriter {
  /** False: await `drained()` before writing on. What is kept of the chunk is copied: its octets are the caller's again. */
  write(chunk: Uint8Array): boolean;
  drained(): Promise<void>;
  /** What was written so far. */
  readonly size: number;
  /** Rejects with a `StoreError` when the spool could not take it. */
  finish(): Promise<SpooledContent>;
  /** Forgets what was written. Never rejects. */
  abandon(): Promise<void>;
}

export interface ContentStore {
  /** Small content stays in memory until it is admitted; large content goes to the spool as it comes. */
  create(): ContentWriter;
  /** Content that was admitted, each piece until the next one is asked for. Rejects when it is not there (the store is damaged). */
  read(ref: ContentRef, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Releases spooled content that was refused. Never rejects. */
  discard(content: SpooledContent): Promise<void>;
}
