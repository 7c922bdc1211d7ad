/** What a schema finds wrong, told as problems: the place, the text, what was expected, the nearest valid word, the remedy. */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { choose, describe, keysOf, shapeAt, wordsOf } from './schema-words.ts';
import type { Path, Source } from './source.ts';

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

export interface Expected<T> {
  /** Undefined where there is a problem. */
  readonly value?: T;
  readonly problems: readonly Problem[];
}

/** Holds a schema against what stands at `path`. */
export function expectSchema<S extends z.ZodType>(source: Source, schema: S, path: Path = []): Expected<z.output<S>> {
  const result = schema.safeParse(valueAt(source.root, path));
  if (result.success) return { value: result.data, problems: [] };
  return { problems: explainIssues(source, schema, result.error.issues, path) };
}

/**
 * Issues of zod as problems. A schema's own words go first: an issue whose message reads `X: expected Y` is told as X
 * with the remedy Y, and `params: { remedy }` of a custom issue is its remedy.
 */
export function explainIssues(source: Source, schema: Schema, issues: readonly Issue[], path: Path = []): Problem[] {
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ parent: issue.path, key })) : [],
  );
  return issues.flatMap((issue) => {
    // A key that is missing because it was misspelt is told once, where it stands misspelt.
    const name = issue.path.at(-1);
    const misspelt = unknown.some(
      ({ parent, key }) =>
        samePath(parent, issue.path.slice(0, -1)) && nearest(key, keysOf(shapeAt(schema, parent))) === name,
    );
    if (
      misspelt &&
      issue.code === 'invalid_type' &&
      valueAt(source.root, [...path, ...issue.path] as Path) === undefined
    )
      return [];
    return explain(source, schema, issue, path);
  });
}

/** The value at a path of plain data; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { readonly [key: string | number]: unknown })[step];
  }
  return value;
}

function explain(source: Source, schema: Schema, issue: Issue, base: Path): Problem[] {
  const path = [...base, ...issue.path] as Path;
  const value = valueAt(source.root, path);
  const here = shapeAt(schema, issue.path);
  const wrong = (message: string, remedy: string, what: 'key' | 'value' = 'value'): Problem[] => [
    source.problem(path, what, message, remedy),
  ];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(source, here, path, key));
    case 'invalid_type':
      if (value === undefined) return [missing(source, here, path)];
      return wrong(...wrongType(source, issue, here, path, value));
    case 'invalid_value': {
      if (value === undefined) return [missing(source, here, path)];
      return wrong(...wrongWord(source, path, value, issue.values.map(String)));
    }
    case 'invalid_union': {
      if (value === undefined) return [missing(source, here, path)];
      const keys = keysOf(here);
      const strange = isMap(value) && keys.length > 0 ? Object.keys(value) : [];
      if (strange.length > 0 && !strange.some((key) => keys.includes(key) || nearest(key, keys) !== undefined))
        return strange.map((key) => unknownKey(source, here, path, key));
      const chosen = choose(here, issue.errors, value);
      if (chosen !== undefined) return explainIssues(source, chosen.option, chosen.issues, path);
      const words = wordsOf(here);
      if (typeof value === 'string' && words.length > 0) return wrong(...wrongWord(source, path, value, words, here));
      return wrong(`${offending(source, path, value)} cannot stand here`, `expected ${describe(here)}`);
    }
    case 'invalid_key': {
      const inner = issue.issues[0];
      const [message, remedy] = own(inner?.message ?? '') ?? [`"${String(path.at(-1))}" is no valid name here`, ''];
      return wrong(message, remedy, 'key');
    }
    case 'too_small':
      return wrong(
        value === '' || (Array.isArray(value) && value.length === 0)
          ? 'nothing stands here'
          : `${offending(source, path, value)} is too small`,
        `expected at least ${issue.minimum}${countOf(issue.origin)}`,
      );
    case 'too_big':
      return wrong(
        `${offending(source, path, value)} is too ${issue.origin === 'string' ? 'long' : 'big'}`,
        `expected at most ${issue.maximum}${countOf(issue.origin)}`,
      );
    case 'custom': {
      const [message, remedy] = own(issue.message) ?? [`${offending(source, path, value)} cannot stand here`, ''];
      const given = issue.params?.remedy;
      return wrong(message, typeof given === 'string' ? given : remedy);
    }
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of': {
      const [message, remedy] = own(issue.message) ?? [`${offending(source, path, value)} cannot stand here`, ''];
      return wrong(message, remedy === '' ? `expected ${describe(here)}` : remedy);
    }
  }
}

function unknownKey(source: Source, shape: Schema | undefined, path: Path, key: string): Problem {
  const keys = keysOf(shape);
  const near = nearest(key, keys);
  const valid = keys.length === 0 ? 'no key may stand here' : `valid here: ${keys.join(', ')}`;
  return source.problem(
    [...path, key],
    'key',
    `"${key}" is not a key that may stand here`,
    near === undefined ? valid : `did you mean "${near}"? ${valid}`,
  );
}

function missing(source: Source, shape: Schema | undefined, path: Path): Problem {
  const key = path.at(-1);
  const expected = shape === undefined ? '' : `: ${describe(shape)}`;
  if (key === undefined) return source.problem(path, 'value', 'the file is empty', `expected ${describe(shape)}`);
  return source.problem(path, 'key', `"${String(key)}" is missing`, `add "${String(key)}"${expected}`);
}

function wrongType(
  source: Source,
  issue: z.core.$ZodIssueInvalidType,
  shape: Schema | undefined,
  path: Path,
  value: unknown,
): [string, string] {
  const said = offending(source, path, value);
  const expected = own(issue.message)?.[1] ?? `expected ${describe(shape)}`;
  if (value === null) {
    if (path.length === 0) return ['the file is empty', expected];
    return [`nothing stands behind "${String(path.at(-1))}"`, expected];
  }
  if (issue.expected === 'string') {
    if (typeof value === 'object')
      return [`${said} is ${kindOf(value)}, not a text`, 'put the text in double quotes or after `>-`'];
    return [
      `${said} is ${kindOf(value)}, not a text`,
      `${expected}; a text that looks like ${kindOf(value)} stands in double quotes`,
    ];
  }
  if (issue.expected === 'number' && typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)))
    return [`${said} is a text, not a number`, 'write it without quotes'];
  if (issue.expected === 'boolean' && typeof value === 'string' && /^(yes|on|y)$/i.test(value))
    return [`${said} is a text, not true or false`, 'write true'];
  if (issue.expected === 'boolean' && typeof value === 'string' && /^(no|off|n)$/i.test(value))
    return [`${said} is a text, not true or false`, 'write false'];
  return [`${said} is ${kindOf(value)}, not ${nounOf(issue.expected)}`, expected];
}

function wrongWord(
  source: Source,
  path: Path,
  value: unknown,
  words: readonly string[],
  union?: Schema,
): [string, string] {
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  const list = words.length === 1 ? `${words[0]}` : `one of ${words.join(', ')}`;
  const valid = `expected ${union === undefined ? list : describe(union)}`;
  return [
    `${offending(source, path, value)} is not a word that may stand here`,
    near === undefined ? valid : `did you mean "${near}"? ${valid}`,
  ];
}

/** The offending text as it stands in the file, in quotes. */
function offending(source: Source, path: Path, value: unknown): string {
  const written = source.written(path).replace(/^(["'])(.*)\1$/, '$2');
  return `"${written === '' ? String(value ?? '') : written}"`;
}

/** A message that the schema's author wrote, in two halves; undefined for zod's own. */
function own(message: string): [string, string] | undefined {
  if (message === '' || /^(Invalid|Too (small|big)|Unrecognized)/.test(message)) return undefined;
  const cut = message.search(/(^|: |; )expected /);
  if (cut === -1) return [message, ''];
  const remedy = message.slice(cut).replace(/^[:;] /, '');
  return [message.slice(0, cut) === '' ? remedy : message.slice(0, cut), remedy];
}

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const kindOf = (value: unknown): string =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : nounOf(typeof value);

const NOUNS: { readonly [type: string]: string } = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};
const nounOf = (type: string): string => NOUNS[type] ?? type;
const countOf = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' || origin === 'set' ? ' entries' : '';
const samePath = (a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean =>
  a.length === b.length && a.every((step, n) => step === b[n]);
