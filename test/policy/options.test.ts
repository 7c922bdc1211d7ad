import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { duration } from '../../src/language/units.ts';
import { compiledOptions, expression, listOf, template } from '../../src/policy/options.ts';

describe('options that are more than data', () => {
  const schema = z.strictObject({
    key: expression('string'),
    window: duration().prefault('10m'),
    sealers: listOf('domain').optional(),
    lists: z.record(z.string(), z.strictObject({ zone: z.string(), lookup_url: template().optional() })).default({}),
  });

  test('are found wherever they stand, with their place', () => {
    const value = {
      key: 'client.network',
      sealers: 'lists.sealers',
      lists: { a: { zone: 'a.example', lookup_url: 'https://a.example/{client.ip}' }, b: { zone: 'b.example' } },
    };
    expect(compiledOptions(schema, value)).toEqual([
      { path: ['key'], how: { kind: 'expression', type: 'string' }, text: 'client.network' },
      { path: ['sealers'], how: { kind: 'list', listKind: 'domain' }, text: 'lists.sealers' },
      {
        path: ['lists', 'a', 'lookup_url'],
        how: { kind: 'template', names: [] },
        text: 'https://a.example/{client.ip}',
      },
    ]);
  });

  test('come out of the schema with the defaults in place', () => {
    expect(schema.parse({ key: 'client.ip' })).toEqual({ key: 'client.ip', window: 600_000, lists: {} });
  });
});
