/** JSON Schema of a policy file, from the definitions it is loaded with, so that an editor knows every word. */
import { z } from 'zod';
import type { CheckCatalog } from './check-spec.ts';
import { CHECK_WORDS, INCLUDED, POLICY_KEYS, POLICY_PARTS } from './policy-file.ts';
import { STAGES } from './stage.ts';

/** A policy that uses the checks of this catalog. */
export function policySchema(catalog: CheckCatalog): object {
  const file = z.strictObject({
    ...POLICY_KEYS,
    settings: POLICY_PARTS.settings.optional(),
    tables: POLICY_PARTS.tables.optional(),
    define: POLICY_PARTS.define.optional(),
    lists: POLICY_PARTS.lists.optional(),
    checks: checksShape(catalog).optional(),
    rules: POLICY_PARTS.rules.optional(),
    replies: POLICY_PARTS.replies.optional(),
  });
  return toSchema(file, 'A Postern policy');
}

/** A file that a policy brings in with `include:`. */
export function includedSchema(): object {
  return toSchema(INCLUDED, 'What one customer may say');
}

/** At each stage, the checks that can run there: one key each, its options below. */
function checksShape(catalog: CheckCatalog): z.ZodType {
  const stages = STAGES.map((stage, n) => {
    const here = [...catalog.values()].filter((spec) => STAGES.indexOf(spec.stage) <= n);
    const entries = here.map((spec) => {
      const options = spec.options.safeExtend(CHECK_WORDS);
      const value = options.safeParse({}).success ? options.nullable() : options;
      return z.strictObject({ [spec.name]: value.describe(spec.about) });
    });
    const entry = entries.length === 0 ? z.never() : z.union(entries);
    return [stage, z.array(entry).nullable().optional()] as const;
  });
  return z.strictObject(Object.fromEntries(stages));
}

function toSchema(shape: z.ZodType, title: string): object {
  return {
    ...z.toJSONSchema(shape, {
      io: 'input',
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        // What our definitions say about a thing, in the word that editors show.
        const { about, example, ...rest } = jsonSchema as { about?: string; example?: unknown } & typeof jsonSchema;
        if (about === undefined && example === undefined) return;
        for (const key of Object.keys(jsonSchema)) delete (jsonSchema as { [key: string]: unknown })[key];
        Object.assign(
          jsonSchema,
          rest,
          about === undefined ? {} : { description: about },
          example === undefined ? {} : { examples: [example] },
        );
      },
    }),
    title,
  };
}
