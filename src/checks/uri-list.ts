/** One list of domains asked about the domains in a message: is it in good health, and which does it list (RFC 5782 §2.3, §5)? */
import type { Resolver } from '../ports/resolver.ts';
import type { ListCodes } from './dnsbl-codes.ts';
import { read } from './dnsbl-list.ts';

export interface UriList extends ListCodes {
  readonly zone: string;
  readonly self_test: boolean;
}

export type UriListSays =
  | { readonly kind: 'answered'; readonly listings: readonly { readonly name: string; readonly weight: number }[] }
  | { readonly kind: 'failed'; readonly why: string };

/** Codes by which lists of domains say that they do not serve us: URIBL's refusal, DBL's word for a question about an address. */
const REFUSALS = ['127.0.0.1', '127.0.1.255'];

/** One trouble with one domain is trouble with the list: half an answer would read as none listed. */
export async function askUriList(
  { zone, codes, errors, self_test }: UriList,
  names: readonly string[],
  resolver: Resolver,
  signal: AbortSignal,
): Promise<UriListSays> {
  const list = { zone, codes, errors: [...errors, ...REFUSALS], self_test };
  const [invalid, ...answers] = await Promise.all(
    ['invalid', ...names].map((name) => resolver.resolve(`${name}.${zone}`, 'A', signal)),
  );
  // No list may hold INVALID: what does holds everything.
  if (self_test && invalid?.kind === 'found') {
    const says = read(invalid, list);
    return { kind: 'failed', why: says.kind === 'failed' ? says.why : 'out of use: it lists INVALID' };
  }
  const listings: { name: string; weight: number }[] = [];
  for (const [place, answer] of answers.entries()) {
    const says = read(answer, list);
    if (says.kind === 'failed') return says;
    if (says.kind === 'listed') listings.push({ name: names[place]!, weight: says.weight });
  }
  return { kind: 'answered', listings };
}
