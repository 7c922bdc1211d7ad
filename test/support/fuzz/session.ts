/** What a client does in one session of the fuzzer: octets, where they are cut, where it listens, and how it leaves. */
import fc, { type Arbitrary } from 'fast-check';
import { conversation, type Piece } from './grammar.ts';
import { mutated } from './mutate.ts';

export type Leaving = 'quit' | 'half-close' | 'destroy' | 'reset';

export interface FuzzSession {
  /** In order; a piece with `listens` is answered before the next is sent, as far as it is answered at all. */
  readonly pieces: readonly Piece[];
  /** Each piece is cut once, at its octet of this number (round and round); none: it goes in one segment. */
  readonly cuts: readonly number[];
  /** Waits for the greeting before it speaks. */
  readonly polite: boolean;
  /** After 220 to STARTTLS: shakes hands, or goes on in plain text. */
  readonly handshake: boolean;
  readonly leaves: Leaving;
}

/** From the grammar, from the recorded dialogues, and from both with octets changed. */
export function anySession(recorded: readonly (readonly Piece[])[]): Arbitrary<FuzzSession> {
  const said = fc.oneof(
    { weight: 5, arbitrary: conversation },
    { weight: 2, arbitrary: mutated(conversation, recorded) },
    { weight: 3, arbitrary: mutated(fc.constantFrom(...recorded), recorded) },
  );
  return fc.record({
    pieces: fc.oneof({ weight: 6, arbitrary: said }, { weight: 1, arbitrary: said.map(pipelined) }),
    cuts: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(fc.nat(200), { maxLength: 6 }) },
    ),
    polite: fc.boolean(),
    handshake: fc.boolean(),
    leaves: fc.constantFrom<Leaving>('quit', 'quit', 'half-close', 'destroy', 'reset'),
  });
}

/** All of it in one go: whoever listens to nobody. */
const pipelined = (pieces: readonly Piece[]): readonly Piece[] => [
  { octets: pieces.map(({ octets }) => octets).join(''), listens: true },
];

/** For a person to read and to play again. */
export const tellSession = ({ pieces, ...how }: FuzzSession): string =>
  [JSON.stringify(how), ...pieces.map(({ octets, listens }) => `${listens ? 'C:' : 'C|'} ${shown(octets)}`)].join('\n');

const SHOWN_MAX = 1000;
const shown = (octets: string): string => {
  const cut = octets.length > SHOWN_MAX ? ` and ${octets.length - SHOWN_MAX} octets more` : '';
  const text = JSON.stringify(octets.slice(0, SHOWN_MAX));
  return text.replace(/[\x7f-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`) + cut;
};
