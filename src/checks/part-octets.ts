/** The decoded octets of parts, each cut out of one reading of the message. */
import { decoderFor } from '../mime/decode.ts';
import type { Part } from '../mime/inside.ts';

/** Reads the octets once, from front to back; what was passed is gone. */
export class Cursor {
  readonly #octets: AsyncIterator<Uint8Array>;
  /** What was read and not handed out. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Where `#rest` begins. */
  #at = 0;

  constructor(octets: AsyncIterable<Uint8Array>) {
    this.#octets = octets[Symbol.asyncIterator]();
  }

  get at(): number {
    return this.#at;
  }

  /** From `start`, which must not lie behind, to `end`, or to the end of the message. */
  async *slice(start: number, end: number): AsyncIterable<Uint8Array> {
    while (this.#at < end) {
      if (this.#rest.length === 0) {
        const next = await this.#octets.next();
        if (next.done === true) return;
        this.#rest = next.value;
      }
      const skip = Math.min(Math.max(0, start - this.#at), this.#rest.length);
      const taken = this.#rest.subarray(skip, Math.max(skip, end - this.#at));
      this.#at += skip + taken.length;
      this.#rest = this.#rest.subarray(skip + taken.length);
      if (taken.length > 0) yield taken;
    }
  }

  async close(): Promise<void> {
    await this.#octets.return?.();
  }
}

/** Decoded as the walk decodes: what it measured is what is scanned. BinHex is scanned as it stands: clamd knows it. */
export async function* decoded(
  { reading }: { readonly reading: Part['reading'] | 'binhex' },
  octets: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (reading === 'identity' || reading === 'binhex') {
    yield* octets;
    return;
  }
  const decoder = decoderFor(reading);
  let out: Uint8Array[] = [];
  const take = (piece: Uint8Array): void => void out.push(piece);
  for await (const chunk of octets) {
    decoder.write(chunk, take);
    yield* out;
    out = [];
  }
  decoder.end(take);
  yield* out;
}
