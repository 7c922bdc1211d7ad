/** DKIM and ARC by messages that others signed. */
import { expect, test } from 'vitest';
import { suite } from '../support/suites.ts';
import { signedCase } from './cases.ts';
import { explainAll, fact } from './explain.ts';

const folder = suite('dkim', '6 DKIM and 2 ARC messages');
const DKIM = ['001', '002', '003', '004', '005', '006'];
const ARC = ['arc/001', 'arc/002'];

test.runIf(folder !== undefined)('six DKIM messages and two ARC chains hold', async () => {
  const scenarios = [...DKIM, ...ARC].map((name) => signedCase(name, `${folder}/${name}.txt`).scenario);
  const records = await explainAll(scenarios);
  const signed = records.slice(0, DKIM.length);
  const last = signed.map((record) => (fact(record, 'dkim', 'signatures') as { result: string }[]).at(-1)?.result);
  expect(signed.map((record) => fact(record, 'dkim', 'result'))).toEqual(DKIM.map(() => 'pass'));
  expect(last).toEqual(DKIM.map(() => 'pass'));
  expect(records.slice(DKIM.length).map((record) => fact(record, 'arc', 'result'))).toEqual(ARC.map(() => 'pass'));
});
