/** Plays the suites' scenarios under a policy that asks SPF, DKIM, ARC and DMARC and refuses nothing. */
import type { Facts, FactValue } from '../../src/policy/facts.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const POLICY = `policy: inbound
checks:
  mail: [{ spf: {} }]
  data: [{ dkim: {} }, { arc: {} }, { dmarc: {} }]
rules: {}
`;

/** What of a record the suites look at. */
export interface Explained {
  readonly facts: Facts;
  readonly checks: readonly { readonly name: string; readonly evidence: { readonly [name: string]: FactValue } }[];
}

export async function explainAll(scenarios: readonly Scenario[]): Promise<Explained[]> {
  const play = rehearsalOf(POLICY);
  const records: Explained[] = [];
  for (const scenario of scenarios)
    records.push((await play({ client_ip: '192.0.2.1', rcpt: ['a@example.net'], ...scenario })).record);
  return records;
}

/** One fact: `fact(record, 'spf', 'result')`. */
export function fact({ facts }: Explained, check: string, name: string): FactValue | undefined {
  const group = facts[check];
  return typeof group === 'object' && !Array.isArray(group)
    ? (group as { readonly [n: string]: FactValue })[name]
    : undefined;
}
