/** What may stand at a place of a schema, in words: its keys, its enum words, its kind. */
import { z } from 'zod';
import { nearest } from './nearest.ts';

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

/** The schema a path of data leads to; undefined where it leads out of the schema. */
export function shapeAt(schema: Schema | undefined, path: readonly PropertyKey[]): Schema | undefined {
  let here = schema;
  for (const step of path) {
    if (here === undefined) return undefined;
    here = alternatives(unwrap(here))
      .map((option) => inside(option, step))
      .find((found) => found !== undefined);
  }
  return here;
}

/** Every key that may be written there. */
export function keysOf(schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  return alternatives(unwrap(schema)).flatMap((option) =>
    option instanceof z.ZodObject ? Object.keys(option.shape) : [],
  );
}

/** Every literal word that may be written there. */
export function wordsOf(schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  return alternatives(unwrap(schema)).flatMap((option) =>
    option instanceof z.ZodEnum
      ? option.options.map(String)
      : option instanceof z.ZodLiteral
        ? [...option.values].map(String)
        : [],
  );
}

/** `a map with hosts, tls`, `a text`, `one of smtp, lmtp`; a schema's `.meta({ expected })` says it better. */
export function describe(schema: Schema | undefined): string {
  if (schema === undefined) return 'something else';
  const said = z.globalRegistry.get(schema as z.ZodType) as
    | { readonly expected?: unknown; readonly examples?: readonly unknown[] }
    | undefined;
  if (typeof said?.expected === 'string') return said.expected;
  if (said?.examples !== undefined) return `something such as ${said.examples.join(', ')}`;
  const inner = unwrap(schema);
  if (inner !== schema) return describe(inner);
  if (inner instanceof z.ZodUnion) return inner.options.map(describe).join(', or ');
  if (inner instanceof z.ZodEnum) return `one of ${inner.options.join(', ')}`;
  if (inner instanceof z.ZodLiteral) return [...inner.values].map((value) => `"${String(value)}"`).join(' or ');
  if (inner instanceof z.ZodObject) {
    const keys = Object.keys(inner.shape);
    return keys.length === 0 ? 'an empty map: {}' : `a map with ${keys.join(', ')}`;
  }
  if (inner instanceof z.ZodRecord) return 'a map of names';
  if (inner instanceof z.ZodArray || inner instanceof z.ZodTuple) return 'a list';
  if (inner instanceof z.ZodString) return 'a text';
  if (inner instanceof z.ZodNumber) return 'a number';
  if (inner instanceof z.ZodBoolean) return 'true or false';
  return 'something else';
}

/** Of a union's alternatives the one that was meant: the only one of the value's kind, else the one with the least to mend. */
export function choose(
  schema: Schema | undefined,
  errors: readonly (readonly Issue[])[],
  value: unknown,
): { readonly option: Schema; readonly issues: readonly Issue[] } | undefined {
  const union = schema && unwrap(schema);
  if (!(union instanceof z.ZodUnion)) return undefined;
  const candidates = union.options.flatMap((option: Schema, n: number) => {
    const issues = errors[n];
    return issues !== undefined && sameKind(unwrap(option), value) ? [{ option, issues }] : [];
  });
  const weight = ({ option, issues }: { readonly option: Schema; readonly issues: readonly Issue[] }): number =>
    issues.reduce((sum, issue) => {
      if (issue.code !== 'unrecognized_keys') return sum + 1;
      const strange = issue.keys.filter((key) => nearest(key, keysOf(option)) === undefined).length;
      return sum + strange + issue.keys.length;
    }, 0);
  return candidates.sort((a, b) => weight(a) - weight(b))[0];
}

function sameKind(schema: Schema, value: unknown): boolean {
  if (schema instanceof z.ZodUnion) return schema.options.some((option) => sameKind(unwrap(option), value));
  if (Array.isArray(value)) return schema instanceof z.ZodArray || schema instanceof z.ZodTuple;
  if (typeof value === 'object' && value !== null)
    return schema instanceof z.ZodObject || schema instanceof z.ZodRecord;
  if (typeof value === 'string') return schema instanceof z.ZodString;
  if (typeof value === 'number') return schema instanceof z.ZodNumber;
  if (typeof value === 'boolean') return schema instanceof z.ZodBoolean;
  return false;
}

/** Takes off what does not change what is written. */
function unwrap(schema: Schema): Schema {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  )
    return unwrap(schema.def.innerType as Schema);
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in as Schema);
  if (schema instanceof z.ZodLazy) return unwrap(schema.def.getter() as Schema);
  return schema;
}

const alternatives = (schema: Schema): readonly Schema[] =>
  schema instanceof z.ZodUnion ? schema.options.flatMap((option) => alternatives(unwrap(option))) : [schema];

function inside(schema: Schema, step: PropertyKey): Schema | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[step as string] as Schema | undefined;
  if (schema instanceof z.ZodRecord) return schema.def.valueType as Schema;
  if (schema instanceof z.ZodArray) return schema.def.element as Schema;
  if (schema instanceof z.ZodTuple) return schema.def.items[step as number] as Schema | undefined;
  return undefined;
}
