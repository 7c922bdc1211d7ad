/** DKIM and ARC by messages that others signed. */
import { expect, test } from 'vitest';
import { suite } from '../support/suites.ts';
import { signedCase } from './cases.ts';
import { explainAll, fact } from './explain.ts';

const folder = suite('dkim', '6 DKIM and 2 ARC messages');
const files = (names: readonly string[]) => names.map((name) => signedCase(name, `${folder}/${name}.txt`).scenario);

test.runIf(folder !== undefined)('every last signature of the six DKIM messages holds', async () => {
  const records = await explainAll(files(['001', '002', '003', '004', '005', '006']));
  const last = records.map((record) => (fact(record, 'dkim', 'signatures') as { result: string }[]).at(-1)?.result);
  expect(records.map((record) => fact(record, 'dkim', 'result'))).toEqual(Array(6).fill('pass'));
  expect(last).toEqual(Array(6).fill('pass'));
});

test.runIf(folder !== undefined)('the chains of the two ARC messages hold', async () => {
  const records = await explainAll(files(['arc/001', 'arc/002']));
  expect(records.map((record) => fact(record, 'arc', 'result'))).toEqual(['pass', 'pass']);
});
