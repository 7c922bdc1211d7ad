/** One blocklist asked about one client: is the list in good health, and what does it say (RFC 5782)? */
import { type IpAddress, parseIp, reversedLabels } from '../mail/ip.ts';
import type { DnsAnswer, Resolver } from '../ports/resolver.ts';
import { type ListCodes, meaningOf } from './dnsbl-codes.ts';

export interface List extends ListCodes {
  readonly zone: string;
  readonly self_test: boolean;
}

export type ListSays =
  | { readonly kind: 'absent' }
  /** `weight` is the sum over the described patterns that were met, each once; codes in ascending order. */
  | { readonly kind: 'listed'; readonly codes: readonly string[]; readonly weight: number }
  /** It holds no IPv6, so that it has nothing to say about this client. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly why: string };

/** RFC 5782 §5: what every list must hold and what no list may hold, for IPv4 and for IPv6. */
const MUST_HOLD = { 4: parseIp('127.0.0.2')!, 6: v6('::ffff:7f00:2', 0x7f000002n) };
const MUST_NOT_HOLD = { 4: parseIp('127.0.0.1')!, 6: v6('::ffff:7f00:1', 0x7f000001n) };

/** The test points are IPv4-mapped, and yet asked as IPv6: `parseIp` would make IPv4 of them. */
function v6(text: string, low: bigint): IpAddress {
  return { family: 6, value: (0xffffn << 32n) | low, text };
}

/** Asks for the client and both test points together: the resolver keeps the latter for as long as the list allows. */
export async function askList(
  list: List,
  client: IpAddress,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<ListSays> {
  const ask = (ip: IpAddress) => resolver.resolve(`${reversedLabels(ip)}.${list.zone}`, 'A', signal);
  const { family } = client;
  const [about, must, mustNot] = await Promise.all([
    ask(client),
    list.self_test ? ask(MUST_HOLD[family]) : undefined,
    list.self_test ? ask(MUST_NOT_HOLD[family]) : undefined,
  ]);
  const ill = must && mustNot ? illness(must, mustNot, family) : undefined;
  return ill ?? read(about, list);
}

function illness(must: DnsAnswer, mustNot: DnsAnswer, family: 4 | 6): ListSays | undefined {
  const points = { must: MUST_HOLD[family].text, not: MUST_NOT_HOLD[family].text };
  if (mustNot.kind === 'failed') return { kind: 'failed', why: sayFailure(mustNot) };
  if (must.kind === 'failed') return { kind: 'failed', why: sayFailure(must) };
  if (isListing(mustNot)) return { kind: 'failed', why: `out of use: it lists ${points.not}` };
  if (isListing(must)) return undefined;
  // A refusal to us as askers is told by what it says about the client.
  if (must.kind === 'found') return undefined;
  return family === 6 ? { kind: 'silent' } : { kind: 'failed', why: `out of use: it does not list ${points.must}` };
}

/** What an answer of a list says about whom it was asked. */
export function read(answer: DnsAnswer, list: List): ListSays {
  if (answer.kind === 'failed') return { kind: 'failed', why: sayFailure(answer) };
  if (answer.kind === 'empty') return { kind: 'absent' };
  const codes = answer.records.flatMap((record) => (record.type === 'A' ? [record.address] : [])).sort();
  const weights = new Map<string, number>();
  const listing: string[] = [];
  const undescribed: string[] = [];
  for (const code of codes) {
    const meaning = meaningOf(code, list);
    if (meaning.kind === 'listed') {
      listing.push(code);
      weights.set(meaning.pattern, meaning.weight);
    } else if (meaning.why === 'refused') return { kind: 'failed', why: `it answers ${code}: it does not serve us` };
    else undescribed.push(code);
  }
  if (listing.length === 0)
    return { kind: 'failed', why: `it answers ${undescribed.join(', ')}, which "codes" does not describe` };
  // One code that nobody described beside one that is: what is described still holds.
  return { kind: 'listed', codes: listing, weight: [...weights.values()].reduce((sum, weight) => sum + weight, 0) };
}

const sayFailure = (answer: DnsAnswer & { readonly kind: 'failed' }): string =>
  `DNS: ${answer.cause}${answer.rcode === '' ? '' : ` (${answer.rcode})`}`;

/** Whether an answer claims a listing at all: something in 127.0.0.0/8 that is no refusal, or any address elsewhere. */
const isListing = (answer: DnsAnswer): boolean =>
  answer.kind === 'found' &&
  answer.records.some((record) => record.type === 'A' && !record.address.startsWith('127.255.255.'));
