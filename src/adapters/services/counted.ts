/** Tells whether a message was handed over whole: a verdict that comes before is no verdict of it. */
import { ServiceError } from '../../ports/services.ts';

const CHUNK = 64 * 1024;

export class Counted {
  #left: number;
  readonly #octets: AsyncIterable<Uint8Array>;

  constructor(octets: AsyncIterable<Uint8Array>, size: number) {
    this.#octets = octets;
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for await (const piece of this.#octets) {
      // In bits, so that what was counted is never far ahead of what was taken.
      for (let at = 0; at < piece.length; at += CHUNK) {
        const chunk = piece.subarray(at, at + CHUNK);
        this.#left -= chunk.length;
        yield chunk;
      }
    }
  }

  mustBeWhole(): void {
    if (this.#left > 0) throw new ServiceError('garbage', 'a verdict before the message was whole');
  }
}
