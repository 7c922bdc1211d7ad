/** One message on its way in: scanned, bounded, and written to the spool as it comes. */
import type { ContentWriter, SpooledContent } from '../../ports/content.ts';
import { ChunkScanner } from './chunk-scanner.ts';
import { type Flaw, NormalizingScanner, type Scanned, StrictScanner } from './data-scanner.ts';
import type { ReceiveLimits } from './limits.ts';
import { type Excess, MessageMeter } from './message-meter.ts';
import type { Spooling } from './spooling.ts';

export type Newline = 'strict' | 'normalize';
/** Why a message that was read to its end, or as far as we care, is not taken. */
export type MessageRefusal = Flaw | Excess | 'too-large' | 'no-room';

export class IncomingMessage {
  /** Set once the message cannot be taken any more; what follows is only read to find its end. */
  refusal: MessageRefusal | undefined;
  /** Octets that came for this message, whatever became of them: what its speed is measured by. */
  received = 0;
  readonly #writer: ContentWriter;
  readonly #limits: ReceiveLimits;
  readonly #spooling: Spooling;
  /** Of `spooling`. */
  #held = 0;
  readonly #scanner: Scanner;
  readonly #meter: MessageMeter;
  #size = 0;
  #drained = 0;
  #full = false;
  #ended = false;

  constructor(
    writer: ContentWriter,
    newline: Newline,
    limits: ReceiveLimits,
    spooling: Spooling,
    by: 'DATA' | 'BDAT' = 'DATA',
  ) {
    this.#writer = writer;
    this.#spooling = spooling;
    this.#limits = limits;
    this.#scanner = scannerFor(newline, by);
    this.#meter = new MessageMeter(limits);
  }

  /** Octets of the segment that belong to the message, or -1 while its end has not come. The segment is ours from here on. */
  take(segment: Uint8Array): number {
    this.received += segment.length;
    const { content, end } = this.#scanner.take(asBuffer(segment));
    if (this.refusal === undefined) this.#write(content);
    else this.#drained += segment.length;
    return end;
  }

  /** The spool is behind: await `drained()` before the next segment. */
  get full(): boolean {
    return this.#full;
  }

  async drained(): Promise<void> {
    this.#full = false;
    await this.#writer.drained();
  }

  /** More was sent after the refusal than we are willing to read to its end. */
  get tiresome(): boolean {
    return this.#drained > this.#limits.drainBytes;
  }

  /** Octets of a whole message of which this much more is announced would be too many. */
  overflows(announced: number): boolean {
    return this.#size + announced > this.#limits.messageBytes;
  }

  /** The last chunk has come: it may lack its line end. What comes by DATA has found its end itself. */
  complete(): void {
    if (this.refusal === undefined && this.#scanner.finish !== undefined) this.#write(this.#scanner.finish());
  }

  async finish(): Promise<SpooledContent> {
    this.#ended = true;
    return this.#writer.finish();
  }

  /** Forgets what was written, unless it was finished. */
  abandon(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.release();
    void this.#writer.abandon();
  }

  /** It is on its way in no more: it was promised, or is gone. */
  release(): void {
    this.#spooling.give(this.#held);
    this.#held = 0;
  }

  #write(content: Uint8Array): void {
    this.#size += content.length;
    // RFC 1870 §6.3: the octets counted are those of the content, without the stuffed dots.
    this.refusal =
      this.#scanner.flaw ??
      (this.#size > this.#limits.messageBytes ? 'too-large' : undefined) ??
      this.#meter.take(content) ??
      (this.#spooling.take(content.length) ? undefined : 'no-room');
    if (this.refusal === undefined) this.#held += content.length;
    if (this.refusal !== undefined) this.abandon();
    else if (content.length > 0 && !this.#writer.write(content)) this.#full = true;
  }
}

interface Scanner {
  readonly flaw: MessageRefusal | undefined;
  take(segment: Buffer): Scanned;
  finish?(): Uint8Array;
}

function scannerFor(newline: Newline, by: 'DATA' | 'BDAT'): Scanner {
  if (by === 'BDAT') return new ChunkScanner(newline);
  return newline === 'strict' ? new StrictScanner() : new NormalizingScanner();
}

const asBuffer = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.length);
