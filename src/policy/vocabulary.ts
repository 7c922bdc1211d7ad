/** The names one policy's expressions and texts may use, and what to say about one that is not there. */
import { didYouMean } from '../language/nearest.ts';
import type { Path, Source } from '../language/source.ts';
import type { CheckCatalog } from './check-spec.ts';
import { type Compilation, type Compiler, compileExpression, type Expression } from './expression.ts';
import type { Names, Read } from './expression-walk.ts';
import type { Root } from './fact-types.ts';
import type { Loading } from './loading.ts';
import type { ExpressionType } from './options.ts';
import { isBefore, notAfter, STAGES, type Stage } from './stage.ts';
import { parseTemplate, type Template } from './template.ts';

export interface Vocabulary {
  readonly names: Names;
  readonly catalog: CheckCatalog;
  /** The first instance of each check the policy has, by the check's name. */
  readonly instances: ReadonlyMap<string, string>;
}

export function namesOf(roots: ReadonlyMap<string, Root>, defines: ReadonlySet<string>, catalog: CheckCatalog): Names {
  return {
    roots,
    defines,
    missing: (name) => {
      const spec = catalog.get(name);
      if (spec !== undefined) {
        return {
          message: `this policy has no check ${name}`,
          remedy: `add \`- ${name}: {}\` under \`checks: ${spec.stage}:\``,
        };
      }
      if (['settings', 'tables', 'lists'].includes(name)) {
        return { message: `this policy declares no ${name}`, remedy: `declare them under \`${name}:\`` };
      }
      if (name === 'tenant_lists') {
        return { message: 'no tenant has lists', remedy: 'declare them under `lists:` of the file of a tenant' };
      }
      const words = [...roots.keys(), ...defines, ...catalog.keys()];
      const near = didYouMean(name, words);
      return {
        message: `there is no fact, check or define "${name}"`,
        remedy: near === '' ? `there are: ${[...roots.keys(), ...defines].join(', ')}` : near,
      };
    },
  };
}

/** Compiles an expression that stands at a path and is asked at a stage; undefined where it has flaws, which are reported. */
export function expressionAt(
  loading: Loading,
  compiler: Compiler,
  vocabulary: Vocabulary,
  source: Source,
  path: Path,
  text: string,
  type: ExpressionType | undefined,
  stage: Stage | undefined,
): Expression | undefined {
  const compiled: Compilation = compileExpression(compiler, text, type);
  if (compiled.kind === 'bad') {
    for (const flaw of compiled.flaws) loading.flaw(source, path, text, flaw);
    return undefined;
  }
  const { reads, header } = compiled.expression;
  const ok = readsFit(loading, vocabulary, source, path, text, reads, stage);
  if (header !== undefined && stage !== undefined && isBefore(stage, 'data')) {
    const through = header.through === '' ? '' : ` (called by ${header.through})`;
    const message = `the message${through} is known from data on, and this is asked at ${stage}`;
    loading.flaw(source, path, text, { start: header.start, message, remedy: 'move it to data or later' });
    return undefined;
  }
  return ok ? compiled.expression : undefined;
}

export function templateAt(
  loading: Loading,
  vocabulary: Vocabulary,
  source: Source,
  path: Path,
  text: string,
  stage: Stage | undefined,
  left: readonly string[] = [],
): Template {
  const { template, flaws } = parseTemplate(text, vocabulary.names, left);
  for (const flaw of flaws) loading.flaw(source, path, text, flaw);
  readsFit(loading, vocabulary, source, path, text, template.reads, stage);
  return template;
}

/** A fact must be known at the stage, and the policy must have the check that states it. */
function readsFit(
  loading: Loading,
  vocabulary: Vocabulary,
  source: Source,
  path: Path,
  text: string,
  reads: readonly Read[],
  stage: Stage | undefined,
): boolean {
  let fits = true;
  const wrong = (start: number, message: string, remedy: string): void => {
    fits = false;
    loading.flaw(source, path, text, { start, message, remedy });
  };
  for (const read of reads) {
    const fact = [read.root, ...read.path].join('.');
    const through = read.through === '' ? '' : ` (read by ${read.through})`;
    const needs = read.type.about.needs;
    if (needs !== undefined && !vocabulary.instances.has(needs)) {
      const at = vocabulary.catalog.get(needs)?.stage ?? vocabulary.names.roots.get(read.root)?.stage ?? 'connect';
      const message = `${fact}${through} is stated by the check ${needs}, which this policy does not have`;
      wrong(read.start, message, `add \`- ${needs}: {}\` under \`checks: ${at}:\``);
      continue;
    }
    const known = stageOfRead(read, vocabulary);
    if (stage === undefined || notAfter(known, stage)) continue;
    const message = `${fact}${through} is known from ${known} on, and this is asked at ${stage}`;
    wrong(read.start, message, `move it to ${known} or later`);
  }
  return fits;
}

/** The first stage at which a fact can be known. */
function stageOfRead(read: Read, vocabulary: Vocabulary): Stage {
  const root = vocabulary.names.roots.get(read.root);
  const needs = read.type.about.needs;
  const stated = needs === undefined ? undefined : vocabulary.instances.get(needs);
  const all = [
    root?.stage,
    read.type.about.stage,
    stated === undefined ? undefined : vocabulary.names.roots.get(stated)?.stage,
  ];
  return STAGES.findLast((stage) => all.includes(stage)) ?? 'connect';
}

/** Instances that state what is read: roots of checks, and the checks that facts of the edge need. */
export function instancesRead(reads: readonly Read[], vocabulary: Vocabulary): ReadonlySet<string> {
  const found = new Set<string>();
  for (const read of reads) {
    const instance = vocabulary.names.roots.get(read.root)?.instance;
    if (instance !== undefined) found.add(instance);
    const needs = read.type.about.needs;
    const stated = needs === undefined ? undefined : vocabulary.instances.get(needs);
    if (stated !== undefined) found.add(stated);
  }
  return found;
}
