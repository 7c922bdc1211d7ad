/** The octets that leave: prefix, added fields and the content with its edits, streamed with one chunk in hand at a time. */
import { HEADER_OCTETS_MAX, parseHeaderSection } from '../mail/header.ts';
import type { Edit } from '../queue/entry.ts';

/** `top` goes before everything; a small message is one piece. */
export async function* spliced(
  top: Uint8Array,
  edits: readonly Edit[],
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const taken = edits.filter(takesFields);
  const replaced = edits.filter((edit) => edit.kind === 'replaceOctets').map(cutOf);
  let lead: Uint8Array[] = [top];
  // Fields are known by their number: their places are known once the header section has come.
  let opening: Uint8Array[] = [];
  let gathered = 0;
  let splice = taken.length === 0 ? new Splice(replaced) : undefined;
  const begin = (): readonly Uint8Array[] => {
    const octets = Buffer.concat(opening);
    opening = [];
    splice = new Splice([...fieldCuts(octets, taken), ...replaced]);
    return splice.push(octets);
  };
  for await (const chunk of content) {
    let pieces: readonly Uint8Array[];
    if (splice === undefined) {
      opening.push(Uint8Array.from(chunk));
      gathered += chunk.length;
      if (gathered < HEADER_OCTETS_MAX && !Buffer.concat(opening).includes('\r\n\r\n')) continue;
      pieces = begin();
    } else pieces = splice.push(chunk);
    if (pieces.length === 0) continue;
    yield joined([...lead, ...pieces]);
    lead = [];
  }
  const last = [...lead, ...(splice === undefined ? begin() : []), ...splice!.end()];
  if (last.length > 0) yield joined(last);
}

/** How much longer the content becomes by what replaces octets; fields that are taken off are not counted. */
export const grownBy = (edits: readonly Edit[]): number =>
  apart(edits.filter((edit) => edit.kind === 'replaceOctets').map(cutOf)).reduce(
    (sum, { start, end, text }) => sum + text.length - (end - start),
    0,
  );

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly text: Uint8Array;
}

/** Puts texts in the place of stretches, whatever the chunks. */
class Splice {
  readonly #cuts: readonly Cut[];
  #next = 0;
  /** The text of the next cut is out, its octets are not all past. */
  #said = false;
  #at = 0;

  constructor(cuts: readonly Cut[]) {
    this.#cuts = apart(cuts);
  }

  push(chunk: Uint8Array): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    const begin = this.#at;
    const end = begin + chunk.length;
    let at = begin;
    for (let cut = this.#cuts[this.#next]; cut !== undefined && cut.start < end; cut = this.#cuts[this.#next]) {
      if (cut.start > at) out.push(chunk.subarray(at - begin, cut.start - begin));
      if (!this.#said && cut.text.length > 0) out.push(cut.text);
      this.#said = cut.end > end;
      at = Math.max(at, Math.min(cut.end, end));
      if (this.#said) break;
      this.#next += 1;
    }
    if (at < end) out.push(at === begin ? chunk : chunk.subarray(at - begin));
    this.#at = end;
    return out;
  }

  /** What stands at the very end, or beyond it. */
  end(): readonly Uint8Array[] {
    return this.#cuts.slice(this.#next + (this.#said ? 1 : 0)).map(({ text }) => text);
  }
}

/** In order and apart: what begins within another goes with it, and only what begins first says something in its place. */
function apart(cuts: readonly Cut[]): readonly Cut[] {
  const out: Cut[] = [];
  for (const cut of [...cuts].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const before = out.at(-1);
    if (before === undefined || cut.start >= before.end) out.push(cut);
    else if (cut.end > before.end) out[out.length - 1] = { ...before, end: cut.end };
  }
  return out;
}

const cutOf = ({ start, end, text }: Edit & { readonly kind: 'replaceOctets' }): Cut => ({
  start,
  end,
  text: Buffer.from(text),
});

type Taking = Edit & { readonly kind: 'removeField' | 'removeStray' };
const takesFields = (edit: Edit): edit is Taking => edit.kind === 'removeField' || edit.kind === 'removeStray';

function fieldCuts(opening: Uint8Array, taken: readonly Taking[]): readonly Cut[] {
  const { fields, strays } = parseHeaderSection(opening.subarray(0, HEADER_OCTETS_MAX));
  const goes = (kind: Taking['kind'], n: number): boolean =>
    taken.some((edit) => edit.kind === kind && edit.index === n);
  return [...fields.filter((_, n) => goes('removeField', n)), ...strays.filter((_, n) => goes('removeStray', n))].map(
    ({ start, end }) => ({ start, end, text: NOTHING }),
  );
}

const NOTHING = new Uint8Array();
const joined = (pieces: readonly Uint8Array[]): Uint8Array =>
  pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
