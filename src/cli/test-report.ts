/** The outcome of policy tests for a person: each failure with both sides, then what the tests have not seen. */
import type { Coverage } from '../gateway/testing/coverage.ts';
import type { CaseResult, Failure, TestReport } from '../gateway/testing/run-tests.ts';
import type { Place } from '../language/problem.ts';
import { columns, terminal } from '../record/terminal.ts';

export function sayReport(report: TestReport, least: number): string {
  return terminal([
    ...report.files.flatMap(({ file, policy, cases }) => [
      `${file}: ${cases.length} cases of policy ${policy}`,
      ...cases.filter(({ failures }) => failures.length > 0).flatMap(sayCase),
    ]),
    '',
    ...report.coverage.flatMap((coverage) => sayCoverage(coverage, least)),
    `${report.passed} passed, ${report.failed} failed`,
  ]);
}

function sayCase({ name, place, failures }: CaseResult): readonly string[] {
  return ['', `  FAILED  ${name}  (${sayPlace(place)})`, ...failures.flatMap(sayFailure), ''];
}

function sayFailure({ step, place, mismatches, decided, error }: Failure): readonly string[] {
  const head = step === '' ? [] : [`    ${step}  (${sayPlace(place)})`];
  if (error !== '') return [...head, `    cannot be played: ${error}`];
  const rows = mismatches.flatMap(({ what, expected, actual }) => [
    [what, 'expected', expected],
    ['', 'but was', actual],
  ]);
  const by = decided.map((one) => `${one.by}${one.place === undefined ? '' : ` (${sayPlace(one.place)})`}`);
  return [...head, ...columns(rows, '    '), ...(by.length === 0 ? [] : [`    decided by ${by.join(', ')}`])];
}

function sayCoverage({ policy, rules, share }: Coverage, least: number): readonly string[] {
  const held = rules.filter((rule) => rule.held > 0).length;
  const percent = Math.floor(share * 100);
  const enough = share >= least ? '' : `, ${Math.round(least * 100)} % were asked for`;
  const never = rules
    .filter((rule) => rule.held === 0)
    .map(({ rule, place, asked }) => [
      asked === 0 ? 'never asked' : 'never held',
      rule,
      sayPlace(place),
      asked === 0 ? '' : `asked ${asked} times`,
    ]);
  return [
    `coverage of ${policy}: ${held} of ${rules.length} rules held (${percent} %)${enough}`,
    ...columns(never, '  '),
  ];
}

const sayPlace = ({ file, line }: Place): string => `${file}:${line}`;
