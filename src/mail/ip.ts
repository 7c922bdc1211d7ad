/** IP addresses and ranges as values, without asking anybody. */

export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
  /** Canonical (RFC 5952); IPv4-mapped IPv6 is IPv4. */
  readonly text: string;
}
export interface IpRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  /** `192.0.2.0/24`, host bits cleared. */
  readonly text: string;
}

/** Undefined unless the text is exactly an address; `010.0.0.1` is not (leading zeros). */
export function parseIp(_text: string): IpAddress | undefined {
  throw new Error('to come');
}
/** An address or CIDR range; undefined for anything else. Host bits beyond the prefix are cleared. */
export function parseRange(_text: string): IpRange | undefined {
  throw new Error('to come');
}
export function rangeContains(_range: IpRange, _ip: IpAddress): boolean {
  throw new Error('to come');
}
/** The /24 or /64 a client belongs to, as CIDR text. */
export function networkOf(_ip: IpAddress): string {
  throw new Error('to come');
}
/** `1.2.0.192`, or 32 nibbles with dots: without the zone (RFC 5782 §2.1, §2.4). */
export function reversedLabels(_ip: IpAddress): string {
  throw new Error('to come');
}
/** `1.2.0.192.in-addr.arpa` / `….ip6.arpa`. */
export function reverseName(_ip: IpAddress): string {
  throw new Error('to come');
}
/** Loopback, RFC 1918, link-local, unique local, CGNAT, unspecified. */
export function isPrivate(_ip: IpAddress): boolean {
  throw new Error('to come');
}

/** Ranges sorted once, asked in logarithmic time: a million entries are fine. */
export class RangeSet {
  readonly size: number;
  constructor(ranges: readonly IpRange[]) {
    this.size = ranges.length;
    throw new Error('to come');
  }
  has(_ip: IpAddress): boolean {
    throw new Error('to come');
  }
}
