/** docs/reference/facts.md: every fact a rule may read, from the edge's table and the checks' definitions. */
import { z } from 'zod';
import type { CheckCatalog, CheckSpec } from '../../policy/check-spec.ts';
import { EDGE_ROOTS, type EdgeRoot } from '../../policy/edge-facts.ts';
import { SERVICES } from '../../policy/services.ts';
import { code, data, page, table } from './markdown.ts';
import { type JsonSchema, schemaRows, tidySchema, typeOf } from './schema-rows.ts';

export function factsPage(catalog: CheckCatalog): string {
  return page(
    'Facts',
    'What conditions may read. A fact is known from its stage on; reading it earlier is a load error. Facts of a check stand ' +
      'under the name of its instance, and every check also has `NAME.status`: `completed`, `failed`, `timed_out` or `skipped`.',
    '## Of the edge',
    table(HEAD, EDGE_ROOTS.flatMap(edgeRows)),
    '## Of the installation',
    'Constants of the configuration, readable everywhere; a record does not repeat them, its bundle holds them.',
    table(
      HEAD,
      SERVICES.map((name) => [
        code(`services.${name}`),
        'true or false',
        'connect',
        'installation',
        `${name} is configured under \`services:\` ([scanners](../scanners.md))`,
        code('true'),
      ]),
    ),
    ...[...catalog.values()].flatMap((check) => [
      `## Of the check \`${check.name}\``,
      `${check.about} ([more](checks.md#${check.name}))`,
      table(HEAD, checkRows(check)),
    ]),
  );
}

const HEAD = ['fact', 'type', 'known from', 'of the', 'meaning', 'example'];

function edgeRows({ root, scope, shape, stage }: EdgeRoot): readonly (readonly string[])[] {
  const raw = z.toJSONSchema(shape) as JsonSchema & { readonly properties?: { readonly [key: string]: Staged } };
  const stages = new Map(Object.entries(raw.properties ?? {}).map(([key, { stage: own }]) => [`${root}.${key}`, own]));
  const tidy = tidySchema(raw);
  if (tidy.properties === undefined)
    return [[code(root), typeOf(tidy), stage, scope, tidy.description ?? '', data(tidy.examples?.[0])]];
  return schemaRows(tidy, root).map((row) => [
    code(row.path),
    row.type,
    stages.get(row.path) ?? stage,
    scope,
    row.about,
    data(row.example),
  ]);
}

interface Staged {
  readonly stage?: string;
}

function checkRows({ name, facts, stage, scope }: CheckSpec): readonly (readonly string[])[] {
  const of = typeof scope === 'function' ? 'what its options say' : scope;
  return schemaRows(tidySchema(z.toJSONSchema(facts)), name).map((row) => [
    code(row.path),
    row.type,
    stage,
    of,
    row.about,
    data(row.example),
  ]);
}
