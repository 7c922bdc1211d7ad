import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decoderFor } from '../../src/mime/decode.ts';

type Encoding = Parameters<typeof decoderFor>[0];

/** Cut into pieces of these lengths, over and over. */
function decoded(encoding: Encoding, octets: Uint8Array, lengths: readonly number[] = [octets.length + 1]) {
  const decoder = decoderFor(encoding);
  const found: Uint8Array[] = [];
  const out = (piece: Uint8Array): void => void found.push(Uint8Array.from(piece));
  for (let at = 0, n = 0; at < octets.length; n++) {
    const length = lengths[n % lengths.length]!;
    decoder.write(octets.subarray(at, at + length), out);
    at += length;
  }
  decoder.end(out);
  return { text: Buffer.concat(found).toString('latin1'), flaws: [...decoder.flaws].sort() };
}
const read = (encoding: Encoding, text: string) => decoded(encoding, Buffer.from(text, 'latin1'));

describe('base64, as clients take it', () => {
  test.each([
    ['lines are put together', 'UG9z\r\ndGVy\r\nbg==\r\n', 'Postern', []],
    ['missing padding is no matter', 'UG9zdGVybg', 'Postern', []],
    [
      'what follows padding is decoded as a run of its own',
      'UG9z\r\ndGVybg==\r\nUG9z\r\n',
      'PosternPos',
      ['data-after-padding'],
    ],
    ['padding within a group ends it', 'UG9=dGVy', 'Poter', ['data-after-padding']],
    ['foreign characters are passed over', 'UG\x00*9z-', 'Pos', ['broken-base64']],
    ['padding after whole groups is misplaced', 'UG9z=', 'Pos', ['broken-base64']],
    ['a third sign of padding is misplaced', 'bg===', 'n', ['broken-base64']],
    ['padding over two lines is padding', 'bg=\r\n=\r\n', 'n', []],
    ['six bits alone are no octet', 'UG9zA', 'Pos', ['broken-base64']],
  ])('%s', (_, text, octets, flaws) => {
    expect(read('base64', text)).toEqual({ text: octets, flaws });
  });

  test('what was encoded comes back, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (octets, cut) => {
          const lines = Buffer.from(octets)
            .toString('base64')
            .replace(/(.{60})/g, '$1\r\n');
          expect(decoded('base64', Buffer.from(lines), cut)).toEqual({
            text: Buffer.from(octets).toString('latin1'),
            flaws: [],
          });
        },
      ),
    );
  });
});

describe('quoted-printable, as clients take it', () => {
  test.each([
    ['escapes in both cases', 'gr=C3=BCn =c3=bc', 'gr\xc3\xbcn \xc3\xbc', []],
    ['soft breaks go, with the blanks behind their sign', 'a=\r\nb= \t\r\nc=\nd', 'abcd', []],
    ['blanks at the end of a line go', 'a \t\r\nb \nc ', 'a\r\nb\nc', []],
    ['blanks within a line stay', 'a  \tb', 'a  \tb', []],
    ['an escape may follow blanks', 'a  =41', 'a  A', []],
    ['a sign that begins nothing stays', 'a=zb=4', 'a=zb=4', ['broken-quoted-printable']],
    ['a sign before a sign stays', '==41', '=A', ['broken-quoted-printable']],
    ['a soft break that has lost its line is one', 'a=', 'a', []],
    ['a bare CR ends no line', 'a \rb=\rc', 'a \rb=\rc', ['broken-quoted-printable']],
  ])('%s', (_, text, octets, flaws) => {
    expect(read('quoted-printable', text)).toEqual({ text: octets, flaws });
  });

  test('more blanks than a line holds are text, and none is lost', () => {
    expect(read('quoted-printable', `a${' '.repeat(5000)}b`).text).toBe(`a${' '.repeat(5000)}b`);
    expect(read('quoted-printable', `a=${' '.repeat(5000)}b`).text).toBe(`a=${' '.repeat(5000)}b`);
  });
});

const PIECES = ['=', '==', ' ', '\t', '\r', '\n', '\r\n', 'A', 'Zg', 'QUJD', '4', '1', 'f', '*', '\0', '\xff', 'QQ=='];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary-ascii' })), { maxLength: 60 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

test.each(['base64', 'quoted-printable', 'identity'] as const)(
  '%s: any cutting of any octets gives the same, and never an error',
  (encoding) => {
    fc.assert(
      fc.property(
        fc.oneof(hostile, fc.uint8Array({ maxLength: 400 })),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
        (octets, cut) => {
          expect(decoded(encoding, octets, cut)).toEqual(decoded(encoding, octets));
        },
      ),
      { numRuns: 500 },
    );
  },
);
