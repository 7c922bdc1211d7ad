/** Bounds of the walk: each is met, said so, and never costs a name of what is odd. */
import { describe, expect, test } from 'vitest';
import { limitsOf } from '../../src/config/limits.ts';
import { LIMITS } from '../../src/config/schema-limits.ts';
import { USUAL_BOUNDS } from '../../src/mime/bounds.ts';
import { Notes } from '../../src/mime/notes.ts';
import { Walk } from '../../src/mime/walk.ts';

function walked(text: string, bounds = USUAL_BOUNDS) {
  const walk = new Walk(new Notes(bounds));
  const octets = Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1');
  for (let at = 0; at < octets.length; at += 60_000) walk.write(octets.subarray(at, at + 60_000));
  return walk.end();
}
const MIXED = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n';
const part = (header: string, body = 'x'): string => `--a\n${header}\n${body}\n`;

describe('bounds', () => {
  test('are those of the configuration where nothing is written', () => {
    const { parts, partDepth, textBytes } = limitsOf(LIMITS.parse({}));
    expect({ parts, partDepth, textBytes }).toEqual(USUAL_BOUNDS);
  });

  test('parts, depth and text are as many as an operator says', () => {
    const bounds = { parts: 4, partDepth: 2, textBytes: 5 };
    expect(walked(MIXED + part('').repeat(3), bounds)).toMatchObject({ result: 'ok' });
    expect(walked(MIXED + part('').repeat(4), bounds)).toMatchObject({ result: 'too-many-parts' });
    const nest = (times: number): string => `${'Content-Type: message/rfc822\n\n'.repeat(times)}Subject: x\n\nx\n`;
    expect(walked(nest(2), bounds)).toMatchObject({ result: 'ok', depth: 2 });
    expect(walked(nest(3), bounds)).toMatchObject({ result: 'too-deep' });
    const { texts, textsCut } = walked('Subject: x\n\nhello there\n', bounds);
    expect({ texts, textsCut }).toEqual({ texts: [{ part: '1', html: false, text: 'hello' }], textsCut: true });
    expect(walked('Subject: x\n\nhell', bounds).textsCut).toBe(false);
  });

  test('the header section of a part ends at 64 KiB, that of a message within too', () => {
    const long = 'X: y\n'.repeat(20_000);
    for (const text of [MIXED + part(long), `Content-Type: message/rfc822\n\n${long}`]) {
      const { anomalies, result } = walked(text);
      expect(anomalies.map(({ name }) => name)).toContain('endless-header');
      expect(result).toBe('ok');
    }
  });

  test('header sections of all parts together end at 1 MiB', () => {
    const header = `X: ${'y'.repeat(1000)}\n`.repeat(50);
    expect(walked(MIXED + part(header).repeat(15))).toMatchObject({ result: 'ok' });
    const { result, parts } = walked(MIXED + part(header).repeat(40));
    expect(result).toBe('too-much');
    expect(parts.length).toBeLessThan(22);
  });

  test('however many oddities stand before, each name is told', () => {
    const loose = part('Content-Transfer-Encoding: 8-bit\n').repeat(300);
    const { anomalies } = walked(`${MIXED}${loose}--a--\n${part('')}`);
    expect(anomalies.map(({ name }) => name)).toContain('part-after-end');
    expect(anomalies.length).toBeLessThan(300);
  });

  test('small pieces of base64 are kept as what they are together', () => {
    const walk = new Walk();
    walk.write(Buffer.from('Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n'));
    // Half a million pieces of two octets: held for minutes once.
    const groups = Buffer.from('QUI='.repeat(16_000));
    for (let n = 0; n < 32; n++) walk.write(groups);
    expect(walk.end().parts[0]).toMatchObject({ size: 2 * 32 * 16_000 });
  });
});

describe('what costs by the line', () => {
  test('ten thousand delimiters, or lines that nearly are, are too many', () => {
    for (const line of ['--a--\n', '--ab\n']) {
      expect(walked(`${MIXED}--a\n\nx\n${line.repeat(9000)}`).result).toBe('ok');
      expect(walked(`${MIXED}--a\n\nx\n${line.repeat(10_001)}`).result).toBe('too-much');
    }
  });

  test('so are as many lines with dashes where no boundary is named and none of them names one', () => {
    const lines = (count: number) => `MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n${'--  a\n'.repeat(count)}`;
    expect(walked(lines(10_000)).result).toBe('ok');
    expect(walked(lines(10_001)).result).toBe('too-much');
  });

  test('fifty thousand lines that might begin a file are too many', () => {
    const lines = (count: number): string => `Subject: x\n\n${'begin your day\n'.repeat(count)}`;
    expect(walked(lines(50_000)).result).toBe('ok');
    expect(walked(lines(50_001)).result).toBe('too-much');
  });

  test('messages carried encoded in one another are read to three', () => {
    const carried = (times: number): string =>
      times === 0
        ? 'Subject: x\n\nx\n'
        : `Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n${Buffer.from(carried(times - 1)).toString('base64')}\n`;
    expect(walked(carried(3)).result).toBe('ok');
    expect(walked(carried(4)).result).toBe('too-deep');
  });
});
