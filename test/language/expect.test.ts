import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { expectSchema } from '../../src/language/expect.ts';
import { nearest } from '../../src/language/nearest.ts';
import { parseSource } from '../../src/language/source.ts';
import { duration } from '../../src/language/units.ts';

const SCHEMA = z.strictObject({
  name: z.string().optional(),
  mode: z.enum(['enforce', 'monitor', 'soft']).optional(),
  limit: z.int().min(1).max(100).optional(),
  on: z.boolean().optional(),
  window: duration().optional(),
  when: z
    .union([z.string(), z.strictObject({ all: z.array(z.string()).optional(), any: z.array(z.string()).optional() })])
    .optional(),
  routes: z
    .record(
      z.string(),
      z.strictObject({ hosts: z.array(z.string()).min(1), tls: z.enum(['none', 'required']).optional() }),
    )
    .optional(),
  recipients: z
    .union([z.literal('any'), z.strictObject({ file: z.string() }), z.strictObject({ inline: z.array(z.string()) })])
    .optional(),
});

const found = (text: string): string[] => {
  const source = parseSource('f.yaml', text);
  return expectSchema(source, SCHEMA).problems.map(
    ({ place, message, remedy }) => `${place.line}:${place.column} ${message} → ${remedy}`,
  );
};

describe('a schema held against a file', () => {
  test('gives the value when nothing is wrong', () => {
    const source = parseSource('f.yaml', 'name: x\nwindow: 10m\nrecipients: any\n');
    expect(expectSchema(source, SCHEMA)).toEqual({
      value: { name: 'x', window: 600_000, recipients: 'any' },
      problems: [],
    });
  });

  test.each([
    ['nane: x', '1:1 "nane" is not a key that may stand here → did you mean "name"? valid here: name, mode, '],
    [
      'mode: monitr',
      '1:7 "monitr" is not a word that may stand here → did you mean "monitor"? expected one of enforce, ',
    ],
    ['mode: 5', '1:7 "5" is not a word that may stand here → expected one of enforce, monitor, soft'],
    ['name: 5', '1:7 "5" is a number, not a text → expected a text; a text that looks like a number stands in double'],
    ['name:\n  - a ? b : c', '2:3 "- a ? b : c" is a list, not a text → put the text in double quotes or after `>-`'],
    ['limit: "5"', '1:8 "5" is a text, not a number → write it without quotes'],
    ['limit: 1000', '1:8 "1000" is too big → expected at most 100'],
    ['limit: 1.5', '1:8 "1.5" is a number, not a whole number → '],
    ['on: yes', '1:5 "yes" is a text, not true or false → write true'],
    ['window: 10', '1:9 "10" is a number, not a text → expected a duration with its unit, such as 30s, 10m or 4h'],
    ['window: 10x', '1:9 "10x" is not a duration → expected a number with its unit, such as'],
    ['when: 5', '1:7 "5" cannot stand here → expected a text, or a map with all, any'],
    ['when: { al: [x] }', '1:9 "al" is not a key that may stand here → did you mean "all"? valid here: all, any'],
    [
      'when: { all: [a ? b : c] }',
      '1:15 "a ? b : c" is a map, not a text → put the text in double quotes or after `>-`',
    ],
    ['routes: { store: { tls: required } }', '1:11 "hosts" is missing → add "hosts": a list'],
    ['routes:\n  store:', '2:3 nothing stands behind "store" → expected a map with hosts, tls'],
    ['routes: { store: { hosts: [] } }', '1:27 nothing stands here → expected at least 1 entries'],
    ['routes: [a]', '1:9 "[a]" is a list, not a map → expected a map of names'],
    [
      'recipients: all',
      '1:13 "all" is not a word that may stand here → expected "any", or a map with file, or a map with inline',
    ],
    ['recipients: { fil: x }', '1:15 "fil" is not a key that may stand here → did you mean "file"? valid here: file'],
    ['', '1:1 the file is empty → expected a map with name, mode,'],
  ])('%j is told with place, text and remedy', (text, said) => {
    const [first, ...more] = found(text);
    expect(first).toContain(said);
    expect(more).toEqual([]);
  });

  test('reports all that is wrong, each once', () => {
    expect(found('nane: x\nmode: off\nroutes: { a: { host: [x] } }\n')).toEqual([
      expect.stringContaining('2:7 "off"'),
      expect.stringContaining('3:16 "host" is not a key that may stand here → did you mean "hosts"?'),
      expect.stringContaining('1:1 "nane"'),
    ]);
  });
});

test.each([
  ['lisener', ['listeners', 'listener', 'limits'], 'listener'],
  ['softfial', ['none', 'neutral', 'pass', 'fail', 'softfail'], 'softfail'],
  ['Spam-Hold', ['spam_hold'], 'spam_hold'],
  ['greylisting', ['greylist', 'rate'], 'greylist'],
  ['foo', ['bar', 'listeners'], undefined],
  ['x', ['y'], undefined],
])('the nearest word to %s of %j is %s', (word, words, near) => {
  expect(nearest(word, words)).toBe(near);
});
