/** Policies of MTA-STS (RFC 8461) as domains publish them. */

export type StsFetched =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failed'; readonly why: string };

/** The octets of `https://mta-sts.<domain>/.well-known/mta-sts.txt`. Never rejects. */
export type FetchSts = (domain: string, signal: AbortSignal) => Promise<StsFetched>;
