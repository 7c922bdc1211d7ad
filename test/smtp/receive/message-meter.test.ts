/** A message is measured the same way, however it falls into segments. */
import { describe, expect, test } from 'vitest';
import { MessageMeter } from '../../../src/smtp/receive/message-meter.ts';

const LIMITS = { headerBytes: 60, headerFieldBytes: 30, headerLines: 11, lineBytes: 20 };

function measure(message: string, cut: number, limits = LIMITS): string {
  const octets = Buffer.from(message, 'latin1');
  const meter = new MessageMeter(limits);
  for (let at = 0; at < octets.length; at += cut) {
    const excess = meter.take(octets.subarray(at, at + cut));
    if (excess !== undefined) return excess;
  }
  return 'fits';
}

const TABLE: readonly [string, string, string][] = [
  ['a header, a blank line and a body', 'A: 1\r\nB: 2\r\n\r\nbody\r\n', 'fits'],
  ['nothing', '', 'fits'],
  ['no header', '\r\nbody\r\n', 'fits'],
  ['a line of the very limit', `\r\n${'x'.repeat(18)}\r\n`, 'fits'],
  ['a line over the limit', `\r\n${'x'.repeat(19)}\r\n`, 'line-too-long'],
  ['a long line between short ones', `\r\na\r\nb\r\n${'x'.repeat(19)}\r\nc\r\nd\r\n`, 'line-too-long'],
  ['a long line without an end', `\r\na\r\n${'x'.repeat(21)}`, 'line-too-long'],
  ['many lines that fit', `\r\n${'123456789\r\n'.repeat(50)}`, 'fits'],
  ['a long line of the header', `A: ${'x'.repeat(16)}\r\n\r\n`, 'line-too-long'],
  ['a field folded up to the limit', `A: 345678901\r\n ${'x'.repeat(13)}\r\n\r\n`, 'fits'],
  ['a field folded over the limit', `A: 345678901\r\n\t${'x'.repeat(14)}\r\n\r\n`, 'header-field-too-large'],
  ['two fields of which none is too large', `A: ${'x'.repeat(14)}\r\nB: ${'x'.repeat(14)}\r\n\r\n`, 'fits'],
  ['many small fields', `${'A: 1\r\n'.repeat(10)}\r\n`, 'header-too-large'],
  ['as many lines as may be', `${'A:\r\n'.repeat(10)}\r\n${'B:\r\n'.repeat(9)}`, 'fits'],
  ['too many lines', 'A:\r\n'.repeat(12), 'too-many-header-lines'],
  ['too many lines of one field', `A:\r\n${' \r\n'.repeat(9)} x\r\nB:\r\n`, 'header-field-too-large'],
  ['a body that looks like a long field', `A: 1\r\n\r\n${' 123456789\r\n'.repeat(9)}`, 'fits'],
];

describe.each([1, 2, 7, 1000])('in pieces of %i octets', (cut) => {
  test.each(TABLE)('%s', (_, message, expected) => {
    expect(measure(message, cut)).toBe(expected);
  });
});

test('a megabyte of octets without a line end in a piece shorter than the limit counts on into the next', () => {
  const meter = new MessageMeter({ headerBytes: 1e9, headerFieldBytes: 1e9, headerLines: 1e9, lineBytes: 1024 * 1024 });
  const piece = Buffer.alloc(64 * 1024, 'x');
  expect(meter.take(Buffer.from('\r\n'))).toBe(undefined);
  for (let n = 0; n < 16; n++) expect(meter.take(piece)).toBe(undefined);
  expect(meter.take(Buffer.from('x'))).toBe('line-too-long');
});
