/** Facts that lie between the edge and a check: `client.name` is what rdns confirms, `from.verified` what dmarc aligns. */
import type { FactValue, FactView } from '../policy/facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { Ledger } from './ledger.ts';

type Group = { readonly [fact: string]: FactValue };
const group = (value: FactValue | undefined): Group | undefined =>
  typeof value === 'object' && !Array.isArray(value) ? (value as Group) : undefined;

/** The ledger's view with derived facts in place, where what they rest on has ended. */
export function factViewOf(ledger: Ledger, policy: Policy): FactView {
  const view = ledger.view();
  const known = DERIVED.get(view) ?? { ...view, known: withDerived(view.known, policy) };
  DERIVED.set(view, known);
  return known;
}

/** A view is asked about many times before it changes. A session has one policy for all its life. */
const DERIVED = new WeakMap<FactView, FactView>();

/** Pure: the same over a ledger's facts and over those of a record. A fact whose check failed stays absent: nobody knows. */
export function withDerived(known: FactView['known'], policy: Policy): FactView['known'] {
  const client = group(known.client);
  const from = group(known.from);
  const rdnsName = instanceOf(policy, 'rdns');
  const dmarcName = instanceOf(policy, 'dmarc');
  const result: { [root: string]: FactValue } = { ...known };
  if (client !== undefined && client.name === undefined) {
    const rdns = rdnsName === undefined ? { result: 'none', name: '' } : group(known[rdnsName]);
    if (rdns?.result !== undefined)
      result.client = { ...client, name: rdns.result === 'pass' ? (rdns.name ?? '') : '' };
  }
  if (from !== undefined && from.verified === undefined) {
    const dmarc = dmarcName === undefined ? {} : group(known[dmarcName]);
    if (dmarc !== undefined && (dmarcName === undefined || dmarc.result !== undefined))
      result.from = { ...from, verified: isAligned(dmarc) };
  }
  return result;
}

const instanceOf = (policy: Policy, check: string): string | undefined =>
  policy.checks.find((instance) => instance.check === check)?.name;

/** An aligned DKIM or SPF pass, whether or not the domain publishes a DMARC policy (RFC 9989 §4.4). */
function isAligned(dmarc: Group): boolean {
  const alignment = group(dmarc.alignment);
  return dmarc.result === 'pass' || isTrue(alignment?.dkim) || isTrue(alignment?.spf);
}
const isTrue = (value: FactValue | undefined): boolean => value === true || (typeof value === 'string' && value !== '');
