import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type JsonSchema, schemaRows, tidySchema } from '../../../src/cli/reference/schema-rows.ts';

const rows = (schema: z.ZodType) => schemaRows(tidySchema(z.toJSONSchema(schema, { io: 'input' })));
const said = (schema: z.ZodType) => rows(schema).map(({ path, type }) => `${path}: ${type}`);

describe('a schema as rows', () => {
  const inner = z.strictObject({ a: z.string() });
  const cases: readonly [string, z.ZodType, string[]][] = [
    [
      'plain keys',
      z.object({ a: z.string(), b: z.number(), c: z.boolean() }),
      ['a: text', 'b: number', 'c: true or false'],
    ],
    ['words', z.object({ a: z.enum(['x', 'y']), b: z.literal('z') }), ['a: `x` `y`', 'b: `z`']],
    ['alternatives', z.object({ a: z.union([z.string(), z.number()]) }), ['a: text or number']],
    ['a map by name', z.object({ m: z.record(z.string(), inner) }), ['m: map', 'm.NAME.a: text']],
    ['a list', z.object({ l: z.array(inner) }), ['l: list of map', 'l[].a: text']],
    [
      'what was told before',
      z.object({ one: inner, two: z.array(inner), three: inner }),
      ['one: map', 'one.a: text', 'two: list of map', 'two[].a: text', 'three: map, as `one`'],
    ],
    [
      'keys that alternatives share',
      z.object({ u: z.union([z.object({ a: z.string() }), z.object({ a: z.string(), b: z.string() })]) }),
      ['u: map', 'u.a: text', 'u.b: text'],
    ],
  ];
  test.each(cases)('%s', (_what, schema, expected) => {
    expect(said(schema)).toEqual(expected);
  });

  test('meaning, example, default and need come along', () => {
    const schema = z.object({
      a: z.string().default('x').meta({ about: 'what it is', example: 'y' }),
      b: z.string().meta({ expected: 'a name' }),
    });
    expect(rows(schema)).toMatchObject([
      { path: 'a', about: 'what it is', example: 'y', fallback: 'x', required: false },
      { path: 'b', about: 'a name', required: true, example: undefined },
    ]);
  });

  test('keys that happen to be called like our words stay keys', () => {
    const tidy: JsonSchema = tidySchema(z.toJSONSchema(z.object({ about: z.string(), example: z.string() })));
    expect(Object.keys(tidy.properties ?? {})).toEqual(['about', 'example']);
  });
});
