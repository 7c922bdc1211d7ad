/** DKIM and ARC by messages that others signed. */
import { describe, expect, test } from 'vitest';
import { arc } from '../../src/checks/arc.ts';
import { dkim } from '../../src/checks/dkim.ts';
import { suite } from '../support/suites.ts';
import { signedCase } from './cases.ts';
import { runCase } from './run-case.ts';

const folder = suite('dkim', '6 DKIM and 2 ARC messages');

describe.runIf(folder !== undefined)('messages that others signed', () => {
  test.each(['001', '002', '003', '004', '005', '006'])('every signature of DKIM message %s holds', async (name) => {
    const { facts } = await runCase(dkim, signedCase(name, `${folder}/${name}.txt`).scenario);
    const signatures = facts.signatures as readonly { readonly result: string }[];
    expect(facts.result).toBe('pass');
    expect(signatures.at(-1)?.result).toBe('pass');
  });
  test.each(['001', '002'])('the chain of ARC message %s holds', async (name) => {
    const { facts } = await runCase(arc, signedCase(name, `${folder}/arc/${name}.txt`).scenario);
    expect(facts.result).toBe('pass');
  });
});
