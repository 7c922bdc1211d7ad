/** Keeps a range of addresses that may relay, or speak for others, from taking in strangers: never an open relay. */
import { type IpRange, isPrivate, parseRange } from '../mail/ip.ts';

/** Why a range may not be trusted, in a sentence; undefined where it may. */
export function tooWide(text: string): string | undefined {
  const range = parseRange(text);
  if (range === undefined) return undefined;
  const translated = overlaps(NAT64, range) ? parseRange(ipv4Of(range)) : undefined;
  if (translated !== undefined) return tooWide(translated.text);
  if (prefixOf(range) === 0) return 'this is the whole Internet: the gateway would be an open relay';
  if (prefixOf(range) < WIDEST[range.family])
    return `this is wider than /${WIDEST[range.family]}: nobody owns so many addresses`;
  const provider = MICROSOFT.find((shared) => overlaps(shared, range));
  if (provider !== undefined)
    return `this lies in ${provider.text}, from which Microsoft 365 sends for all its customers: use relay_for, with your tenant`;
  if (overlaps(TEREDO, range)) return `this lies in ${TEREDO.text}, where anybody can have an address (RFC 4380)`;
  if (prefixOf(range) >= OWNED[range.family]) return undefined;
  const shared = SHARED.find(([, cloud]) => overlaps(cloud, range));
  return shared && `this lies in ${shared[1].text}, which ${shared[0]} lets to anybody who pays`;
}

/** Why ranges that may each be trusted may not be trusted together. */
export function togetherTooWide(texts: readonly string[]): string | undefined {
  const ranges = texts.map(parseRange).filter((range) => range !== undefined);
  const strangers = ranges.filter((range) => range.family === 4 && !isPrivate({ ...range, value: range.first }));
  const total = strangers.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n);
  if (total <= TOGETHER) return undefined;
  return `together these are ${total} public addresses: nobody owns so many`;
}

/** A /8 and a few ranges beside it. */
const TOGETHER = (1n << 24n) + (1n << 20n);
/** Addresses of the whole IPv4 Internet as IPv6 hosts see them behind a translator (RFC 6052 §2.1). */
const NAT64 = parseRange('64:ff9b::/96')!;
/** From where Exchange Online sends for everybody (its published ranges): not even one address of it is anybody's own. */
const MICROSOFT = [
  '40.92.0.0/15',
  '40.107.0.0/16',
  '52.100.0.0/14',
  '104.47.0.0/17',
  '2a01:111:f400::/48',
  '2a01:111:f403::/48',
].map((text) => parseRange(text)!);
const TEREDO = parseRange('2001::/32')!;

/** The part of the range that is translated, as IPv4 writes it. */
function ipv4Of(range: IpRange): string {
  const prefix = Math.max(prefixOf(range), 96) - 96;
  const first = prefix === 0 ? 0n : range.first - NAT64.first;
  return `${[24n, 16n, 8n, 0n].map((shift) => (first >> shift) & 255n).join('.')}/${prefix}`;
}

/** 10.0.0.0/8 is the widest range one organization uses; an IPv6 /32 is what a whole provider is given (RFC 6177). */
const WIDEST = { 4: 8, 6: 32 } as const;
/** Ranges a single customer of a cloud provider can hold for itself; anything wider is shared with strangers. */
const OWNED = { 4: 28, 6: 56 } as const;

/** Large ranges whose addresses change tenants by the hour. Not all there are: it catches the common mistake. */
const SHARED: readonly (readonly [string, IpRange])[] = Object.entries({
  'Amazon Web Services': [
    ...['3.0.0.0/8', '18.128.0.0/9', '34.192.0.0/10', '44.192.0.0/10', '52.0.0.0/10', '54.64.0.0/10', '54.144.0.0/12'],
    ...['54.160.0.0/11', '54.192.0.0/10', '2600:1f00::/24', '2a05:d000::/25'],
  ],
  'Google Cloud': [
    ...['34.64.0.0/10', '34.128.0.0/10', '35.184.0.0/13', '35.192.0.0/11', '104.196.0.0/14', '2600:1900::/28'],
  ],
  'Microsoft Azure': [
    ...['13.64.0.0/11', '20.33.0.0/16', '20.40.0.0/13', '20.64.0.0/10', '20.192.0.0/10', '40.64.0.0/10'],
    ...['52.224.0.0/11', '104.40.0.0/13', '2603:1000::/24'],
  ],
  'Oracle Cloud': ['129.146.0.0/16', '132.145.0.0/16', '140.238.0.0/16', '150.136.0.0/16'],
  DigitalOcean: [
    ...['104.248.0.0/16', '134.209.0.0/16', '138.68.0.0/16', '142.93.0.0/16', '157.245.0.0/16', '159.65.0.0/16'],
    ...['159.89.0.0/16', '165.22.0.0/16', '165.227.0.0/16', '167.99.0.0/16', '178.62.0.0/16', '206.189.0.0/16'],
    ...['2604:a880::/32', '2a03:b0c0::/32'],
  ],
  Hetzner: [
    ...['5.9.0.0/16', '49.12.0.0/15', '65.108.0.0/15', '78.46.0.0/15', '88.99.0.0/16', '88.198.0.0/16'],
    ...['95.216.0.0/15', '116.202.0.0/15', '135.181.0.0/16', '136.243.0.0/16', '138.201.0.0/16', '144.76.0.0/16'],
    ...['148.251.0.0/16', '157.90.0.0/16', '159.69.0.0/16', '162.55.0.0/16', '167.235.0.0/16', '168.119.0.0/16'],
    ...['176.9.0.0/16', '178.63.0.0/16', '188.40.0.0/16', '195.201.0.0/16', '2a01:4f8::/31'],
  ],
  OVH: [
    ...['51.68.0.0/16', '51.75.0.0/16', '51.77.0.0/16', '54.36.0.0/15', '54.38.0.0/16', '137.74.0.0/16'],
    ...['145.239.0.0/16', '149.202.0.0/16', '151.80.0.0/16', '164.132.0.0/16', '167.114.0.0/16', '178.32.0.0/15'],
    ...['188.165.0.0/16', '2001:41d0::/32'],
  ],
  Linode: ['45.79.0.0/16', '139.162.0.0/16', '172.104.0.0/15', '2600:3c00::/28'],
  Vultr: ['45.32.0.0/16', '45.76.0.0/15', '108.61.0.0/16', '149.28.0.0/16', '2001:19f0::/32'],
}).flatMap(([provider, ranges]) => ranges.map((text) => [provider, parseRange(text)!] as const));

const prefixOf = (range: IpRange): number => Number(range.text.split('/')[1] ?? (range.family === 4 ? 32 : 128));
export const overlaps = (a: IpRange, b: IpRange): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;
