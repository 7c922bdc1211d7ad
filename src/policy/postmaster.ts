/** postmaster@ and abuse@ of hosted domains hear from everybody: some groups of rules are not for them (docs/policy.md §2, RFC 5321 §4.5.1, RFC 2142). */
import type { Disposition } from './disposition.ts';
import type { FactValue } from './facts.ts';
import type { Policy } from './policy.ts';

const SPARED_GROUPS: readonly string[] = ['reputation', 'greylist', 'spam', 'dmarc'];

/** Is this recipient (the root `recipient` of its facts) one whom the groups above do not touch? */
export function isSparedRecipient(recipient: FactValue | undefined): boolean {
  if (typeof recipient !== 'object' || Array.isArray(recipient)) return false;
  const { local, hosted } = recipient as { readonly [fact: string]: FactValue };
  return hosted === true && /^(postmaster|abuse)(\+|$)/i.test(String(local));
}

export const isSparedGroup = (group: string): boolean => SPARED_GROUPS.includes(group);

/** Is what a rule said before there was a recipient not for this one? A refusal of `connect` or `helo` kept for RCPT asks here. */
export function spares(policy: Policy, { kind, ...said }: Disposition, recipient: FactValue | undefined): boolean {
  if (kind === 'continue' || !isSparedRecipient(recipient)) return false;
  const by = 'by' in said ? said.by : '';
  return policy.rules.some((rule) => by === `rule:${rule.name}` && isSparedGroup(rule.group));
}
