/** The JSON Schema of each kind of file that people write. */
import { CHECKS } from '../checks/registry.ts';
import { installationSchema } from '../config/schema.ts';
import { policyTestSchema } from '../gateway/testing/test-schema.ts';
import { includedSchema, policySchema } from '../policy/json-schema.ts';
import { type JsonSchema, tidySchema } from './reference/schema-rows.ts';

export const KINDS = ['installation', 'policy', 'included', 'tests'] as const;
export type Kind = (typeof KINDS)[number];

/** The file each is written to. */
export const SCHEMA_FILES: { readonly [kind in Kind]: string } = {
  installation: 'postern.schema.json',
  policy: 'policy.schema.json',
  included: 'policy-included.schema.json',
  tests: 'policy-tests.schema.json',
};

export function schemaOf(kind: Kind): JsonSchema {
  switch (kind) {
    case 'installation':
      return tidySchema(installationSchema());
    case 'policy':
      return tidySchema(policySchema(CHECKS));
    case 'included':
      return tidySchema(includedSchema());
    case 'tests':
      return tidySchema(policyTestSchema());
  }
}
