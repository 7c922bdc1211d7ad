/** Loads a policy with everything it names: all problems at once, and a policy only when there is no error among them. */
import { expectSchema } from '../language/expect.ts';
import { didYouMean } from '../language/nearest.ts';
import type { Problem } from '../language/problem.ts';
import type { Source } from '../language/source.ts';
import { ask } from './ask.ts';
import type { Ground } from './asking.ts';
import type { Bundle, InstallationView } from './bundle.ts';
import { bundleOf, readerOf } from './bundle-files.ts';
import type { CheckCatalog } from './check-spec.ts';
import { environmentOf, patternFinder } from './environment.ts';
import { type Compiler, definesUsed } from './expression.ts';
import { edgeRoots, type FactType, type Root } from './fact-types.ts';
import { compileChecks, type LoadedCheck, readChecks } from './load-checks.ts';
import { loadLists, loadTenantLists, typeOfLists } from './load-lists.ts';
import { loadRules } from './load-rules.ts';
import { loadIncluded, loadSettings, loadTables } from './load-settings.ts';
import { Loading, type PolicyReader } from './loading.ts';
import { isSilenced, type Override, overridesOf, withOverrides } from './override.ts';
import type { CheckInstance, Policy } from './policy.ts';
import { NAMED, POLICY_TOP } from './policy-file.ts';
import { prepareCheck } from './prepare.ts';
import type { Rule } from './rule.ts';
import { configuredServices, SERVICES } from './services.ts';
import { isBefore, STAGES, type Stage } from './stage.ts';
import { expressionAt, namesOf, type Vocabulary } from './vocabulary.ts';

const SERVICES_TYPE: FactType = {
  kind: 'object',
  fields: Object.fromEntries(SERVICES.map((name) => [name, { kind: 'flag', about: {} }])),
  about: {},
};

export interface PolicyInput {
  readonly files: PolicyReader;
  /** The policy file, relative to the policies' folder. */
  readonly path: string;
  readonly catalog: CheckCatalog;
  readonly installation: InstallationView;
  /** Names of routes; undefined where they are not known, and not held against the rules. */
  readonly routes: readonly string[] | undefined;
  /** In force now; they become part of the bundle. */
  readonly overrides?: readonly Override[];
  /** SHA-256 of a text, in hex. */
  readonly digest: (text: string) => string;
}

export interface LoadedPolicy {
  /** Undefined where a problem is an error. */
  readonly policy?: Policy;
  readonly problems: readonly Problem[];
}

export function loadPolicy(input: PolicyInput): LoadedPolicy {
  const loading = new Loading(input.files);
  const file = loading.read(input.path);
  if (file === undefined) {
    const place = { file: loading.named(input.path), line: 1, column: 1 };
    const remedy = 'make it, or mend the name of the policy in the installation';
    const problem: Problem = {
      place,
      severity: 'error',
      message: `there is no file ${place.file}`,
      remedy,
      excerpt: '',
    };
    return { problems: [problem] };
  }
  const source = loading.parse(file);
  if (source.root === undefined) return { problems: loading.problems };
  const policy = loadFrom(loading, source, input);
  const problems = [...loading.problems].sort(byPlace);
  return loading.failed || policy === undefined ? { problems } : { policy, problems };
}

/** The very policy that a bundle holds: what a record's decisions are run again with. Throws when it does not load. */
export function policyFromBundle(bundle: Bundle, catalog: CheckCatalog, digest: (text: string) => string): Policy {
  const { policy, problems } = loadPolicy({
    files: readerOf(bundle),
    path: bundle.files[0]?.path ?? '',
    catalog,
    installation: bundle.installation,
    overrides: bundle.overrides ?? [],
    routes: undefined,
    digest,
  });
  if (policy !== undefined) return policy;
  const why = problems.map(({ place, message }) => `${place.file}:${place.line}: ${message}`).join('; ');
  throw new Error(`Cannot load bundle ${bundle.digest} as it must load as it once did: ${why}`);
}

function loadFrom(loading: Loading, source: Source, input: PolicyInput): Policy | undefined {
  const top = expectSchema(source, POLICY_TOP);
  if (top.value === undefined) loading.expect(source, POLICY_TOP, []);
  const { policy: name = '', mode = 'enforce', otherwise = 'accept', include = [] } = top.value ?? {};

  const included = loadIncluded(loading, source, include);
  const settings = loadSettings(loading, source, included, input.installation);
  const { tables, type: tablesType } = loadTables(loading, source);
  const lists = loadLists(loading, source);
  const tenantLists = loadTenantLists(loading, included);

  const edge = edgeRoots();
  const declared: Root[] = [
    { name: 'settings', type: settings.type, stage: 'rcpt' as const, scope: 'recipient' as const, instance: undefined },
    {
      name: 'services',
      type: SERVICES_TYPE,
      stage: 'connect' as const,
      scope: 'session' as const,
      instance: undefined,
    },
    { name: 'tables', type: tablesType, stage: 'connect' as const, scope: 'session' as const, instance: undefined },
    {
      name: 'lists',
      type: typeOfLists(lists),
      stage: 'connect' as const,
      scope: 'session' as const,
      instance: undefined,
    },
    {
      name: 'tenant_lists',
      type: typeOfLists(tenantLists.get('') ?? new Map()),
      stage: 'rcpt' as const,
      scope: 'recipient' as const,
      instance: undefined,
    },
  ].filter(({ type }) => type.kind === 'object' && Object.keys(type.fields).length > 0);
  const taken = new Set([...edge.map((root) => root.name), 'services', 'settings', 'tables', 'lists', 'tenant_lists']);
  const { written, roots: checkRoots } = readChecks(loading, source, input.catalog, taken);
  const roots = new Map([...edge, ...declared, ...checkRoots].map((root) => [root.name, root]));

  const instances = new Map<string, string>();
  for (const { spec, name: instance } of written) if (!instances.has(spec.name)) instances.set(spec.name, instance);
  const defineTexts = readDefines(loading, source, new Set(roots.keys()));
  const names = namesOf(roots, new Set(defineTexts.keys()), input.catalog);
  const vocabulary: Vocabulary = { names, catalog: input.catalog, instances };
  const find = patternFinder();
  const hosted = (domain: string): boolean => Object.hasOwn(input.installation.domains, domain);
  const env = environmentOf(roots.values(), hosted, find);
  const compiler: Compiler = { env, find, names, defines: new Map(), asides: new Map() };
  compileDefines(loading, source, compiler, vocabulary, defineTexts);

  const services = configuredServices(input.installation.services ?? []);
  const ground: Ground = { compiler, lists, tenantLists, tables, services, instances, settings: settings.resolve };
  const checks = compileChecks(loading, source, written, compiler, vocabulary, lists, roots);
  const rules = loadRules({ loading, source, compiler, vocabulary, mode, lists, routes: input.routes });
  if (loading.failed) return undefined;

  const overrides = overridesOf(
    { policy: name, rules, checks: checks.map(({ instance }) => instance.name) },
    input.overrides ?? [],
  );
  const bundle = bundleOf(name, loading.files, input.installation, overrides, input.digest);
  return policyOver({ name, bundle, mode, otherwise, ground, checks, rules: withOverrides(rules, overrides) });
}

function policyOver(parts: {
  readonly name: string;
  readonly bundle: Bundle;
  readonly mode: Policy['mode'];
  readonly otherwise: 'accept' | 'defer';
  readonly ground: Ground;
  readonly checks: readonly LoadedCheck[];
  readonly rules: readonly Rule[];
}): Policy {
  const { name, bundle, mode, otherwise, ground, rules } = parts;
  const checks = parts.checks.map(
    ({ instance }): CheckInstance => ({
      ...instance,
      speaksAt: isSilenced(instance.name, bundle.overrides ?? []) ? undefined : speaksAt(instance, rules),
    }),
  );
  const loaded = new Map(parts.checks.map((check) => [check.instance.name, check]));
  const askable = { ground, rules, checks, mode, otherwise };
  return {
    name,
    bundle,
    mode,
    rules: rules.map(({ info }) => info),
    checks,
    lists: ground.lists,
    readsBody: [...ground.compiler.asides.values()].some(({ header }) => header?.kind === 'body'),
    secrets: parts.checks.flatMap(({ secrets }) => secrets),
    prepare: (instance, situation) => {
      const check = loaded.get(instance.name);
      if (check === undefined)
        throw new RangeError(`Cannot prepare check "${instance.name}" as the policy must have it: ${name} does not`);
      return prepareCheck(check, ground, situation);
    },
    ask: (stage, situation, carry) => ask(askable, stage, situation, carry),
    settings: ground.settings,
  };
}

/** The first stage in which a rule that acts reads it, not before there is a recipient; not before there is a message to keep. */
function speaksAt(
  { name, onError }: Pick<CheckInstance, 'name' | 'onError'>,
  rules: readonly Rule[],
): Stage | undefined {
  const stages = rules
    .filter(({ info, checks }) => info.mode !== 'monitor' && checks.has(name))
    .map(({ info }) => info.stage);
  const first = STAGES.find((stage) => stages.includes(stage));
  if (first === undefined) return undefined;
  const least: Stage = onError.kind === 'quarantine' || onError.kind === 'deferThenQuarantine' ? 'data' : 'rcpt';
  return isBefore(first, least) ? least : first;
}

/** Names and texts; their order is the file's. */
function readDefines(loading: Loading, source: Source, taken: ReadonlySet<string>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  loading.expect(source, NAMED.optional(), ['define']);
  for (const [name, text] of loading.entries(source, ['define'])) {
    if (!/^[a-z_][a-z0-9_]*$/.test(name)) {
      loading.wrong(
        source,
        ['define', name],
        'key',
        `"${name}" cannot be a name`,
        'names are small letters, digits and _',
      );
    } else if (taken.has(name)) {
      loading.wrong(
        source,
        ['define', name],
        'key',
        `the name "${name}" stands for facts already`,
        'give the expression another name',
      );
    } else if (typeof text !== 'string') {
      loading.wrong(
        source,
        ['define', name],
        'value',
        `${name} is not an expression`,
        'put the expression in double quotes or after `>-`',
      );
    } else texts.set(name, text);
  }
  return texts;
}

/** Each after those it uses. */
function compileDefines(
  loading: Loading,
  source: Source,
  compiler: Compiler,
  vocabulary: Vocabulary,
  texts: ReadonlyMap<string, string>,
): void {
  const done = new Set<string>();
  const compile = (name: string, open: readonly string[]): void => {
    if (done.has(name)) return;
    if (open.includes(name)) {
      const ring = [...open.slice(open.indexOf(name)), name].join(' → ');
      loading.wrong(
        source,
        ['define', name],
        'key',
        `defines stand for each other: ${ring}`,
        `write one of them without ${open.at(-1)}`,
      );
      done.add(name);
      compiler.env.registerVariable(name, 'bool');
      return;
    }
    const text = texts.get(name) ?? '';
    for (const used of definesUsed(compiler, text)) compile(used, [...open, name]);
    if (done.has(name)) return;
    done.add(name);
    const expression = expressionAt(
      loading,
      compiler,
      vocabulary,
      source,
      ['define', name],
      text,
      undefined,
      undefined,
    );
    // One that is wrong is told once: what uses it is taken to be fine.
    compiler.env.registerVariable(name, expression?.type ?? 'bool');
    if (expression !== undefined) compiler.defines.set(name, expression);
  };
  for (const name of texts.keys()) compile(name, []);
}

/** What a domain's settings in the installation name that no policy declares. */
export function undeclaredSettings(policies: readonly Policy[], installation: InstallationView): Problem[] {
  const declared = new Set(policies.flatMap((policy) => Object.keys(policy.settings('', '').values)));
  return Object.entries(installation.domains).flatMap(([domain, { settings, file, line }]) =>
    Object.keys(settings)
      .filter((name) => !declared.has(name))
      .map(
        (name): Problem => ({
          place: { file, line, column: 1 },
          severity: 'error',
          message: `${domain} sets "${name}", which no policy declares`,
          remedy: `${didYouMean(name, declared)} declared are: ${[...declared].join(', ')}`.trim(),
          excerpt: '',
        }),
      ),
  );
}

const byPlace = (a: Problem, b: Problem): number =>
  a.place.file.localeCompare(b.place.file) || a.place.line - b.place.line || a.place.column - b.place.column;
