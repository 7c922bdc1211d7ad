/** Answers given in place of a check, held against the facts that it states: a slip in them would prove what nobody asked. */
import { nearest } from '../language/nearest.ts';
import type { CheckCatalog, CheckSpec } from '../policy/check-spec.ts';
import { absentValue, type FactType, typeOf } from '../policy/fact-types.ts';
import type { FactValue } from '../policy/facts.ts';
import type { CheckInstance } from '../policy/policy.ts';
import type { Scenario } from '../record/scenario.ts';

export type Answers = NonNullable<Scenario['answers']>;
export type Answerable = Pick<CheckInstance, 'name' | 'check'>;

/** Where it stands below `answers`, what is wrong there, and what may stand there. */
export interface AnswerTrouble {
  readonly path: readonly (string | number)[];
  readonly what: 'key' | 'value';
  readonly message: string;
  readonly remedy: string;
}

/** How a check may end without facts; its `on_error` speaks then. */
const SILENT = ['failed', 'timed_out'] as const;

export function answerTroubles(
  answers: Answers,
  instances: readonly Answerable[],
  checks: CheckCatalog,
): readonly AnswerTrouble[] {
  const names = instances.map(({ name }) => name);
  return Object.entries(answers).flatMap(([name, given]): readonly AnswerTrouble[] => {
    const spec = specOf(name, instances, checks);
    if (spec === undefined)
      return [{ path: [name], what: 'key', message: `there is no check "${name}"`, remedy: among(name, names) }];
    return factsTroubles(name, given, typeOf(spec.facts));
  });
}

/** Every fact that was left out has the value that stands for nothing, within lists too: facts are total. */
export function completeAnswers(
  answers: Answers,
  instances: readonly Answerable[],
  checks: CheckCatalog,
): { readonly [check: string]: { readonly [fact: string]: FactValue } } {
  return Object.fromEntries(
    Object.entries(answers).map(([name, given]) => {
      const spec = specOf(name, instances, checks);
      const type = spec === undefined ? undefined : typeOf(spec.facts);
      const facts = Object.entries(given).map(([fact, value]) => [fact, whole(fieldOf(type, fact), value)]);
      return [name, Object.fromEntries(facts)];
    }),
  );
}

/** The end without facts that an answer asks for: `{ status: failed }`. */
export const silenceOf = (answer: { readonly [fact: string]: FactValue }): (typeof SILENT)[number] | undefined =>
  SILENT.find((status) => status === answer.status);

const specOf = (name: string, instances: readonly Answerable[], checks: CheckCatalog): CheckSpec | undefined =>
  checks.get(instances.find((one) => one.name === name)?.check ?? '');

function factsTroubles(
  name: string,
  given: { readonly [fact: string]: unknown },
  type: FactType,
): readonly AnswerTrouble[] {
  if (!Object.hasOwn(given, 'status')) return troubles([name], given, type);
  const alone = Object.keys(given).length === 1;
  if (alone && SILENT.some((status) => status === given.status)) return [];
  return [
    {
      path: [name, 'status'],
      what: 'value',
      message: alone ? `"${String(given.status)}" is no end without facts` : 'a check that states facts has completed',
      remedy: `\`${name}: { status: failed }\` or \`{ status: timed_out }\` stands alone, for an outage`,
    },
  ];
}

function troubles(path: AnswerTrouble['path'], value: unknown, type: FactType): readonly AnswerTrouble[] {
  const wrong = (message: string, remedy: string): readonly AnswerTrouble[] => [
    { path, what: 'value', message: `${path.join('.')} ${message}`, remedy },
  ];
  switch (type.kind) {
    case 'text':
      if (typeof value !== 'string') return wrong('is a text', 'write one, in quotes');
      if (type.words === undefined || type.words.includes(value) || value === absentValue(type)) return [];
      return wrong(`is never "${value}"`, among(value, type.words));
    case 'number':
      return typeof value === 'number' ? [] : wrong('is a number', 'write one, without quotes');
    case 'flag':
      return typeof value === 'boolean' ? [] : wrong('is true or false', 'write one of them');
    case 'list':
    case 'named':
      if (!Array.isArray(value)) return wrong('is a list', 'write one: [a, b], or [] for nothing');
      return type.kind === 'named' ? [] : value.flatMap((one, at) => troubles([...path, at], one, type.of));
    case 'map':
      if (!isMap(value)) return wrong('is a map', 'write one: { name: value }, or {} for nothing');
      return Object.entries(value).flatMap(([key, one]) => troubles([...path, key], one, type.of));
    case 'object': {
      const names = Object.keys(type.fields);
      if (!isMap(value)) return wrong('is a map', `write one, of ${names.join(', ')}`);
      return Object.entries(value).flatMap(([key, one]) => {
        const field = fieldOf(type, key);
        if (field !== undefined) return troubles([...path, key], one, field);
        const message = `${path.join('.')} has no "${key}"`;
        return [{ path: [...path, key], what: 'key' as const, message, remedy: among(key, names) }];
      });
    }
  }
}

function whole(type: FactType | undefined, value: unknown): FactValue {
  if (type?.kind === 'list' && Array.isArray(value)) return value.map((one) => whole(type.of, one));
  if (type?.kind !== 'object' || !isMap(value)) return value as FactValue;
  const given = Object.entries(value).map(([key, one]) => [key, whole(fieldOf(type, key), one)] as const);
  return { ...(absentValue(type) as object), ...Object.fromEntries(given) };
}

const fieldOf = (type: FactType | undefined, name: string): FactType | undefined =>
  type?.kind === 'object' && Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;

const isMap = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function among(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  const there = `there are: ${words.join(', ') || 'none'}`;
  return near === undefined ? there : `did you mean "${near}"? ${there}`;
}
