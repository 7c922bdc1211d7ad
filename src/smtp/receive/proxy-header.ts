/** The PROXY protocol, versions 1 and 2: a balancer says in front of everything else whose connection it passes on. */
import { type IpAddress, parseIp } from '../../mail/ip.ts';

export interface ProxyEnd {
  readonly ip: IpAddress;
  readonly port: number;
}

export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly why: string }
  /** `octets`: how long the header was. `ends` is undefined where the balancer speaks for itself, or names nobody. */
  | {
      readonly kind: 'ok';
      readonly octets: number;
      readonly ends: { readonly client: ProxyEnd; readonly server: ProxyEnd } | undefined;
    };

/** Looks at the beginning of a connection; `more` until the header is whole. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  if (startsAs(octets, V2_SIGNATURE)) return octets.length < V2_FIXED ? MORE : readV2(octets);
  if (startsAs(octets, V1_SIGNATURE)) return readV1(octets);
  return bad('the connection does not begin with a PROXY header');
}

const V1_SIGNATURE = Buffer.from('PROXY ');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V1_MAX = 107; // octets with CR LF, the longest that can be written (PROXY protocol §2.1)
const V2_FIXED = 16; // octets before addresses and TLVs (§2.2)
/** Octets of addresses and TLVs. The protocol allows 64 KiB; a client certificate's name and a few identifiers need less than one. */
const V2_REST_MAX = 4096;

function readV1(octets: Buffer): ProxyHeader {
  const end = octets.subarray(0, V1_MAX).indexOf('\r\n');
  if (end < 0) return octets.length < V1_MAX ? MORE : bad(`the PROXY line is longer than ${V1_MAX} octets`);
  const words = octets.toString('latin1', V1_SIGNATURE.length, end).split(' ');
  const whole = { kind: 'ok', octets: end + 2 } as const;
  // "The receiver must ignore anything presented before the CRLF is found" (§2.1).
  if (words[0] === 'UNKNOWN') return { ...whole, ends: undefined };
  const [protocol, from, to, fromPort, toPort] = words;
  const family = protocol === 'TCP4' ? 4 : protocol === 'TCP6' ? 6 : undefined;
  const client = endOf(from, fromPort, family);
  const server = endOf(to, toPort, family);
  if (words.length !== 5 || client === undefined || server === undefined) return bad('the PROXY line is malformed');
  return { ...whole, ends: { client, server } };
}

function endOf(
  address: string | undefined,
  digits: string | undefined,
  family: 4 | 6 | undefined,
): ProxyEnd | undefined {
  if (address === undefined || digits === undefined || !/^(?:0|[1-9]\d{0,4})$/.test(digits)) return undefined;
  const ip = parseIp(address);
  // The text says the family: an IPv4-mapped address is written with colons.
  const written = address.includes(':') ? 6 : 4;
  return ip === undefined || written !== family || Number(digits) > 65_535 ? undefined : { ip, port: Number(digits) };
}

function readV2(octets: Buffer): ProxyHeader {
  const version = octets[12]! >> 4;
  const command = octets[12]! & 0x0f;
  const rest = octets.readUInt16BE(14);
  if (version !== 2) return bad(`version ${version} of the PROXY protocol is not known`);
  if (command > 1) return bad(`the PROXY command ${command} is not known`);
  if (rest > V2_REST_MAX) return bad(`the PROXY header is longer than ${V2_FIXED + V2_REST_MAX} octets`);
  const length = V2_FIXED + rest;
  if (octets.length < length) return MORE;
  // What follows the addresses are TLVs, of which none changes who the client is: they are passed over.
  const ends = readEnds(octets[13]!, octets.subarray(V2_FIXED, length));
  if (command === LOCAL) return { kind: 'ok', octets: length, ends: undefined };
  return ends === 'bad' ? bad('the PROXY header names no TCP connection') : { kind: 'ok', octets: length, ends };
}

const LOCAL = 0; // a health check: "the receiver must use the real connection endpoints" (§2.2)
const FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unixStream: 0x31 };

function readEnds(family: number, body: Buffer): { client: ProxyEnd; server: ProxyEnd } | undefined | 'bad' {
  switch (family) {
    case FAMILY.tcp4:
      return body.length < 12 ? 'bad' : twoEnds(body, 4, (at) => [...body.subarray(at, at + 4)].join('.'));
    case FAMILY.tcp6:
      return body.length < 36
        ? 'bad'
        : twoEnds(body, 16, (at) =>
            body
              .toString('hex', at, at + 16)
              .match(/.{4}/g)!
              .join(':'),
          );
    // A client without an address: the balancer's own stays, as for LOCAL.
    case FAMILY.unspecified:
    case FAMILY.unixStream:
      return undefined;
    default:
      return 'bad';
  }
}

function twoEnds(body: Buffer, width: number, textAt: (at: number) => string): { client: ProxyEnd; server: ProxyEnd } {
  const end = (at: number, portAt: number): ProxyEnd => ({
    ip: parseIp(textAt(at))!,
    port: body.readUInt16BE(portAt),
  });
  return { client: end(0, 2 * width), server: end(width, 2 * width + 2) };
}

/** As far as it has come, it is this. */
const startsAs = (octets: Buffer, signature: Buffer): boolean => {
  const length = Math.min(octets.length, signature.length);
  return octets.subarray(0, length).equals(signature.subarray(0, length));
};
const MORE = { kind: 'more' } as const;
const bad = (why: string): ProxyHeader => ({ kind: 'bad', why });
