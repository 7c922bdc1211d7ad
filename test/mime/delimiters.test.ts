import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bounded, Delimiters } from '../../src/mime/delimiters.ts';

const frames = (...all: string[][]): Bounded[] => all.map((one, n) => ({ path: `${n}`, boundaries: new Set(one) }));
const matched = (open: Bounded[], text: string) => new Delimiters(open, false).match(text);

/** Each tried, from the innermost out: what the search must come to. */
function tried(open: readonly Bounded[], text: string): unknown {
  for (let frame = open.length - 1; frame >= 0; frame--) {
    const { boundaries } = open[frame]!;
    if (boundaries.has(text)) return { kind: 'delimiter', frame, close: false };
    if (text.endsWith('--') && boundaries.has(text.slice(0, -2))) return { kind: 'delimiter', frame, close: true };
  }
  return open.some(({ boundaries }) => [...boundaries].some((one) => text.startsWith(one))) ? 'near' : undefined;
}

describe('delimiters', () => {
  test.each([
    ['a', { kind: 'delimiter', frame: 1, close: false }],
    ['a--', { kind: 'delimiter', frame: 1, close: true }],
    ['b', { kind: 'delimiter', frame: 0, close: false }],
    ['c--', { kind: 'delimiter', frame: 0, close: false }],
    ['ab', { kind: 'near', path: '1' }],
    ['bé--x', { kind: 'near', path: '0' }],
    ['', undefined],
    ['A', undefined],
    ['-', undefined],
  ])('%j', (text, expected) => {
    expect(matched(frames(['a', 'b', 'c--', 'c'], ['a']), text)).toEqual(expected);
  });

  test('are found as by trying each', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 1, maxLength: 5 });
    const open = fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 5 }).map((all) => frames(...all));
    fc.assert(
      fc.property(open, word, (some, text) => {
        const found = matched(some, text);
        expect(found?.kind === 'near' ? 'near' : found).toEqual(tried(some, text));
      }),
      { numRuns: 3000, seed: 4 },
    );
  });

  test('what cannot be one is told by its first octet and its length', () => {
    const delimiters = new Delimiters(frames(['abc'], ['bc']), false);
    expect(delimiters.mayBe(97, 3)).toBe(true);
    expect(delimiters.mayBe(98, 2)).toBe(true);
    expect(delimiters.mayBe(99, 3)).toBe(false);
    expect(delimiters.mayBe(97, 1)).toBe(false);
    expect(new Delimiters([], true).mayBe(120, 1)).toBe(true);
    expect(new Delimiters([], true).mayBe(13, 2)).toBe(false);
  });
});
