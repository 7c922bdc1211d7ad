/** Dot-stuffing against a plain model of it, over any octets in any pieces. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NotLines, Stuffer } from '../../../src/smtp/send/stuff.ts';

function stuff(text: string, cuts: readonly number[]): string | undefined {
  const stuffer = new Stuffer('dot');
  const out: Uint8Array[] = [];
  const ends = [...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
  try {
    let at = 0;
    for (const end of ends) {
      out.push(stuffer.feed(Buffer.from(text.slice(at, end), 'latin1')));
      at = end;
    }
    out.push(stuffer.end());
  } catch (error) {
    if (error instanceof NotLines) return undefined;
    throw error;
  }
  return Buffer.concat(out).toString('latin1');
}

/** RFC 5321 §4.5.2, said on whole texts; undefined where a CR or LF stands alone. */
function model(text: string): string | undefined {
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) return undefined;
  const lines = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`;
  return `${lines.replace(/^\.|(?<=\r\n)\./g, '..')}.\r\n`;
}

const piece = fc.constantFrom('\r\n', '\r\n', '.', '..', 'a', '\xe9', 'long '.repeat(8), '\r\n.\r\n');
const odd = fc.constantFrom('\r', '\n', '\r\r\n');
const cuts = fc.array(fc.nat(200), { maxLength: 20 });

test('what goes out is the message with its dots doubled and its end, in whatever pieces it came', () => {
  fc.assert(
    fc.property(fc.string({ unit: piece, maxLength: 40 }), cuts, (text, at) => {
      expect(stuff(text, at)).toBe(model(text));
    }),
    { numRuns: 2000 },
  );
});

test('a CR or LF that stands alone does not go out, wherever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.oneof(piece, odd), maxLength: 12 }), cuts, (text, at) => {
      expect(stuff(text, at)).toBe(model(text));
    }),
    { numRuns: 2000 },
  );
});
