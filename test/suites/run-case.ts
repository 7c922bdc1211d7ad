/** Runs the check a suite is about on a scenario of it. */
import type { Check } from '../../src/checks/define.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { type BenchResult, runOn } from '../support/check-bench.ts';

export function runCase(check: Check, scenario: Scenario): Promise<BenchResult> {
  const { mail_from = '', client_ip = '192.0.2.1' } = scenario;
  return runOn(check, {
    zones: scenario.dns,
    helo: scenario.helo ?? '',
    facts: { client: { ip: client_ip }, mail: { address: mail_from, null: mail_from === '' } },
    ...(scenario.raw === undefined ? {} : { message: Buffer.from(scenario.raw, 'utf8') }),
    ...(typeof scenario.now === 'number' ? { now: scenario.now * 1000 } : {}),
  });
}
