/** The data path against a plain model of it, over any octets in any segments. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NormalizingScanner, StrictScanner } from '../../../src/smtp/receive/data-scanner.ts';

type Scanner = StrictScanner | NormalizingScanner;

/** Octets as text, fed in pieces that end at `cuts`; what came out, and what was left behind the end. */
function scan(
  scanner: Scanner,
  wire: string,
  cuts: readonly number[],
): { content: string; left: string | undefined; flaw: string | undefined } {
  let content = '';
  let at = 0;
  for (const cut of [...cuts.filter((cut) => cut > 0 && cut < wire.length).toSorted((a, b) => a - b), wire.length]) {
    const segment = Buffer.from(wire.slice(at, cut), 'latin1');
    const scanned = scanner.take(segment);
    content += Buffer.from(scanned.content).toString('latin1');
    if (scanned.end >= 0) return { content, left: wire.slice(at + scanned.end), flaw: scanner.flaw };
    at = cut;
  }
  return { content, left: undefined, flaw: scanner.flaw };
}

/** RFC 5321 §4.5.2, said on whole texts: the end is the first CR LF . CR LF, then each line loses its first dot. */
function model(wire: string): { content: string; left: string | undefined; flaw: string | undefined } {
  const whole = `\r\n${wire}`;
  const end = whole.indexOf('\r\n.\r\n');
  const body = end < 0 ? whole : whole.slice(0, end + 2);
  const first = /\r(?!\n)|(?<!\r)\n|\0/.exec(body)?.[0];
  const flaw = first === undefined ? undefined : first === '\0' ? 'nul-octet' : 'bare-newline';
  return {
    content: body.replaceAll('\r\n.', '\r\n').slice(2),
    left: end < 0 ? undefined : whole.slice(end + 5),
    flaw,
  };
}

/** What a client that keeps to the rules sends for a message of whole lines. */
const stuffed = (content: string): string => `${content.replace(/^\./gm, '..')}.\r\n`;

const octets = fc.string({
  unit: fc.constantFrom('\r', '\n', '\r\n', '.', '..', '\r\n.', 'a', '\xe9', '\r\n.\r\n', '\0', 'long '.repeat(8)),
  maxLength: 40,
});
const line = fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\xff', '\x01', 'long '.repeat(8)), maxLength: 12 });
const content = fc.array(line, { maxLength: 12 }).map((lines) => lines.map((text) => `${text}\r\n`).join(''));
const cuts = fc.array(fc.nat(400), { maxLength: 40 });

describe.each([
  ['strict', () => new StrictScanner()],
  ['normalize', () => new NormalizingScanner()],
] as const)('%s', (_, scanner) => {
  test('any message of whole lines comes out as it went in, in whatever segments', () => {
    fc.assert(
      fc.property(content, cuts, (text, at) => {
        expect(scan(scanner(), `${stuffed(text)}QUIT\r\n`, at)).toEqual({
          content: text,
          left: 'QUIT\r\n',
          flaw: undefined,
        });
      }),
      { numRuns: 1000 },
    );
  });

  test('any octets end where the first CR LF . CR LF stands, in whatever segments', () => {
    fc.assert(
      fc.property(octets, cuts, (text, at) => {
        expect(scan(scanner(), text, at).left).toBe(model(text).left);
      }),
      { numRuns: 1000 },
    );
  });

  test('the segments never change what comes out', () => {
    fc.assert(
      fc.property(octets, cuts, (text, at) => {
        const pieces = scan(scanner(), text, at);
        const whole = scan(scanner(), text, []);
        expect({ left: pieces.left, flaw: pieces.flaw }).toEqual({ left: whole.left, flaw: whole.flaw });
        if (whole.flaw === undefined && whole.left !== undefined) expect(pieces.content).toBe(whole.content);
      }),
      { numRuns: 1000 },
    );
  });
});

test('strict: what is taken has neither a bare CR nor a bare LF nor a NUL, and is what the model says', () => {
  fc.assert(
    fc.property(octets, cuts, (text, at) => {
      const got = scan(new StrictScanner(), `${text}\r\n.\r\n`, at);
      const said = model(`${text}\r\n.\r\n`);
      expect(got.flaw).toBe(said.flaw);
      if (said.flaw === undefined) expect(got.content).toBe(said.content);
    }),
    { numRuns: 1000 },
  );
});

test('normalize: what is taken never holds a bare CR or LF', () => {
  fc.assert(
    fc.property(octets, cuts, (text, at) => {
      const got = scan(new NormalizingScanner(), `${text}\r\n.\r\n`, at);
      if (got.flaw === undefined) expect(got.content).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
    }),
    { numRuns: 1000 },
  );
});

/** Every end of data that some mail program has taken for one, and mixes nobody has thought of yet. */
const NEWLINES = ['\r\n', '\n', '\r', '\r\r\n', '\n\r', '\n\n', '\r\n\0', '\0\r\n', ''];
const ENDS = NEWLINES.flatMap((before) =>
  ['.', '\0.', '.\0', '..', ' .'].flatMap((dot) => NEWLINES.map((after) => `${before}${dot}${after}`)),
).filter((end) => !`${end}x`.includes('\r\n.\r\n'));

test.each([
  ['strict', () => new StrictScanner()],
  ['normalize', () => new NormalizingScanner()],
] as const)('%s: no false end of data splits a message', (_, scanner) => {
  expect(ENDS.length).toBeGreaterThan(390);
  for (const end of ENDS) {
    const wire = `text${end}MAIL FROM:<smuggled@example.net>\r\nmore\r\n.\r\nQUIT\r\n`;
    for (let cut = 0; cut < end.length + 6; cut++)
      expect({ end, left: scan(scanner(), wire, [cut]).left }).toEqual({ end, left: 'QUIT\r\n' });
  }
});

test('ten megabytes of lines that are two dots are unstuffed without effort', () => {
  const wire = Buffer.from(`${'..\r\n'.repeat(2_500_000)}.\r\n`);
  const scanned = new StrictScanner().take(wire);
  expect(scanned.end).toBe(wire.length);
  expect(scanned.content.length).toBe(7_500_000);
});
