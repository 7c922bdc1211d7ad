/** SPF by the suite of RFC 7208. */
import { expect, test } from 'vitest';
import { spf } from '../../src/checks/spf.ts';
import { suite } from '../support/suites.ts';
import { spfCases } from './cases.ts';
import { runCase } from './run-case.ts';

const file = suite('spf/rfc7208-tests.yml', '203 SPF cases');

test.runIf(file !== undefined)('all 203 cases of RFC 7208 come out as its authors expect', async () => {
  const cases = spfCases(file!);
  const wrong: unknown[] = [];
  for (const { name, scenario, expected, explanation } of cases) {
    const { facts, evidence } = await runCase(spf, scenario);
    if (!expected.includes(String(facts.result))) wrong.push({ name, expected, facts });
    // Addresses in a macro may be written in either case.
    const said = String(evidence.explanation ?? '').toLowerCase();
    if (explanation !== undefined && said !== explanation.toLowerCase()) wrong.push({ name, explanation, said });
  }
  expect(wrong).toEqual([]);
  expect(cases.length).toBe(203);
});
