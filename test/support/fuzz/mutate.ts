/** Conversations with octets flipped, dropped, repeated, spliced and cut off: what no grammar thinks of. */
import { readdirSync, readFileSync } from 'node:fs';
import fc, { type Arbitrary } from 'fast-check';
import { readDialogue } from '../dialogue.ts';
import type { Piece } from './grammar.ts';

/** What the clients of the recorded dialogues said, a piece a turn. */
export function recordedPieces(): readonly (readonly Piece[])[] {
  const folder = new URL('../../../fixtures/dialogues/', import.meta.url);
  return readdirSync(folder)
    .toSorted()
    .map((name) =>
      readDialogue(readFileSync(new URL(name, folder), 'utf8')).turns.flatMap((turn) =>
        turn.kind === 'client' ? [{ octets: turn.segments.join(''), listens: true }] : [],
      ),
    )
    .filter((pieces) => pieces.length > 0 && pieces.every(({ octets }) => octets.length < LONG));
}

/** Longer than this one costs more than it finds: the bounds it is about are lower here. */
const LONG = 100_000;

interface Mutation {
  readonly kind: 'flip' | 'drop' | 'repeat' | 'splice' | 'truncate' | 'swap';
  /** Which piece, and where in it; both are taken round and round. */
  readonly piece: number;
  readonly at: number;
  readonly length: number;
  readonly bit: number;
}

const mutation: Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom<Mutation['kind']>('flip', 'flip', 'drop', 'repeat', 'splice', 'truncate', 'swap'),
  piece: fc.nat(30),
  at: fc.nat(300),
  length: fc.nat(40),
  bit: fc.nat(7),
});

export function mutated(
  of: Arbitrary<readonly Piece[]>,
  others: readonly (readonly Piece[])[],
): Arbitrary<readonly Piece[]> {
  return fc
    .tuple(of, fc.constantFrom(...others), fc.array(mutation, { maxLength: 5 }))
    .map(([pieces, other, all]) => all.reduce((now, one) => mutate(now, one, other), pieces));
}

function mutate(pieces: readonly Piece[], { kind, piece, at, length, bit }: Mutation, other: readonly Piece[]) {
  const n = pieces.length === 0 ? 0 : piece % pieces.length;
  const hit = pieces[n];
  if (hit === undefined) return pieces;
  const { octets } = hit;
  const from = at % (octets.length + 1);
  const upto = from + length;
  const become = (text: string): readonly Piece[] => pieces.with(n, { ...hit, octets: text });
  switch (kind) {
    case 'flip': {
      const flipped = octets.length === from ? '' : String.fromCharCode(octets.charCodeAt(from) ^ (1 << bit));
      return become(`${octets.slice(0, from)}${flipped}${octets.slice(from + 1)}`);
    }
    case 'drop':
      return become(octets.slice(0, from) + octets.slice(upto));
    case 'repeat':
      return length > 20 ? pieces.toSpliced(n, 0, hit) : become(octets.slice(0, upto) + octets.slice(from));
    case 'splice':
      return [...pieces.slice(0, n), ...other.slice(piece % (other.length + 1)), ...(bit > 3 ? pieces.slice(n) : [])];
    case 'truncate':
      return pieces.slice(0, n).concat({ octets: octets.slice(0, from), listens: hit.listens });
    case 'swap':
      return become(octets.slice(from) + octets.slice(0, from));
  }
}
