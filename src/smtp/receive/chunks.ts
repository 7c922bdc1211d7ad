/** BDAT (RFC 3030 §2): octets that were counted before they came, and what becomes of them. */
import type { IncomingMessage } from './incoming-message.ts';

export interface Announced {
  readonly octets: number;
  readonly last: boolean;
}

/** What follows the verb: `chunk-size [LAST]`; undefined for anything else. */
export function readBdat(argument: string): Announced | undefined {
  const [, digits, last] = /^(\d{1,20})(?: +(LAST))?$/i.exec(argument) ?? [];
  return digits === undefined ? undefined : { octets: Number(digits), last: last !== undefined };
}

/** A chunk on its way in. What is refused is read all the same, so that none of it is taken for commands. */
export class Chunk {
  /** Octets that are still to come. */
  left: number;
  readonly octets: number;
  readonly last: boolean;
  /** Where its octets go; undefined: nowhere. */
  readonly message: IncomingMessage | undefined;
  /** Says why it was refused, once it has been read: "MUST accept and discard the associated message data" (RFC 3030 §2). */
  readonly refuse: (() => void) | undefined;

  constructor(
    { octets, last }: Announced,
    to: { readonly message: IncomingMessage } | { readonly refuse: () => void },
  ) {
    this.octets = octets;
    this.left = octets;
    this.last = last;
    this.message = 'message' in to ? to.message : undefined;
    this.refuse = 'refuse' in to ? to.refuse : undefined;
  }

  get received(): number {
    return this.octets - this.left;
  }

  /** Takes from the front what belongs to it, and answers how much that was. */
  take(octets: Uint8Array): number {
    const length = Math.min(this.left, octets.length);
    this.left -= length;
    this.message?.take(octets.subarray(0, length));
    return length;
  }
}
