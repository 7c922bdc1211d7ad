/** SPF by the suite of RFC 7208. */
import { expect, test } from 'vitest';
import { suite } from '../support/suites.ts';
import { spfCases } from './cases.ts';
import { explainAll, fact } from './explain.ts';

const file = suite('spf/rfc7208-tests.yml', '203 SPF cases');

test.runIf(file !== undefined)('all 203 cases of RFC 7208 come out as its authors expect', async () => {
  const cases = spfCases(file!);
  const records = await explainAll(cases.map(({ scenario }) => scenario));
  const wrong = cases.flatMap(({ name, expected, explanation }, index): unknown[] => {
    const record = records[index]!;
    const result = fact(record, 'spf', 'result');
    if (!expected.includes(String(result))) return [{ name, expected, result }];
    // Addresses in a macro may be written in either case.
    const said = String(record.checks.find((check) => check.name === 'spf')?.evidence.explanation ?? '').toLowerCase();
    return explanation === undefined || said === explanation.toLowerCase() ? [] : [{ name, explanation, said }];
  });
  expect(wrong).toEqual([]);
  expect(records.length).toBe(203);
});
