/** The types of facts, read from the zod shapes that declare them: for type checks, words, reference and the values of a skipped check. */
import { z } from 'zod';
import type { CheckSpec } from './check-spec.ts';
import { EDGE_ROOTS } from './edge-facts.ts';
import type { FactScope, FactValue } from './facts.ts';
import type { List } from './policy.ts';
import type { Stage } from './stage.ts';

export type FactType =
  | { readonly kind: 'text'; readonly words: readonly string[] | undefined; readonly about: FactMeta }
  | { readonly kind: 'number'; readonly about: FactMeta }
  | { readonly kind: 'flag'; readonly about: FactMeta }
  | { readonly kind: 'list'; readonly of: FactType; readonly about: FactMeta }
  | { readonly kind: 'map'; readonly of: FactType; readonly keys?: readonly string[]; readonly about: FactMeta }
  | { readonly kind: 'object'; readonly fields: { readonly [name: string]: FactType }; readonly about: FactMeta }
  | { readonly kind: 'named'; readonly list: List['kind']; readonly about: FactMeta };

/** What a shape's `.meta()` may say. */
export interface FactMeta {
  readonly stage?: Stage;
  /** The check that states this fact of an edge root. */
  readonly needs?: string;
  /** `seconds` are said in words in texts. */
  readonly unit?: 'seconds';
  /** The value when the check was skipped by its guard, where '' , 0, false or 'none' would mislead. */
  readonly absent?: FactValue;
}

/** A root as one policy has it. */
export interface Root {
  readonly name: string;
  readonly type: FactType;
  readonly stage: Stage;
  readonly scope: FactScope;
  /** The instance that states it; undefined for what the edge, settings, lists and tables say. */
  readonly instance: string | undefined;
}

const STATUS_WORDS = ['completed', 'failed', 'timed_out', 'skipped'];

export function typeOf(schema: z.core.$ZodType): FactType {
  const about = (schema instanceof z.ZodType ? (schema.meta() ?? {}) : {}) as FactMeta;
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(([name, field]) => [name, typeOf(field)] as const);
    return { kind: 'object', fields: Object.fromEntries(fields), about };
  }
  if (schema instanceof z.ZodArray) return { kind: 'list', of: typeOf(schema.element), about };
  if (schema instanceof z.ZodRecord) return { kind: 'map', of: typeOf(schema.valueType), about };
  if (schema instanceof z.ZodEnum) return { kind: 'text', words: schema.options.map(String), about };
  if (schema instanceof z.ZodLiteral) return { kind: 'text', words: [...schema.values].map(String), about };
  if (schema instanceof z.ZodBoolean) return { kind: 'flag', about };
  if (schema instanceof z.ZodNumber) return { kind: 'number', about };
  if (schema instanceof z.ZodString) return { kind: 'text', words: undefined, about };
  throw new TypeError(
    'Cannot read the type of a fact as it must be made of z.object, array, record, enum, boolean, number and string',
  );
}

/** The roots that no check states. */
export function edgeRoots(): Root[] {
  return EDGE_ROOTS.map(({ root, shape, stage, scope }) => ({
    name: root,
    type: typeOf(shape),
    stage,
    scope,
    instance: undefined,
  }));
}

/** The root of a check's instance: its facts and `status`. A guard adds the word 'none' to what its words may be. */
export function checkRoot(spec: CheckSpec, name: string, stage: Stage, scope: FactScope, guarded: boolean): Root {
  const stated = typeOf(spec.facts);
  const fields = stated.kind === 'object' ? stated.fields : {};
  const open = Object.entries(fields).map(([field, type]) => [field, guarded ? withAbsent(type) : type] as const);
  const status: FactType = { kind: 'text', words: STATUS_WORDS, about: {} };
  const type: FactType = { kind: 'object', fields: { ...Object.fromEntries(open), status }, about: {} };
  return { name, type, stage, scope, instance: name };
}

function withAbsent(type: FactType): FactType {
  if (type.kind !== 'text' || type.words === undefined) return type;
  const absent = String(absentValue(type));
  return type.words.includes(absent) ? type : { ...type, words: [...type.words, absent] };
}

/** What a fact says when its check was skipped by its guard: facts are total. */
export function absentValue(type: FactType): FactValue {
  if (type.about.absent !== undefined) return type.about.absent;
  switch (type.kind) {
    case 'text':
      return type.words === undefined ? '' : 'none';
    case 'number':
      return 0;
    case 'flag':
      return false;
    case 'list':
    case 'named':
      return [];
    case 'map':
      return {};
    case 'object':
      return Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [name, absentValue(field)]));
  }
}

/** The type of a path below a type; undefined where there is none. */
export function fieldAt(type: FactType, path: readonly string[]): FactType | undefined {
  let at: FactType | undefined = type;
  for (const name of path) {
    if (at?.kind === 'map') at = at.of;
    else at = at?.kind === 'object' && Object.hasOwn(at.fields, name) ? at.fields[name] : undefined;
  }
  return at;
}

/** The kind of list a text may be looked up in, told by its name; undefined: words and patterns only. */
export function listKindOf(name: string): 'network' | 'domain' | 'address' | undefined {
  if (name === 'ip') return 'network';
  if (['domain', 'domains', 'name', 'sealer', 'client_name'].includes(name)) return 'domain';
  return ['address', 'user'].includes(name) ? 'address' : undefined;
}
