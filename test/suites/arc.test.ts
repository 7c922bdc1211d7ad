/** ARC by the suite that was written for its drafts; where RFC 8617 came to say otherwise, the reason stands here. */
import { expect, test } from 'vitest';
import { suite } from '../support/suites.ts';
import { arcCases } from './cases.ts';
import { explainAll, fact } from './explain.ts';

const file = suite('arc/arc-draft-validation-tests.yml', '171 ARC validations');

/** Cases whose draft answer is not that of RFC 8617. `docs/conformance.md` tells the same. */
const OTHERWISE: { readonly [name: string]: { readonly result: string; readonly why: string } } = {
  cv_fail_i1_as_cv_fail: {
    result: 'fail',
    why: 'the draft gave a chain that ends in cv=fail no status; RFC 8617 §5.2 step 2 says fail (and a first set must say none, step 3.C)',
  },
  cv_fail_i2_as2_fail: {
    result: 'fail',
    why: 'the draft gave a chain that ends in cv=fail no status; RFC 8617 §5.2 step 2 says fail',
  },
  cv_fail_i2_as1_fail: {
    result: 'fail',
    why: 'the draft gave a chain with cv=fail no status; a first seal that does not say none fails the chain (RFC 8617 §5.2 step 3.C)',
  },
  ams_fields_c_na: {
    result: 'fail',
    why: 'the message was signed relaxed/relaxed without c=; RFC 8617 §4.1.2 takes the default of RFC 6376 §3.5, simple/simple',
  },
  ams_fields_h_empty: {
    result: 'fail',
    why: 'h= is empty, so From is not signed; RFC 8617 §4.1.2 takes h= from RFC 6376 §3.5, which must not be empty and must name From (§5.4)',
  },
};

test.runIf(file !== undefined)('all 171 validations come out as the suite expects or as RFC 8617 says', async () => {
  const cases = arcCases(file!);
  const records = await explainAll(cases.map(({ scenario }) => scenario));
  const wrong = cases.flatMap(({ name, expected }, index): unknown[] => {
    const result = fact(records[index]!, 'arc', 'result');
    const other = OTHERWISE[name];
    if (other !== undefined && other.result === expected[0]) return [{ name, remedy: 'take it off the table' }];
    const right = other?.result ?? expected[0];
    return result === right ? [] : [{ name, right, result }];
  });
  expect(wrong).toEqual([]);
  expect(records.length).toBe(171);
});
