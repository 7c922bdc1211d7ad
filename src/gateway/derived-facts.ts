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

/** Pure. A fact whose check failed stays absent: nobody knows. */
function withDerived(known: FactView['known'], policy: Policy): FactView['known'] {
  const names = namesIn(policy);
  const client = clientOf(known, names.rdns);
  const from = fromOf(known, names.dmarc);
  if (client === undefined && from === undefined) return known;
  return { ...known, ...(client === undefined ? {} : { client }), ...(from === undefined ? {} : { from }) };
}

function clientOf(known: FactView['known'], rdnsName: string | undefined): Group | undefined {
  const client = group(known.client);
  if (client === undefined || client.name !== undefined) return undefined;
  const rdns = rdnsName === undefined ? { result: 'none', name: '' } : group(known[rdnsName]);
  if (rdns?.result === undefined) return undefined;
  return { ...client, name: rdns.result === 'pass' ? (rdns.name ?? '') : '' };
}

function fromOf(known: FactView['known'], dmarcName: string | undefined): Group | undefined {
  const from = group(known.from);
  if (from === undefined || from.verified !== undefined) return undefined;
  const dmarc = dmarcName === undefined ? {} : group(known[dmarcName]);
  if (dmarc === undefined || (dmarcName !== undefined && dmarc.result === undefined)) return undefined;
  return { ...from, verified: isAligned(dmarc) };
}

interface Names {
  readonly rdns: string | undefined;
  readonly dmarc: string | undefined;
}

/** What the policy calls the two checks; looked up once a policy. */
function namesIn(policy: Policy): Names {
  const known = NAMES.get(policy);
  if (known !== undefined) return known;
  const called = (check: string) => policy.checks.find((instance) => instance.check === check)?.name;
  const names = { rdns: called('rdns'), dmarc: called('dmarc') };
  NAMES.set(policy, names);
  return names;
}
const NAMES = new WeakMap<Policy, Names>();

/** An aligned DKIM or SPF pass, whether or not the domain publishes a DMARC policy (RFC 9989 §4.4). */
function isAligned(dmarc: Group): boolean {
  const alignment = group(dmarc.alignment);
  return dmarc.result === 'pass' || isTrue(alignment?.dkim) || isTrue(alignment?.spf);
}
const isTrue = (value: FactValue | undefined): boolean => value === true || (typeof value === 'string' && value !== '');
