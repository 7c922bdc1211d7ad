/** Which hosts take mail for a domain, in which order (RFC 5321 §5.1, RFC 7505). */
import { isHostName } from '../../mail/dns-name.ts';
import type { Reply } from '../../mail/reply.ts';
import type { DnsAnswer, DnsRecord, Resolver } from '../../ports/resolver.ts';

export interface Exchange {
  readonly name: string;
  readonly preference: number;
}

/** DNS does not answer: 4.4.3 (RFC 3463 §3.5). */
export interface Trouble {
  readonly kind: 'trouble';
  readonly why: string;
  readonly enhanced: '4.4.3';
}

export type Exchanges =
  | {
      readonly kind: 'exchanges';
      /** Groups of equal preference, the best first, chance having ordered each. */
      readonly groups: readonly (readonly Exchange[])[];
      /** The domain named nobody, and stands for itself. */
      readonly implicit: boolean;
      readonly secure: boolean;
    }
  | Trouble
  | { readonly kind: 'refused'; readonly reply: Reply };

export async function exchangesOf(
  domain: string,
  resolver: Resolver,
  random: () => number,
  signal: AbortSignal,
): Promise<Exchanges> {
  // Aliases are followed by the resolver: a domain that is a CNAME has the exchanges of its target (§5.1).
  const answer = await resolver.resolve(domain, 'MX', signal);
  switch (answer.kind) {
    case 'failed':
      return troubleOf(answer);
    case 'empty': {
      if (answer.why === 'noSuchName') return { kind: 'refused', reply: noSuchDomain(domain) };
      // Only where there is no MX at all the domain counts as its own, with preference 0.
      const groups = [[{ name: domain, preference: 0 }]];
      return { kind: 'exchanges', groups, implicit: true, secure: answer.secure };
    }
    case 'found': {
      // RFC 7505 §3: the null MX stands alone. Beside others it names nobody.
      const said = answer.records.filter(isMx).filter(({ exchange }) => exchange !== '');
      if (said.length === 0) return { kind: 'refused', reply: nullMx(domain) };
      // What names no host is asked of nobody, and stands in no record, notification or terminal.
      const all = said.filter(({ exchange }) => isHostName(exchange));
      if (all.length === 0) return { kind: 'refused', reply: noHosts(domain) };
      return { kind: 'exchanges', groups: grouped(all, random), implicit: false, secure: answer.secure };
    }
  }
}

/** Whose records are meant, and what went wrong with them. */
export const troubleOf = ({ name, type, ...answer }: DnsAnswer & { readonly kind: 'failed' }): Trouble => ({
  kind: 'trouble',
  why: `DNS does not say the ${type} of ${name}: ${answer.rcode || answer.cause}`,
  enhanced: '4.4.3',
});

/** `items` in an order of chance, each as likely as any other (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let n = out.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    [out[n], out[other]] = [out[other]!, out[n]!];
  }
  return out;
}

type MxRecord = DnsRecord & { readonly type: 'MX' };
const isMx = (record: DnsRecord): record is MxRecord => record.type === 'MX';

function grouped(records: readonly MxRecord[], random: () => number): Exchange[][] {
  const groups = new Map<number, Exchange[]>();
  const seen = new Set<string>();
  // A host that is named twice has its better preference.
  for (const { preference, exchange } of [...records].sort((a, b) => a.preference - b.preference)) {
    if (seen.has(exchange)) continue;
    seen.add(exchange);
    groups.set(preference, [...(groups.get(preference) ?? []), { name: exchange, preference }]);
  }
  // Load is spread over equals by chance (RFC 5321 §5.1: "the sender-SMTP MUST randomize them").
  return [...groups.values()].map((group) => shuffled(group, random));
}

/** RFC 3463 §3.2: X.1.2, the system in the address does not exist. */
const noSuchDomain = (domain: string): Reply => ({
  code: 550,
  enhanced: '5.1.2',
  text: `there is no domain ${domain}`,
});

/** RFC 7505 §4.1. */
const nullMx = (domain: string): Reply => ({
  code: 556,
  enhanced: '5.1.10',
  text: `${domain} takes no mail (null MX)`,
});

/** RFC 3463 §3.5: X.4.4, unable to route. */
const noHosts = (domain: string): Reply => ({
  code: 550,
  enhanced: '5.4.4',
  text: `no MX of ${domain} names a host`,
});
