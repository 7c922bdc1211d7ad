/** DNS as values: found, empty or failed, each with what it rests on. "No such name" is the world's answer; only `failed` is ours. */

export type DnsType = 'A' | 'AAAA' | 'MX' | 'TXT' | 'PTR' | 'CNAME' | 'TLSA' | 'NS' | 'SOA';

/** TXT as one string a record (RFC 7208 §3.3 joins the pieces); names lower-case without the trailing dot. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'PTR' | 'CNAME' | 'NS'; readonly name: string }
  | {
      readonly type: 'TLSA';
      readonly usage: number;
      readonly selector: number;
      readonly matching: number;
      readonly data: string;
    }
  | { readonly type: 'SOA'; readonly minimum: number };

interface DnsBasis {
  /** As asked: lower-case, no trailing dot. */
  readonly name: string;
  readonly type: DnsType;
  /** The answer came from our own cache. */
  readonly cached: boolean;
  /** Seconds left to keep it; 0 when it may not be kept. */
  readonly ttl: number;
  /** The AD bit (RFC 4035 §3.2.3): worth something only from a trusted validating resolver. */
  readonly secure: boolean;
  /** Who answered, `127.0.0.1:53`; 'zones' for a zone file; '' when nobody did. */
  readonly server: string;
}

export type DnsAnswer =
  /** `records` hold only those of the type that was asked, after following CNAMEs. */
  | (DnsBasis & { readonly kind: 'found'; readonly rcode: 'NOERROR'; readonly records: readonly DnsRecord[] })
  | (DnsBasis & {
      readonly kind: 'empty';
      readonly rcode: 'NOERROR' | 'NXDOMAIN';
      readonly why: 'noSuchName' | 'noData';
    })
  | (DnsBasis & {
      readonly kind: 'failed';
      /** 'SERVFAIL', 'REFUSED', …, or '' when no answer came. */
      readonly rcode: string;
      readonly cause: 'timeout' | 'servfail' | 'refused' | 'malformed' | 'unreachable' | 'limit' | 'cancelled';
    });

export interface Resolver {
  /** Never rejects: what goes wrong, an abort included, is an answer of kind `failed`. */
  resolve(name: string, type: DnsType, signal: AbortSignal): Promise<DnsAnswer>;
}
