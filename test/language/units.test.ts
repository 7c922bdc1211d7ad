import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { duration, parseSize, size } from '../../src/language/units.ts';

describe('units', () => {
  test.each([
    ['50 MiB', 50 * 1024 ** 2],
    ['50MiB', 50 * 1024 ** 2],
    ['1.5 GiB', 1.5 * 1024 ** 3],
    ['500 kB', 500_000],
    ['12 B', 12],
    ['12', undefined],
    ['MiB', undefined],
    ['-1 MiB', undefined],
  ])('the size %s is %s octets', (text, octets) => expect(parseSize(text)).toBe(octets));

  test.each([
    [duration(), '5', /number with its unit/],
    [duration(), 5, /with its unit/],
    [duration(1000), '5ms', /at least 1000 ms/],
    [size(), '50', /number with its unit/],
    [size(), 50, /with its unit/],
  ])('a text without its unit is refused with an example (%#)', (schema, value, said) => {
    expect(schema.safeParse(value).error?.issues[0]?.message).toMatch(said);
  });

  test('a JSON Schema of them takes what is written', () => {
    expect(z.toJSONSchema(z.object({ d: duration(), s: size() }), { io: 'input' })).toMatchObject({
      properties: { d: { type: 'string' }, s: { type: 'string' } },
    });
  });
});
