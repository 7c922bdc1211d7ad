/** Content in memory, for tests and rehearsals: the same promises, forgotten at the end. */
import { hash } from 'node:crypto';
import { HEADER_OCTETS_MAX } from '../../mail/header.ts';
import type { ContentRef, ContentStore, ContentWriter, SpooledContent } from '../../ports/content.ts';

export class MemoryContent implements ContentStore {
  readonly #spooled = new Map<ContentRef, Uint8Array>();
  readonly #admitted = new Map<ContentRef, Uint8Array>();
  #drawn = 0;

  create(): ContentWriter {
    const chunks: Uint8Array[] = [];
    let size = 0;
    return {
      write: (chunk) => {
        chunks.push(Uint8Array.from(chunk));
        size += chunk.length;
        return true;
      },
      drained: () => Promise.resolve(),
      get size() {
        return size;
      },
      finish: async () => {
        this.#drawn += 1;
        const ref = `memory-${this.#drawn}`;
        const octets = Buffer.concat(chunks, size);
        this.#spooled.set(ref, octets);
        return spooledContent(ref, octets);
      },
      abandon: async () => {
        chunks.length = 0;
      },
    };
  }

  read(ref: ContentRef, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const octets = this.#admitted.get(ref);
    if (octets === undefined) return missing(ref);
    return once(octets, signal);
  }

  async discard(content: SpooledContent): Promise<void> {
    this.#spooled.delete(content.ref);
  }

  /** False when there is no such content: nothing may be promised then. */
  has(ref: ContentRef): boolean {
    return this.#spooled.has(ref) || this.#admitted.has(ref);
  }
  keep(ref: ContentRef): void {
    const octets = this.#spooled.get(ref);
    if (octets === undefined) return;
    this.#spooled.delete(ref);
    this.#admitted.set(ref, octets);
  }
  free(ref: ContentRef): void {
    this.#admitted.delete(ref);
  }
}

/** Content that lies whole in memory. */
export function spooledContent(ref: ContentRef, octets: Uint8Array): SpooledContent {
  return {
    ref,
    size: octets.length,
    sha256: hash('sha256', octets, 'hex'),
    header: octets.subarray(0, headerLength(octets)),
    open: (signal) => once(octets, signal),
  };
}

/** Up to and with the blank line that ends the header section (RFC 5322 §2.1); all there is when there is none. */
export function headerLength(octets: Uint8Array): number {
  if (octets[0] === 13 && octets[1] === 10) return 2;
  const seen = Buffer.from(octets.buffer, octets.byteOffset, Math.min(octets.length, HEADER_OCTETS_MAX));
  const end = seen.indexOf('\r\n\r\n');
  return end === -1 ? seen.length : end + 4;
}

async function* once(octets: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (octets.length > 0) yield octets;
}

async function* missing(ref: ContentRef): AsyncGenerator<Uint8Array> {
  yield* [];
  throw new Error(`Cannot read content "${ref}" as it is not there: the store is damaged, or the content was released`);
}
