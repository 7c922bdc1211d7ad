/** Words for a check's options that are more than data: expressions over facts, lists by name, texts with placeholders. */
import { z } from 'zod';
import type { List } from './policy.ts';

/** The types an expression may have. `words` is a list of strings. */
export type ExpressionType = 'bool' | 'string' | 'number' | 'words';
interface ExpressionValue {
  readonly bool: boolean;
  readonly string: string;
  readonly number: number;
  readonly words: readonly string[];
}

/** What the loader compiles and `Policy.prepare` resolves before the check runs. */
export type Compiled =
  | { readonly kind: 'expression'; readonly type: ExpressionType }
  | { readonly kind: 'list'; readonly listKind: List['kind'] }
  | { readonly kind: 'template'; readonly names: readonly string[] }
  | { readonly kind: 'secret'; readonly shownAs: string; readonly asks: 'addresses' | 'names' };

/** An expression over facts, settings and lists: `key: client.network`. In `run` the option is its value. */
export function expression<T extends ExpressionType>(type: T): z.ZodType<ExpressionValue[T], string> {
  return compiled({ kind: 'expression', type }) as unknown as z.ZodType<ExpressionValue[T], string>;
}

/** A list by its name: `trusted_sealers: lists.sealers`. In `run` the option is the `List`. */
export function listOf(listKind: List['kind']): z.ZodType<List, string> {
  return compiled({ kind: 'list', listKind }) as unknown as z.ZodType<List, string>;
}

/** A text with placeholders of facts: `lookup_url: "https://…?query={client.ip}"`. `names` are left for the check to fill. */
export function template(...names: readonly string[]): z.ZodType<string, string> {
  return compiled({ kind: 'template', names }) as unknown as z.ZodType<string, string>;
}

/**
 * A file whose one line is a secret: in `run` the option is its path, never its line. The option named `shownAs` beside it is
 * what stands in its place, and whoever asks the world puts the secret in at the very last (`Policy.secrets`). `asks`: what is
 * asked below it.
 */
export function secretFile(shownAs: string, asks: 'addresses' | 'names'): z.ZodType<string, string> {
  return compiled({ kind: 'secret', shownAs, asks }) as unknown as z.ZodType<string, string>;
}

const COMPILED = z.registry<Compiled>();
const TEXT_MAX = 2000;

function compiled(how: Compiled): z.ZodString {
  const schema = z.string().min(1).max(TEXT_MAX);
  COMPILED.add(schema, how);
  return schema;
}

/** One option that must be compiled, and where it stands in the options as written. */
export interface CompiledOption {
  readonly path: readonly (string | number)[];
  readonly how: Compiled;
  readonly text: string;
}

/** All of them, found by walking schema and value together: in objects, records, arrays, behind optional and default. */
export function compiledOptions(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly (string | number)[] = [],
): CompiledOption[] {
  const how = COMPILED.get(schema as z.ZodType);
  if (how !== undefined) return typeof value === 'string' ? [{ path, how, text: value }] : [];
  if (typeof value !== 'object' || value === null) {
    return wrapped(schema).flatMap((inner) => compiledOptions(inner, value, path));
  }
  if (schema instanceof z.ZodObject) {
    return Object.entries(value).flatMap(([key, item]) => {
      const inner = schema.shape[key];
      return inner === undefined ? [] : compiledOptions(inner, item, [...path, key]);
    });
  }
  if (schema instanceof z.ZodRecord) {
    return Object.entries(value).flatMap(([key, item]) => compiledOptions(schema.valueType, item, [...path, key]));
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, index) => compiledOptions(schema.element, item, [...path, index]));
  }
  return wrapped(schema).flatMap((inner) => compiledOptions(inner, value, path));
}

/** What stands inside a wrapper; of a union, the alternatives that the value may be. */
function wrapped(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return [schema.def.innerType];
  }
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodReadonly) return [schema.def.innerType];
  if (schema instanceof z.ZodUnion) return schema.options;
  return [];
}
