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

/** Undefined unless the text is exactly an address; `010.0.0.1` is not (leading zeros), nor is one with a zone (`fe80::1%eth0`). */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const v4 = readV4(text);
    return v4 === undefined ? undefined : ipV4(v4);
  }
  const groups = readV6(text);
  if (groups === undefined) return undefined;
  // ::ffff:0:0/96 is IPv4 seen through an IPv6 socket (RFC 4291 §2.5.5.2).
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0))
    return ipV4(groups[6]! * 65536 + groups[7]!);
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n), text: writeV6(groups) };
}

/** An address or CIDR range; undefined for anything else. Host bits beyond the prefix are cleared. */
export function parseRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return undefined;
  const width = ip.family === 4 ? 32 : 128;
  let prefix = width;
  if (slash >= 0) {
    const digits = text.slice(slash + 1);
    if (!/^(?:0|[1-9]\d{0,2})$/.test(digits)) return undefined;
    prefix = Number(digits);
    if (ip.family === 4 && text.includes(':')) prefix -= 96; // ::ffff:192.0.2.0/120 is 192.0.2.0/24
  }
  return prefix < 0 || prefix > width ? undefined : rangeAround(ip, prefix);
}

export function rangeContains(range: IpRange, ip: IpAddress): boolean {
  return range.family === ip.family && range.first <= ip.value && ip.value <= range.last;
}

/** The /24 or /64 a client belongs to, as CIDR text. */
export function networkOf(ip: IpAddress): string {
  return rangeAround(ip, ip.family === 4 ? 24 : 64).text;
}

/** `1.2.0.192`, or 32 nibbles with dots: without the zone (RFC 5782 §2.1, §2.4). */
export function reversedLabels(ip: IpAddress): string {
  if (ip.family === 4) return ip.text.split('.').reverse().join('.');
  return [...ip.value.toString(16).padStart(32, '0')].reverse().join('.');
}

/** `1.2.0.192.in-addr.arpa` / `….ip6.arpa`. */
export function reverseName(ip: IpAddress): string {
  return `${reversedLabels(ip)}.${ip.family === 4 ? 'in-addr.arpa' : 'ip6.arpa'}`;
}

/** Loopback, RFC 1918, link-local, unique local, CGNAT, unspecified. */
export function isPrivate(ip: IpAddress): boolean {
  return PRIVATE.has(ip);
}

/** Ranges sorted once, asked in logarithmic time: a million entries are fine. */
export class RangeSet {
  readonly size: number;
  readonly #v4: Merged;
  readonly #v6: Merged;
  constructor(ranges: readonly IpRange[]) {
    this.size = ranges.length;
    this.#v4 = merge(ranges.filter((range) => range.family === 4));
    this.#v6 = merge(ranges.filter((range) => range.family === 6));
  }
  has(ip: IpAddress): boolean {
    const { first, last } = ip.family === 4 ? this.#v4 : this.#v6;
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (first[middle]! <= ip.value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && ip.value <= last[low - 1]!;
  }
}

/** Disjoint ranges, sorted: the ends of each stand at the same index. */
interface Merged {
  readonly first: readonly bigint[];
  readonly last: readonly bigint[];
}

function merge(ranges: IpRange[]): Merged {
  ranges.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const first: bigint[] = [];
  const last: bigint[] = [];
  for (const range of ranges) {
    const end = last.at(-1);
    if (end === undefined || range.first > end) {
      first.push(range.first);
      last.push(range.last);
    } else if (range.last > end) last[last.length - 1] = range.last;
  }
  return { first, last };
}

function rangeAround(ip: IpAddress, prefix: number): IpRange {
  const hostBits = BigInt((ip.family === 4 ? 32 : 128) - prefix);
  const first = (ip.value >> hostBits) << hostBits;
  const text = ip.family === 4 ? writeV4(Number(first)) : writeV6(groupsOf(first));
  return { family: ip.family, first, last: first | ((1n << hostBits) - 1n), text: `${text}/${prefix}` };
}

const ipV4 = (value: number): IpAddress => ({ family: 4, value: BigInt(value), text: writeV4(value) });

function readV4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    // A leading zero means octal to some readers and decimal to others: refused.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** The eight groups, or undefined (RFC 4291 §2.2). */
function readV6(text: string): number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = readGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? readGroups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 §4.2.2 lets readers take one).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function readGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (atEnd && index === parts.length - 1 && part.includes('.')) {
      const v4 = readV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Math.floor(v4 / 65536), v4 % 65536);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

const writeV4 = (value: number): string =>
  `${Math.floor(value / 16777216)}.${Math.floor(value / 65536) % 256}.${Math.floor(value / 256) % 256}.${value % 256}`;

const groupsOf = (value: bigint): number[] =>
  Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function writeV6(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

const PRIVATE = new RangeSet(
  [
    '0.0.0.0/8', // "this network", the unspecified address in it (RFC 6890)
    '10.0.0.0/8', // RFC 1918
    '100.64.0.0/10', // carrier-grade NAT (RFC 6598)
    '127.0.0.0/8',
    '169.254.0.0/16', // link-local (RFC 3927)
    '172.16.0.0/12',
    '192.168.0.0/16',
    '::/128',
    '::1/128',
    'fc00::/7', // unique local (RFC 4193)
    'fe80::/10', // link-local (RFC 4291 §2.5.6)
  ].map((text) => parseRange(text)!),
);
