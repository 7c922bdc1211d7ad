/** Runs policy tests: each case over scratch state of its own, its steps one after the other, and counts which rules held. */
import type { Place } from '../../language/problem.ts';
import type { RuleInfo } from '../../policy/policy.ts';
import type { TransactionRecord } from '../../record/record.ts';
import type { Scenario } from '../../record/scenario.ts';
import { type RecordView, recordView } from '../../record/view.ts';
import { compare, type Mismatch } from './compare.ts';
import { type Coverage, CoverageCount } from './coverage.ts';
import type { TestCase, TestFile, TestStep } from './load-tests.ts';

/** Plays scenarios that share one scratch state, which starts as the first one's `state` says. */
export type Rehearse = (scenario: Scenario) => Promise<{ readonly record: TransactionRecord }>;

export interface Failure {
  readonly step: string;
  readonly place: Place;
  readonly mismatches: readonly Mismatch[];
  /** What decided in place of what was expected: the rules' names with their places. */
  readonly decided: readonly { readonly by: string; readonly place: Place | undefined }[];
  /** Why the scenario could not be played, else ''. */
  readonly error: string;
}

export interface CaseResult {
  readonly name: string;
  readonly place: Place;
  readonly failures: readonly Failure[];
}

export interface TestReport {
  readonly files: readonly { readonly file: string; readonly policy: string; readonly cases: readonly CaseResult[] }[];
  readonly passed: number;
  readonly failed: number;
  readonly coverage: readonly Coverage[];
}

export async function runTests(
  files: readonly TestFile[],
  policies: ReadonlyMap<string, { readonly rules: readonly RuleInfo[] }>,
  start: () => Rehearse,
): Promise<TestReport> {
  const counts = new Map<string, CoverageCount>();
  const results: TestReport['files'][number][] = [];
  for (const { file, policy, cases } of files) {
    const count = counts.get(policy) ?? new CoverageCount();
    counts.set(policy, count);
    const rules = policies.get(policy)?.rules ?? [];
    const done: CaseResult[] = [];
    for (const one of cases) done.push(await runCase(one, rules, start(), count));
    results.push({ file, policy, cases: done });
  }
  const all = results.flatMap(({ cases }) => cases);
  const failed = all.filter(({ failures }) => failures.length > 0).length;
  const coverage = [...counts].map(([policy, count]) => count.of(policy, policies.get(policy)?.rules ?? []));
  return { files: results, passed: all.length - failed, failed, coverage };
}

async function runCase(
  one: TestCase,
  rules: readonly RuleInfo[],
  rehearse: Rehearse,
  count: CoverageCount,
): Promise<CaseResult> {
  const failures: Failure[] = [];
  for (const step of one.steps) {
    const failure = await runStep(step, rules, rehearse, count);
    if (failure === undefined) continue;
    failures.push(failure);
    if (failure.error !== '') break; // what follows stands on what did not happen
  }
  return { name: one.name, place: one.place, failures };
}

async function runStep(
  step: TestStep,
  rules: readonly RuleInfo[],
  rehearse: Rehearse,
  count: CoverageCount,
): Promise<Failure | undefined> {
  let record: TransactionRecord;
  try {
    ({ record } = await rehearse(step.scenario));
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    return { step: step.name, place: step.place, mismatches: [], decided: [], error };
  }
  count.add(record);
  if (step.expect === undefined) return undefined;
  const view = recordView(record, [], { rules });
  const mismatches = compare(step.expect, view);
  if (mismatches.length === 0) return undefined;
  return { step: step.name, place: step.place, mismatches, decided: deciders(view, rules), error: '' };
}

function deciders({ session, recipients }: RecordView, rules: readonly RuleInfo[]): Failure['decided'] {
  const reasons = new Set([session.reason ?? '', ...recipients.map(({ reason }) => reason)]);
  reasons.delete('');
  return [...reasons].map((by) => ({ by, place: rules.find(({ name }) => `rule:${name}` === by)?.place }));
}
