/** Checks as the language sees them, without anything that runs: enough to load every sentence of a policy. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duration } from '../../src/language/units.ts';
import type { InstallationView } from '../../src/policy/bundle.ts';
import type { CheckCatalog, CheckSpec } from '../../src/policy/check-spec.ts';
import { type LoadedPolicy, loadPolicy } from '../../src/policy/load-policy.ts';
import { expression, listOf, template } from '../../src/policy/options.ts';
import type { Policy } from '../../src/policy/policy.ts';

function spec(
  name: string,
  stage: CheckSpec['stage'],
  scope: CheckSpec['scope'],
  facts: z.ZodRawShape,
  more: Partial<CheckSpec> = {},
): CheckSpec {
  return {
    ...{ name, stage, scope, about: '', timeout: 1000, onError: 'skip' as const, needs: [], evidence: '' },
    ...{ options: z.strictObject({}), facts: z.object(facts) },
    ...more,
  };
}

const text = z.string();
const spfWords = z.enum(['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']);
const specs: readonly CheckSpec[] = [
  spec(
    'dnsbl',
    'connect',
    'session',
    { score: z.number(), listed_by: z.array(text), answers: z.array(text), failed: z.array(text), lookup_url: text },
    {
      options: z.strictObject({
        lists: z.record(
          text,
          z.strictObject({
            zone: text,
            codes: z.record(text, z.number()),
            errors: z.array(text).optional(),
            lookup_url: template().optional(),
          }),
        ),
      }),
    },
  ),
  spec('rdns', 'connect', 'session', { result: z.enum(['pass', 'fail', 'temperror', 'permerror']), name: text }),
  spec('helo', 'helo', 'session', {
    name: text,
    verb: text,
    literal: z.boolean(),
    resolves: z.boolean(),
    matches: z.boolean(),
  }),
  spec('spf', 'mail', 'transaction', { result: spfWords, domain: text }),
  spec('sender_domain', 'mail', 'transaction', { result: z.enum(['ok', 'null-mx', 'no-mx', 'temperror']) }),
  spec(
    'rate',
    'connect',
    'session',
    { count: z.number(), exceeded: z.boolean() },
    { options: z.strictObject({ key: expression('string'), limit: z.number(), window: duration().prefault('10m') }) },
  ),
  spec('greylist', 'rcpt', 'recipient', {
    result: z.enum(['wait', 'passed', 'known', 'exempt']),
    wait: z.number(),
    key: text,
  }),
  spec('dkim', 'data', 'transaction', {
    result: z.enum(['none', 'pass', 'fail', 'temperror']),
    domains: z.array(text),
    signatures: z.array(z.object({ domain: text, selector: text, algorithm: text, result: z.enum(['pass', 'fail']) })),
  }),
  spec(
    'arc',
    'data',
    'transaction',
    { result: z.enum(['none', 'pass', 'fail']), trusted: z.boolean(), sealer: text },
    { options: z.strictObject({ trusted_sealers: listOf('domain').optional() }) },
  ),
  spec(
    'dmarc',
    'data',
    'transaction',
    {
      result: z.enum(['none', 'pass', 'fail', 'temperror', 'permerror']),
      policy: z.enum(['none', 'quarantine', 'reject']),
      disposition: text,
      domain: text,
      alignment: z.object({ spf: z.boolean(), dkim: z.boolean() }),
      why: text,
    },
    { needs: ['spf', 'dkim'] },
  ),
  spec('probe', 'rcpt', 'recipient', { answer: z.enum(['yes', 'no']), score: z.number() }, { onError: 'defer' }),
];

export const CATALOG: CheckCatalog = new Map(specs.map((check) => [check.name, check]));
export const INSTALLATION: InstallationView = {
  domains: {
    'example.com': { settings: {}, file: 'postern.yaml', line: 3 },
    'example.org': { settings: { spam_hold: 4 }, file: 'postern.yaml', line: 4 },
  },
};
export const sha256 = (said: string): string => createHash('sha256').update(said).digest('hex');

/** Loads `policy.yaml` from texts by path. */
export function load(
  policy: string,
  files: { readonly [path: string]: string } = {},
  installation: InstallationView = INSTALLATION,
  catalog: CheckCatalog = CATALOG,
): LoadedPolicy {
  const all: { readonly [path: string]: string } = { 'policy.yaml': policy, ...files };
  return loadPolicy({
    files: {
      name: 'policies',
      read: (path) => (all[path] === undefined ? undefined : { path, text: all[path] }),
      glob: (pattern) =>
        Object.keys(all)
          .filter((path) => path.startsWith(pattern.replace(/\*.*$/, '')))
          .sort(),
    },
    path: 'policy.yaml',
    catalog,
    installation,
    routes: ['store', 'boxes'],
    digest: sha256,
  });
}

/** The same, for a text that must be right. */
export function loaded(
  policy: string,
  files: { readonly [path: string]: string } = {},
  catalog: CheckCatalog = CATALOG,
): Policy {
  const { policy: found, problems } = load(policy, files, INSTALLATION, catalog);
  if (found === undefined) throw new Error(JSON.stringify(problems, null, 1));
  return found;
}
