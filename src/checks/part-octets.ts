/** The decoded octets of parts, each cut out of one reading of the message. */
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

export function decoded({ encoding }: Pick<Part, 'encoding'>, octets: AsyncIterable<Uint8Array>) {
  if (encoding === 'base64') return transformed(octets, takeBase64);
  return encoding === 'quoted-printable' ? transformed(octets, takeQuotedPrintable) : octets;
}

/** What of a text can be decoded already, and what must wait for more. */
type Take = (text: string, last: boolean) => { readonly octets: Buffer; readonly rest: string };

async function* transformed(octets: AsyncIterable<Uint8Array>, take: Take): AsyncIterable<Uint8Array> {
  let rest = '';
  for await (const chunk of octets) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const taken = take(text, false);
    rest = taken.rest;
    if (taken.octets.length > 0) yield taken.octets;
  }
  const { octets: left } = take(rest, true);
  if (left.length > 0) yield left;
}

/** All but the alphabet is passed over (RFC 2045 §6.8), padding in the middle too, as clients do. */
const takeBase64: Take = (text, last) => {
  const letters = text.replace(/[^A-Za-z0-9+/]/g, '');
  const whole = last ? letters.length : letters.length - (letters.length % 4);
  return { octets: Buffer.from(letters.slice(0, whole), 'base64'), rest: letters.slice(whole) };
};

/** RFC 2045 §6.7; an `=` that begins nothing stands for itself. */
const takeQuotedPrintable: Take = (text, last) => {
  const open = last ? -1 : text.search(/=[0-9A-Fa-f]?$|=[ \t]*\r?$/);
  const whole = open < 0 || text.length - open > SOFT_MAX ? text.length : open;
  const plain = text
    .slice(0, whole)
    .replace(/=[ \t]{0,76}\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { octets: Buffer.from(plain, 'latin1'), rest: text.slice(whole) };
};

/** A soft line break with the blanks that may follow its `=`; a line has 76 (RFC 2045 §6.7 (5)). */
const SOFT_MAX = 80;
