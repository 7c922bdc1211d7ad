/** One author domain against proven identities: mailauth's reading of RFC 9989, in our words. */
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js';
import { getDomain } from 'tldts';
import type { MailauthResolver } from './mailauth-resolver.ts';

type DmarcPolicy = 'none' | 'quarantine' | 'reject';

/** Domains for which SPF or DKIM has a result. */
export interface Identities {
  readonly spf: readonly string[];
  readonly dkim: readonly string[];
}
export interface Assessment {
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror';
  readonly policy: DmarcPolicy;
  /** Where the policy was found, or ''. */
  readonly domain: string;
  readonly alignment: { readonly spf: boolean; readonly dkim: boolean };
}

export async function assess(author: string, proven: Identities, dns: MailauthResolver): Promise<Assessment> {
  const { response } = await evaluateDmarc({
    headerFrom: [`author@${author}`],
    fromFields: 1,
    spfDomains: proven.spf.map((domain) => ({ domain })),
    dkimDomains: proven.dkim.map((domain) => ({ domain })),
    resolver: dns.resolve,
    strict: true,
  } as never);
  if (response === false) return { result: 'permerror', policy: 'none', domain: '', alignment: NOT_ALIGNED };
  const { status, policy, policyDomain, alignment } = response as unknown as Response;
  switch (status.result) {
    case 'none':
      return { result: 'none', policy: 'none', domain: '', alignment: byOrganization(author, proven) };
    case 'temperror':
      return {
        result: 'temperror',
        policy: policy ?? 'none',
        domain: policyDomain ?? '',
        alignment: same(author, proven),
      };
    case 'pass':
    case 'fail':
      return {
        result: status.result,
        policy: policy ?? 'none',
        domain: policyDomain ?? '',
        alignment: { spf: (alignment?.spf.result ?? '') !== '', dkim: (alignment?.dkim.result ?? '') !== '' },
      };
  }
}

const STRENGTH: { readonly [policy in DmarcPolicy]: number } = { none: 0, quarantine: 1, reject: 2 };

/** The one whose policy asks for most; of equals the first. */
export function strictest(all: readonly Assessment[]): Assessment {
  return all.reduce((most, one) => (STRENGTH[one.policy] > STRENGTH[most.policy] ? one : most));
}

/** What we read of mailauth's answer; its own types leave half of it open. */
interface Response {
  readonly status: { readonly result: 'none' | 'pass' | 'fail' | 'temperror' };
  readonly policy?: DmarcPolicy;
  readonly policyDomain?: string;
  readonly alignment?: { readonly spf: { readonly result?: string }; readonly dkim: { readonly result?: string } };
}

const NOT_ALIGNED = { spf: false, dkim: false } as const;

/** The same name: all that can be said while the policy, and with it the mode of alignment, is not known. */
const same = (author: string, { spf, dkim }: Identities) => ({
  spf: spf.includes(author),
  dkim: dkim.includes(author),
});

/**
 * Without a policy record the tree walk finds no organization, so the public suffix list says what one is: `from.verified`
 * is of use for the many domains that publish nothing.
 */
function byOrganization(author: string, { spf, dkim }: Identities) {
  const organization = (domain: string): string => getDomain(domain, { allowPrivateDomains: true }) ?? domain;
  const aligned = (domain: string): boolean => organization(domain) === organization(author);
  return { spf: spf.some(aligned), dkim: dkim.some(aligned) };
}
