/** The checks of a policy: which instances there are, what each waits for, and its options with everything in them compiled. */
import { valueAt } from '../language/expect.ts';
import { didYouMean } from '../language/nearest.ts';
import type { Place } from '../language/problem.ts';
import type { Path, Source } from '../language/source.ts';
import type { CheckCatalog, CheckSpec, OnError } from './check-spec.ts';
import type { Compiler, Expression } from './expression.ts';
import { absentValue, checkRoot, type Root, typeOf } from './fact-types.ts';
import type { FactScope, FactValue } from './facts.ts';
import type { Loading } from './loading.ts';
import { type Compiled, compiledOptions } from './options.ts';
import type { CheckInstance, List, Secret } from './policy.ts';
import { CHECK_WORDS, type OnErrorWritten, STAGED } from './policy-file.ts';
import { notAfter, STAGES, type Stage } from './stage.ts';
import type { Template } from './template.ts';
import { expressionAt, instancesRead, templateAt, type Vocabulary } from './vocabulary.ts';

/** An instance as written, before its expressions are compiled. */
export interface WrittenCheck {
  readonly spec: CheckSpec;
  readonly name: string;
  readonly stage: Stage;
  readonly path: Path;
  readonly place: Place;
  readonly options: { readonly [name: string]: unknown };
  readonly when: string | undefined;
  readonly after: readonly string[];
  readonly timeout: number | undefined;
  readonly onError: OnErrorWritten;
}

/** An option to resolve before the check runs. */
export type OptionPart = { readonly path: Path } & (
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'list'; readonly list: List }
  | { readonly kind: 'template'; readonly template: Template }
);

export interface LoadedCheck {
  readonly instance: Omit<CheckInstance, 'speaksAt'>;
  readonly guard: Expression | undefined;
  readonly parts: readonly OptionPart[];
  readonly secrets: readonly Secret[];
}

/** First pass: names, places and options, so that every root has its type before the first expression is read. */
export function readChecks(
  loading: Loading,
  source: Source,
  catalog: CheckCatalog,
  taken: ReadonlySet<string>,
): { readonly written: readonly WrittenCheck[]; readonly roots: readonly Root[] } {
  const written: WrittenCheck[] = [];
  const roots: Root[] = [];
  loading.expect(source, STAGED.optional(), ['checks']);
  for (const stage of STAGES) {
    for (const [n] of loading.items(source, ['checks', stage])) {
      const check = readCheck(loading, source, catalog, stage, ['checks', stage, n]);
      if (check === undefined) continue;
      const { name, spec } = check;
      const first = written.find((other) => other.name === name);
      if (first !== undefined || taken.has(name)) {
        const where = first === undefined ? 'stands for facts of the edge' : `is taken in line ${first.place.line}`;
        const named = name !== spec.name;
        loading.wrong(
          source,
          named ? [...check.path, 'as'] : check.path,
          named ? 'value' : 'key',
          `the name "${name}" ${where}`,
          `give this one a name of its own: \`as: ${spec.name}_2\``,
        );
        continue;
      }
      written.push(check);
      const scope = typeof spec.scope === 'function' ? spec.scope(check.options, stage) : spec.scope;
      roots.push(checkRoot(spec, name, stage, scope, check.when !== undefined));
    }
  }
  for (const check of written) findNeeds(loading, source, catalog, check, written);
  findCycle(loading, source, written);
  return { written, roots };
}

/** Second pass: guards and options compiled against all the names there are. */
export function compileChecks(
  loading: Loading,
  source: Source,
  written: readonly WrittenCheck[],
  compiler: Compiler,
  vocabulary: Vocabulary,
  lists: ReadonlyMap<string, List>,
  roots: Map<string, Root>,
): LoadedCheck[] {
  return written.map((check) => compileCheck(loading, source, check, written, compiler, vocabulary, lists, roots));
}

function readCheck(
  loading: Loading,
  source: Source,
  catalog: CheckCatalog,
  stage: Stage,
  path: Path,
): WrittenCheck | undefined {
  const entries = loading.entries(source, path);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    const message =
      entries.length > 1
        ? `one entry names ${entries.length} checks: ${entries.map(([key]) => key).join(', ')}`
        : 'this is no check';
    loading.wrong(
      source,
      path,
      'value',
      message,
      'each entry is one check with its options: `- rdns: {}`; indent its options below it',
    );
    return undefined;
  }
  const [checkName, value] = entry;
  const at = [...path, checkName];
  const spec = catalog.get(checkName);
  if (spec === undefined) {
    const near = didYouMean(checkName, catalog.keys());
    loading.wrong(
      source,
      at,
      'key',
      `there is no check "${checkName}"`,
      `${near} there are: ${[...catalog.keys()].join(', ')}`.trim(),
    );
    return undefined;
  }
  if (!notAfter(spec.stage, stage)) {
    loading.wrong(
      source,
      at,
      'key',
      `${checkName} cannot run before ${spec.stage}`,
      `move it under \`checks: ${spec.stage}:\``,
    );
  }
  const whole = spec.options.safeExtend(CHECK_WORDS).nullable();
  const options = (
    value === null && whole.safeParse({}).success ? whole.parse({}) : loading.expect(source, whole, at)
  ) as { readonly [name: string]: unknown } | null | undefined;
  const raw = (typeof value === 'object' && value !== null ? value : {}) as { readonly [name: string]: unknown };
  const given = options ?? {};
  const own = Object.fromEntries(Object.entries(given).filter(([key]) => !Object.hasOwn(CHECK_WORDS, key)));
  return {
    spec,
    // A check whose options are wrong still has its name, so that what reads it is not told twice.
    name: typeof raw.as === 'string' && /^[a-z_][a-z0-9_]*$/.test(raw.as) ? raw.as : checkName,
    stage,
    path: at,
    place: source.place(at, 'key'),
    options: own,
    when: given.when as string | undefined,
    after: (given.after as readonly string[] | undefined) ?? [],
    timeout: given.timeout as number | undefined,
    onError: given.on_error as OnErrorWritten,
  };
}

/** What a check cannot do without must be in the policy, at its stage or before. */
function findNeeds(
  loading: Loading,
  source: Source,
  catalog: CheckCatalog,
  check: WrittenCheck,
  all: readonly WrittenCheck[],
): void {
  for (const need of check.spec.needs) {
    const there = all.filter((other) => other.spec.name === need);
    const at = catalog.get(need)?.stage ?? check.stage;
    if (there.length === 0) {
      loading.wrong(
        source,
        check.path,
        'key',
        `${check.name} needs the check ${need}`,
        `add \`- ${need}: {}\` under \`checks: ${at}:\``,
      );
    } else if (there.every((other) => !notAfter(other.stage, check.stage))) {
      loading.wrong(
        source,
        check.path,
        'key',
        `${check.name} needs ${need}, which runs later`,
        `move ${need} to ${check.stage} or before`,
      );
    }
  }
  check.after.forEach((name, n) => {
    const other = all.find((one) => one.name === name);
    const at = [...check.path, 'after', n];
    if (other === undefined) {
      const spec = catalog.get(name);
      const remedy =
        spec === undefined
          ? `${didYouMean(
              name,
              all.map((one) => one.name),
            )} there are: ${all.map((one) => one.name).join(', ')}`.trim()
          : `add \`- ${name}: {}\` under \`checks: ${spec.stage}:\``;
      loading.wrong(source, at, 'value', `there is no check "${name}" to wait for`, remedy);
    } else if (!notAfter(other.stage, check.stage)) {
      loading.wrong(
        source,
        at,
        'value',
        `${name} runs at ${other.stage}, after ${check.stage}`,
        `move ${check.name} to ${other.stage}`,
      );
    }
  });
}

function findCycle(loading: Loading, source: Source, all: readonly WrittenCheck[]): void {
  const done = new Set<WrittenCheck>();
  const walk = (check: WrittenCheck, open: readonly WrittenCheck[]): boolean => {
    const from = open.indexOf(check);
    if (from >= 0) {
      const ring = [...open.slice(from), check].map(({ name }) => name).join(' → ');
      const culprit = open.slice(from).find(({ after }) => after.length > 0) ?? check;
      loading.wrong(
        source,
        culprit.after.length > 0 ? [...culprit.path, 'after'] : culprit.path,
        'key',
        `checks wait for each other: ${ring}`,
        `take ${culprit.after.join(', ')} out of \`after:\` of ${culprit.name}`,
      );
      return true;
    }
    if (done.has(check)) return false;
    const found = waitsFor(check, all).some((name) => {
      const next = all.find((one) => one.name === name);
      return next !== undefined && walk(next, [...open, check]);
    });
    done.add(check);
    return found;
  };
  for (const check of all) if (walk(check, [])) return;
}

function waitsFor(check: WrittenCheck, all: readonly WrittenCheck[]): string[] {
  const needed = all.filter(({ spec }) => check.spec.needs.includes(spec.name)).map(({ name }) => name);
  const awaited = all
    .filter(({ spec, stage }) => check.spec.awaits?.includes(spec.name) === true && notAfter(stage, check.stage))
    .map(({ name }) => name);
  return [...new Set([...needed, ...awaited, ...check.after])].filter((name) => all.some((one) => one.name === name));
}

function compileCheck(
  loading: Loading,
  source: Source,
  check: WrittenCheck,
  all: readonly WrittenCheck[],
  compiler: Compiler,
  vocabulary: Vocabulary,
  lists: ReadonlyMap<string, List>,
  roots: Map<string, Root>,
): LoadedCheck {
  const { spec, stage, path, name } = check;
  const after = waitsFor(check, all);
  const reads: Expression['reads'][number][] = [];
  const expression = (
    at: Path,
    text: string,
    how: Extract<Compiled, { kind: 'expression' }>['type'],
  ): Expression | undefined => {
    const found = expressionAt(loading, compiler, vocabulary, source, at, text, how, stage);
    if (found === undefined) return undefined;
    reads.push(...found.reads);
    for (const instance of instancesRead(found.reads, vocabulary)) {
      const other = all.find((one) => one.name === instance);
      if (other === undefined || other.stage !== stage || after.includes(instance)) continue;
      const remedy = other === check ? 'read another fact' : `add \`after: [${instance}]\` to ${name}`;
      const message =
        other === check
          ? `${name} cannot read its own facts here`
          : `${name} does not wait for ${instance}, whose facts it reads here`;
      loading.flaw(source, at, text, { start: 0, message, remedy });
    }
    return found;
  };
  const guard = check.when === undefined ? undefined : expression([...path, 'when'], check.when, 'bool');
  const parts: OptionPart[] = [];
  const secrets: Secret[] = [];
  for (const { path: inner, how, text } of compiledOptions(spec.options, check.options)) {
    const at = [...path, ...inner];
    switch (how.kind) {
      case 'expression': {
        const found = expression(at, text, how.type);
        if (found !== undefined) parts.push({ path: inner, kind: 'expression', expression: found });
        break;
      }
      case 'list': {
        const list = listAt(loading, source, at, text, how.listKind, lists);
        if (list !== undefined) parts.push({ path: inner, kind: 'list', list });
        break;
      }
      case 'template': {
        const template = templateAt(loading, vocabulary, source, at, text, stage, how.names);
        parts.push({ path: inner, kind: 'template', template });
        break;
      }
      case 'secret': {
        const shownAs = valueAt(check.options, [...inner.slice(0, -1), how.shownAs]);
        if (typeof shownAs === 'string') secrets.push({ file: text, shownAs, place: source.place(at, 'value') });
        break;
      }
    }
  }
  // What reads a fact of one recipient is of one recipient itself.
  const from = [name, ...after, ...reads.map((read) => read.root)];
  const scope = narrowest(from.map((root) => roots.get(root)?.scope ?? 'session'));
  const root = roots.get(name);
  if (root !== undefined) roots.set(name, { ...root, scope });
  return {
    instance: {
      name,
      check: spec.name,
      stage,
      scope,
      timeout: check.timeout ?? spec.timeout,
      onError: onErrorOf(check.onError, spec.onError),
      after,
      place: check.place,
      options: check.options,
      absent: absentValue(typeOf(spec.facts)) as { readonly [fact: string]: FactValue },
    },
    guard,
    parts,
    secrets,
  };
}

/** A list by its name, of the kind that is wanted. */
export function listAt(
  loading: Loading,
  source: Source,
  at: Path,
  text: string,
  kind: List['kind'],
  lists: ReadonlyMap<string, List>,
): List | undefined {
  const name = text.startsWith('lists.') ? text.slice('lists.'.length) : text;
  const list = lists.get(name);
  if (list === undefined || name === text) {
    const near = didYouMean(name, lists.keys());
    const remedy =
      list !== undefined
        ? `write lists.${name}`
        : near === ''
          ? `declare it: \`lists: { ${name}: { kind: ${kind}, values: [..] } }\``
          : near;
    loading.wrong(
      source,
      at,
      'value',
      list === undefined ? `there is no list "${name}"` : `"${text}" is not how a list is named`,
      remedy,
    );
    return undefined;
  }
  if (list.kind !== kind) {
    loading.wrong(
      source,
      at,
      'value',
      `lists.${name} is of kind ${list.kind}, and this takes ${kind}`,
      `name a list of kind ${kind}`,
    );
    return undefined;
  }
  return list;
}

const SCOPES: readonly FactScope[] = ['session', 'transaction', 'recipient'];
const narrowest = (scopes: readonly FactScope[]): FactScope =>
  SCOPES.findLast((scope) => scopes.includes(scope)) ?? 'session';

/** Where `on_error: { defer: … }` says nothing of its span, as a check's own default. */
const DEFAULT_SPAN = 4 * 3_600_000;

function onErrorOf(written: OnErrorWritten, kind: OnError['kind']): OnError {
  if (typeof written === 'object') return { kind: 'deferThenQuarantine', span: written.defer.for };
  const chosen = written ?? kind;
  return chosen === 'deferThenQuarantine' ? { kind: chosen, span: DEFAULT_SPAN } : { kind: chosen };
}
