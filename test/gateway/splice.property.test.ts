import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grownBy, spliced } from '../../src/gateway/splice.ts';
import type { Edit } from '../../src/queue/entry.ts';
import { spoiled } from '../support/spoiled.ts';

const FIELDS = ['A: 1\r\n', 'B: 2\r\n folded\r\n', 'a: 3\r\n'];
const HEADER = FIELDS.join('');

/** The simple way: the whole message in hand, fields first to last. Edits that overlap are none of it. */
function simple(content: string, edits: readonly Edit[]): string {
  const cuts = edits.flatMap((edit): { start: number; end: number; text: string }[] => {
    if (edit.kind === 'replaceOctets') return [edit];
    if (edit.kind !== 'removeField') return [];
    const start = FIELDS.slice(0, edit.index).join('').length;
    return [{ start, end: start + FIELDS[edit.index]!.length, text: '' }];
  });
  let text = content;
  for (const { start, end, text: put } of cuts.sort((a, b) => b.start - a.start || b.end - a.end))
    text = text.slice(0, start) + put + text.slice(end);
  return text;
}

async function streamed(
  top: string,
  content: string,
  edits: readonly Edit[],
  sizes: readonly number[],
): Promise<string> {
  const octets = Buffer.from(content, 'latin1');
  const read = () => spoiled(octets, [...sizes, octets.length]);
  const out: Uint8Array[] = [];
  for await (const piece of spliced(Buffer.from(top), edits, read())) out.push(Uint8Array.from(piece));
  return Buffer.concat(out).toString('latin1');
}

/** Stretches of the body that are apart, empty ones and such at its very end among them. */
const replacements = (from: number, length: number) =>
  fc
    .uniqueArray(fc.nat(length), { maxLength: 12 })
    .map((places) => places.sort((a, b) => a - b))
    .chain((places) =>
      fc.tuple(
        ...Array.from({ length: Math.floor(places.length / 2) }, (_, n) =>
          fc.constantFrom('', 'note', 'a longer note\r\n').map(
            (text): Edit => ({
              kind: 'replaceOctets',
              start: from + places[2 * n]!,
              end: from + places[2 * n + 1]!,
              text,
            }),
          ),
        ),
      ),
    );

const messages = fc.string({ maxLength: 80 }).chain((body) => {
  const content = `${HEADER}\r\n${Buffer.from(body).toString('latin1')}`;
  const from = HEADER.length + 2;
  return fc.record({
    content: fc.constant(content),
    removed: fc.subarray([0, 1, 2]),
    replaced: replacements(from, content.length - from),
    sizes: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 }),
  });
});

test('whatever the edits and the chunks, what is streamed is what the simple way makes', async () => {
  await fc.assert(
    fc.asyncProperty(messages, async ({ content, removed, replaced, sizes }) => {
      const edits: readonly Edit[] = [...removed.map((index): Edit => ({ kind: 'removeField', index })), ...replaced];
      const expected = simple(content, edits);
      expect(await streamed('Top: 0\r\n', content, edits, sizes)).toBe(`Top: 0\r\n${expected}`);
      // What SIZE says is never too little.
      expect(content.length + grownBy(edits)).toBeGreaterThanOrEqual(expected.length);
    }),
    { numRuns: 500 },
  );
});

test('of stretches that overlap the first speaks for all, and nothing of them leaks', async () => {
  const edits: readonly Edit[] = [
    { kind: 'replaceOctets', start: 4, end: 8, text: 'B' },
    { kind: 'replaceOctets', start: 2, end: 6, text: 'A' },
  ];
  expect(grownBy(edits)).toBe('01A89'.length - 10);
  for (const size of [1, 3, 100])
    expect(
      await streamed(
        '',
        '0123456789',
        edits,
        Array.from({ length: 10 }, () => size),
      ),
    ).toBe('01A89');
});
