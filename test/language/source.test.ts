import { describe, expect, test } from 'vitest';
import { sayProblem } from '../../src/language/problem.ts';
import { parseSource, SOURCE_CHARACTERS_MAX } from '../../src/language/source.ts';

const QUOTE = 'put the expression in double quotes or after `>-`';
const where = (text: string): string[] =>
  parseSource('f.yaml', text).problems.map(({ place, message }) => `${place.line}:${place.column} ${message}`);

describe('a YAML file', () => {
  test('becomes plain data', () => {
    const source = parseSource('f.yaml', 'a: 1\nb: [x, "2", true]\nc: { d: null }\n127: e\n1.10: f\n');
    expect(source.problems).toEqual([]);
    expect(source.root).toEqual({ a: 1, b: ['x', '2', true], c: { d: null }, 127: 'e', '1.10': 'f' });
  });

  test('still knows where its keys and values stand', () => {
    const source = parseSource('f.yaml', 'rules:\n  data:\n    - name: spam\n      when: "x > 1"\n');
    expect(source.place(['rules', 'data', 0, 'when'], 'key')).toEqual({ file: 'f.yaml', line: 4, column: 7 });
    expect(source.place(['rules', 'data', 0, 'when'], 'value')).toEqual({ file: 'f.yaml', line: 4, column: 13 });
    expect(source.written(['rules', 'data', 0, 'when'])).toBe('"x > 1"');
    // What is missing is looked for where it is missing from.
    expect(source.place(['rules', 'content', 0], 'value')).toEqual({ file: 'f.yaml', line: 1, column: 1 });
  });

  test('says where a value reused by an alias was written', () => {
    const source = parseSource('f.yaml', 'a: &x { b: 1 }\nc: *x\n');
    expect(source.root).toEqual({ a: { b: 1 }, c: { b: 1 } });
    expect(source.place(['c', 'b'], 'value')).toEqual({ file: 'f.yaml', line: 1, column: 12 });
  });

  test('takes over the keys of another map, and knows where they were written', () => {
    const source = parseSource('f.yaml', 'a: &x { b: 1, c: 2 }\nd: { <<: *x, c: 3 }\n');
    expect(source.problems).toEqual([]);
    expect(source.root).toMatchObject({ d: { b: 1, c: 3 } });
    expect(source.place(['d', 'b'], 'value')).toMatchObject({ line: 1, column: 12 });
    expect(source.place(['d', 'c'], 'value')).toMatchObject({ line: 2, column: 17 });
  });

  test('shows the comment that may have cut a value short', () => {
    const source = parseSource('f.yaml', "when: header('subject') == ' # '\nother: \"x\" # y\n");
    expect(source.root).toMatchObject({ when: "header('subject') == '" });
    expect(source.comment(['when'])).toBe(" '");
    expect(source.comment(['other'])).toBe('');
  });

  test.each([
    ['when: !(x in y)', '1:7 YAML takes "!(x" for a tag and drops it', QUOTE],
    ["when: 'a' in x", '1:11 YAML cannot read on here: unexpected scalar at node end', QUOTE],
    ['when: a ? b : c', '1:7 YAML takes the ": " in this line for a second key', QUOTE],
    ['when: @x', '1:7 YAML cannot read on here: plain value cannot start with reserved character @', QUOTE],
    ['a: 1\nb: 2\na: 3', '3:1 a stands here a second time', 'keep one of them'],
    ['a:\n\t- b', '2:1 the line is indented with a tab', 'indent with spaces'],
    ['a: 1\n---\nb: 2', '2:1 a second YAML document begins here', 'remove the line `---`'],
    ['a: *nobody', '1:4 *nobody stands for nothing: no &nobody comes before it', 'double quotes'],
    ['a: &a [1, *a]', '1:11 *a stands inside what it stands for', 'write the value out'],
    ['? [a, b]\n: c', '1:3 this key is not a word', 'in double quotes'],
    ['__proto__: { a: 1 }', '1:1 this key is not a word', 'a key is one word'],
    ['a: "\\q"', '1:5 "\\q" means nothing within double quotes', 'single quotes'],
    ['%FOO bar\n---\na: 1', '1:1 YAML takes this line for a directive', 'double quotes'],
  ])('%j is a mistake with a place and a remedy', (text, found, remedy) => {
    const [problem, ...more] = parseSource('f.yaml', text).problems;
    expect(`${problem?.place.line}:${problem?.place.column} ${problem?.message}`).toBe(found);
    expect(problem?.remedy).toContain(remedy);
    expect(more).toEqual([]);
  });

  test('that YAML misread as a tag is still checked as it was written', () => {
    expect(parseSource('f.yaml', 'when: !(x in y)').root).toEqual({ when: '!(x in y)' });
  });

  test('that cannot be read has no data', () => {
    expect(parseSource('f.yaml', "a: 1\nwhen: 'a' in x").root).toBeUndefined();
  });

  test('that makes a billion of ten lines is refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 10; n++)
      lines.push(`a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(', ')}]`);
    expect(where(lines.join('\n'))).toEqual([expect.stringContaining('more than 200000 values')]);
  });

  test('that is nested too deeply or too long is refused', () => {
    expect(where(`a: ${'['.repeat(40)}${']'.repeat(40)}`)).toEqual([expect.stringContaining('more than 32 levels')]);
    expect(where('['.repeat(100_000))).toEqual([expect.stringContaining('nested too deeply')]);
    expect(where('x'.repeat(SOURCE_CHARACTERS_MAX + 1))).toEqual([expect.stringContaining('characters')]);
  });

  test('says a problem with its line and its remedy', () => {
    const source = parseSource('policies/inbound.yaml', 'rules:\n  data: !(x in y)\n');
    expect(sayProblem(source.problems[0]!)).toBe(
      `policies/inbound.yaml:2:9: error: YAML takes "!(x" for a tag and drops it\n    | data: !(x in y)\n    ${QUOTE}`,
    );
  });
});
