/** JSON Schema as rows of a table: each key with its path, its type, its default and what it means. */

/** The part of JSON Schema that zod writes, with the words our definitions add. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
}

export interface SchemaRow {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** As written; undefined where there is none. */
  readonly fallback: unknown;
  readonly about: string;
  readonly example: unknown;
}

/** Our definitions say `about`, `expected` and `example`; editors read `description` and `examples`. */
export function tidySchema(schema: object): JsonSchema {
  const { about, expected, example, ...kept } = schema as JsonSchema & Ours;
  const words = about ?? expected;
  return {
    ...kept,
    ...(words === undefined || kept.description !== undefined ? {} : { description: words }),
    ...(example === undefined || kept.examples !== undefined ? {} : { examples: [example] }),
    ...(kept.properties === undefined ? {} : { properties: tidyEach(kept.properties) }),
    ...(kept.items === undefined ? {} : { items: tidySchema(kept.items) }),
    ...(kept.anyOf === undefined ? {} : { anyOf: kept.anyOf.map(tidySchema) }),
    ...(kept.$defs === undefined ? {} : { $defs: tidyEach(kept.$defs) }),
    ...(typeof kept.additionalProperties === 'object'
      ? { additionalProperties: tidySchema(kept.additionalProperties) }
      : {}),
  };
}

interface Ours {
  readonly about?: string;
  readonly expected?: string;
  readonly example?: unknown;
  readonly $defs?: { readonly [name: string]: JsonSchema };
}

const tidyEach = (schemas: { readonly [key: string]: JsonSchema }): { readonly [key: string]: JsonSchema } =>
  Object.fromEntries(Object.entries(schemas).map(([key, inner]) => [key, tidySchema(inner)]));

/**
 * Every key below a schema, in the order written. Maps show as `NAME`, items of lists as `[]`. A map that was told already
 * is told by where it stands.
 */
export function schemaRows(schema: JsonSchema, root = ''): readonly SchemaRow[] {
  const told = new Map<string, string>();
  const below = (inner: JsonSchema, above: string): readonly SchemaRow[] => {
    const own = Object.entries(inner.properties ?? {}).flatMap(([key, one]) =>
      rowsOf(above === '' ? key : `${above}.${key}`, one, inner.required?.includes(key) ?? false),
    );
    const map = typeof inner.additionalProperties === 'object' ? inner.additionalProperties : undefined;
    const named = map === undefined ? [] : below(map, above === '' ? 'NAME' : `${above}.NAME`);
    const items = inner.items === undefined ? [] : below(inner.items, `${above}[]`);
    // Of alternatives each that has keys shows them; a key they share is shown once.
    const seen = new Set<string>();
    const either = (inner.anyOf ?? [])
      .flatMap((one) => below(one, above))
      .filter(({ path }) => !seen.has(path) && seen.add(path));
    return [...own, ...named, ...items, ...either];
  };
  const rowsOf = (path: string, inner: JsonSchema, required: boolean): readonly SchemaRow[] => {
    const shape = shapeOf(inner);
    const before = told.get(shape);
    if (before === undefined && shape !== '') told.set(shape, path);
    const as = before === undefined ? '' : `, as \`${before}\``;
    const row = {
      path,
      type: typeOf(inner) + as,
      required,
      fallback: inner.default,
      about: inner.description ?? '',
      example: inner.examples?.[0],
    };
    return before === undefined ? [row, ...below(inner, path)] : [row];
  };
  return below(schema, root);
}

/** What keys a schema has, as text to compare; '' where it has none. Words about it do not matter. */
function shapeOf(schema: JsonSchema): string {
  const keys = [
    ...Object.entries(schema.properties ?? {}).map(([key, inner]) => `${key}:${typeOf(inner)}${shapeOf(inner)}`),
    ...(typeof schema.additionalProperties === 'object' ? [shapeOf(schema.additionalProperties)] : []),
    ...(schema.items === undefined ? [] : [shapeOf(schema.items)]),
    ...(schema.anyOf ?? []).map(shapeOf),
  ].filter((part) => part !== '');
  return keys.length === 0 ? '' : `{${keys.join(',')}}`;
}

export function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(' ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (typeof schema.type === 'object') return schema.type.map((type) => typeOf({ type })).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`;
  if (schema.type === 'object') return 'map';
  if (schema.type === 'string') return 'text';
  if (schema.type === 'boolean') return 'true or false';
  return schema.type === undefined ? 'anything' : 'number';
}
