/** A file of policy tests, read and checked: every case with its scenario complete, its time set, its rules known by name. */
import { expectSchema } from '../../language/expect.ts';
import { nearest } from '../../language/nearest.ts';
import type { Place, Problem } from '../../language/problem.ts';
import { type Path, parseSource, type Source } from '../../language/source.ts';
import { type Millis, seconds, type Timestamp } from '../../mail/time.ts';
import type { CheckCatalog } from '../../policy/check-spec.ts';
import type { RuleInfo } from '../../policy/policy.ts';
import type { Scenario } from '../../record/scenario.ts';
import { asScenario } from '../../record/scenario-schema.ts';
import { type Answerable, answerTroubles } from '../given-answers.ts';
import { layScenario, type ZoneReader } from './lay-scenario.ts';
import { type CaseData, type ExpectationData, type TestFileData, testFileSchema } from './test-schema.ts';

export interface TestStep {
  /** '' for the only step of a case. */
  readonly name: string;
  readonly place: Place;
  readonly scenario: Scenario;
  readonly expect: ExpectationData | undefined;
}

export interface TestCase {
  readonly name: string;
  readonly place: Place;
  /** Run one after the other over the same state. */
  readonly steps: readonly TestStep[];
}

export interface TestFile {
  readonly file: string;
  readonly policy: string;
  readonly cases: readonly TestCase[];
}

/** What a test file may refer to. */
export interface TestSetting {
  /** Rules and checks by policy. */
  readonly policies: ReadonlyMap<
    string,
    { readonly rules: readonly RuleInfo[]; readonly checks: readonly Answerable[] }
  >;
  readonly checks: CheckCatalog;
  /** In the order of the installation. */
  readonly listeners: readonly { readonly name: string; readonly policy: string }[];
  readonly zones: ZoneReader;
}

/** When a case says no `now`: a Monday noon, so that no test depends on the day it runs. */
const TEST_NOW: Timestamp = Date.UTC(2026, 0, 5, 12);

export interface LoadedTests {
  /** Undefined where there is a problem. */
  readonly tests?: TestFile;
  readonly problems: readonly Problem[];
}

export function loadTests(file: string, text: string, setting: TestSetting): LoadedTests {
  const source = parseSource(file, text);
  if (source.problems.length > 0) return { problems: source.problems };
  const read = expectSchema(source, testFileSchema);
  if (read.value === undefined) return { problems: read.problems };
  const data = read.value;
  const problems = [...misplaced(source, data, setting), ...twice(source, data)];
  if (problems.length > 0) return { problems };
  const listener = setting.listeners.find(({ policy }) => policy === data.policy)?.name;
  const base = layScenario(listener === undefined ? {} : { listener }, asScenario(data.defaults ?? {}), setting.zones);
  const cases = data.cases.map((one, index) => complete(source, base, one, index, setting.zones));
  return { tests: { file, policy: data.policy, cases }, problems: [] };
}

function complete(source: Source, base: Scenario, one: CaseData, index: number, zones: ZoneReader): TestCase {
  const path: Path = ['cases', index];
  const place = source.place(path, 'value');
  const common = layScenario(base, asScenario(one.given ?? {}), zones);
  if (one.steps === undefined) {
    const scenario = { ...common, now: common.now ?? iso(TEST_NOW) };
    return { name: one.name, place, steps: [{ name: '', place, scenario, expect: one.expect }] };
  }
  let now = readTime(common.now) ?? TEST_NOW;
  const steps = one.steps.map((step, number): TestStep => {
    const given = asScenario(step.given ?? {});
    const after: Millis = step.after ?? 0;
    now = readTime(given.now) ?? now + after;
    return {
      name: step.name ?? `step ${number + 1}`,
      place: source.place([...path, 'steps', number], 'value'),
      scenario: { ...layScenario(common, given, zones), now: iso(now) },
      expect: step.expect,
    };
  });
  return { name: one.name, place, steps };
}

/** References to what the installation or the policy does not have. */
function misplaced(source: Source, data: TestFileData, setting: TestSetting): readonly Problem[] {
  const policy = setting.policies.get(data.policy);
  if (policy === undefined)
    return [unknownName(source, ['policy'], 'policy', data.policy, [...setting.policies.keys()])];
  if (!setting.listeners.some(({ policy }) => policy === data.policy))
    return [
      source.problem(
        ['policy'],
        'value',
        `no listener of the installation has the policy "${data.policy}"`,
        'give one of the listeners this policy, so that its tests have a door to come in by',
      ),
    ];
  const ruleNames = policy.rules.map(({ name }) => name);
  const wrongAnswers = (path: Path, given: Scenario['answers']): readonly Problem[] =>
    answerTroubles(given ?? {}, policy.checks, setting.checks).map((trouble) =>
      source.problem([...path, 'answers', ...trouble.path], trouble.what, trouble.message, trouble.remedy),
    );
  return [
    ...wrongListener(source, ['defaults', 'listener'], data.defaults?.listener, data.policy, setting),
    ...wrongTime(source, ['defaults', 'now'], data.defaults?.now),
    ...wrongAnswers(['defaults'], data.defaults?.answers),
    ...data.cases.flatMap((one, index) => {
      const path: Path = ['cases', index];
      const parts = [
        { at: path, given: one.given, expect: one.expect },
        ...(one.steps ?? []).map((step, number) => ({
          at: [...path, 'steps', number] as Path,
          given: step.given,
          expect: step.expect,
        })),
      ];
      return parts.flatMap(({ at, given, expect }) => [
        ...wrongListener(source, [...at, 'given', 'listener'], given?.listener, data.policy, setting),
        ...wrongTime(source, [...at, 'given', 'now'], given?.now),
        ...wrongAnswers([...at, 'given'], given?.answers),
        ...unknownRules(source, [...at, 'expect'], expect, ruleNames),
      ]);
    }),
  ];
}

function wrongListener(
  source: Source,
  path: Path,
  listener: string | undefined,
  policy: string,
  { listeners }: TestSetting,
): readonly Problem[] {
  if (listener === undefined) return [];
  const found = listeners.find(({ name }) => name === listener);
  if (found === undefined)
    return [
      unknownName(
        source,
        path,
        'listener',
        listener,
        listeners.map(({ name }) => name),
      ),
    ];
  if (found.policy === policy) return [];
  const message = `the listener "${listener}" has the policy "${found.policy}", not "${policy}"`;
  return [source.problem(path, 'value', message, 'put the case into the tests of that policy')];
}

function wrongTime(source: Source, path: Path, now: string | number | undefined): readonly Problem[] {
  if (now === undefined || readTime(now) !== undefined) return [];
  return [source.problem(path, 'value', `"${now}" is not a time`, 'write it as "2026-11-22T10:00:00Z"')];
}

function unknownRules(
  source: Source,
  path: Path,
  expect: ExpectationData | undefined,
  names: readonly string[],
): readonly Problem[] {
  const missing = (at: Path, name: string | undefined): readonly Problem[] =>
    name === undefined || name === '' || names.includes(name) ? [] : [unknownName(source, at, 'rule', name, names)];
  const recipients = Object.entries(expect?.recipients ?? {}).flatMap(([address, expected]) => {
    if (typeof expected === 'string') return [];
    const at: Path = [...path, 'recipients', address];
    const lists = (['held', 'would', 'quiet'] as const).flatMap((key) =>
      (expected[key] ?? []).flatMap((name, index) => missing([...at, key, index], name)),
    );
    return [...missing([...at, 'rule'], expected.rule), ...lists];
  });
  return [...missing([...path, 'session', 'rule'], expect?.session?.rule), ...recipients];
}

function twice(source: Source, data: TestFileData): readonly Problem[] {
  const first = new Map<string, number>();
  return data.cases.flatMap((one, index) => {
    const before = first.get(one.name);
    if (before === undefined) {
      first.set(one.name, index);
      return [];
    }
    const { line } = source.place(['cases', before], 'value');
    const message = `the case "${one.name}" stands at line ${line} already`;
    return [source.problem(['cases', index, 'name'], 'value', message, 'give each case a name of its own')];
  });
}

function unknownName(source: Source, path: Path, what: string, name: string, names: readonly string[]): Problem {
  const near = nearest(name, names);
  const remedy = near === undefined ? `there are: ${names.join(', ') || 'none'}` : `did you mean "${near}"?`;
  return source.problem(path, 'value', `there is no ${what} "${name}"`, remedy);
}

function readTime(now: string | number | undefined): Timestamp | undefined {
  if (now === undefined) return undefined;
  const at = typeof now === 'number' || /^\d+(\.\d+)?$/.test(now) ? seconds(Number(now)) : Date.parse(now);
  return Number.isNaN(at) ? undefined : at;
}

const iso = (at: Timestamp): string => new Date(at).toISOString();
