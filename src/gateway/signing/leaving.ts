/** A message as it will leave, read once: its header section at hand, of its body the hash alone. */
import { HEADER_OCTETS_MAX, type HeaderField, parseHeaderSection } from '../../mail/header.ts';
import { BodyHash } from './body-hash.ts';

export interface LeavingField extends HeaderField {
  /** Its octets as characters, without the final CRLF. */
  readonly raw: string;
}

export type LeavingHeader =
  | { readonly kind: 'sound'; readonly fields: readonly LeavingField[] }
  /** Others may read it otherwise than we do: what is signed of it is not what they verify. */
  | { readonly kind: 'unsound'; readonly why: string };

/** With what rules add on top. */
const OCTETS_MAX = 2 * HEADER_OCTETS_MAX;

/**
 * Asks `wanted` of the header section, and reads the body only where it answers something. Undefined where it does not.
 * `octets` is left where it is then.
 */
export async function readLeaving<T>(
  octets: AsyncIterable<Uint8Array>,
  wanted: (header: LeavingHeader) => T | undefined,
): Promise<{ readonly wanted: T; readonly bodyHash: string } | undefined> {
  const hash = new BodyHash();
  let opening: Uint8Array[] = [];
  let gathered = 0;
  let asked: T | undefined;
  const ask = (): boolean => {
    const text = Buffer.concat(opening);
    opening = [];
    const end = bodyAt(text);
    asked = wanted(end > OCTETS_MAX ? TOO_LONG : headerOf(text.subarray(0, end)));
    if (asked !== undefined) hash.push(text.subarray(end));
    return asked !== undefined;
  };
  for await (const chunk of octets) {
    if (asked !== undefined) {
      hash.push(chunk);
      continue;
    }
    opening.push(Uint8Array.from(chunk)); // the chunk does not last
    gathered += chunk.length;
    // The mark may lie across two chunks.
    if (gathered <= OCTETS_MAX && !hasEnd(opening)) continue;
    if (!ask()) return undefined;
  }
  if (asked === undefined && !ask()) return undefined;
  return { wanted: asked!, bodyHash: hash.end() };
}

const END = '\r\n\r\n';
const TOO_LONG: LeavingHeader = { kind: 'unsound', why: `its header section takes more than ${OCTETS_MAX} octets` };

function hasEnd(opening: readonly Uint8Array[]): boolean {
  const text = opening.length === 1 ? Buffer.from(opening[0]!) : Buffer.concat(opening);
  return text.includes(END) || text.indexOf('\r\n') === 0;
}

/** Where the body begins: behind the blank line, or at the end where there is none. */
function bodyAt(text: Buffer): number {
  if (text.indexOf('\r\n') === 0) return 2;
  const end = text.indexOf(END);
  return end < 0 ? text.length : end + END.length;
}

function headerOf(octets: Buffer): LeavingHeader {
  const { fields, flaws } = parseHeaderSection(octets);
  const [flaw] = flaws;
  if (flaw !== undefined) return { kind: 'unsound', why: `in its header section, ${flaw}` };
  return {
    kind: 'sound',
    fields: fields.map((field) => ({
      ...field,
      name: field.name.toLowerCase(),
      raw: octets.toString('latin1', field.start, field.end).replace(/\r?\n$/, ''),
    })),
  };
}
