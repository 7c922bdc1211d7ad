/** What we use of dns-packet, which brings no types of its own. */
declare module 'dns-packet' {
  interface SoaData {
    readonly minimum: number;
  }
  interface TlsaData {
    readonly usage: number;
    readonly selector: number;
    readonly matchingType: number;
    readonly certificate: Buffer;
  }
  type RecordType =
    | { readonly type: 'A' | 'AAAA' | 'PTR' | 'CNAME' | 'NS'; readonly data: string }
    | { readonly type: 'MX'; readonly data: { readonly preference: number; readonly exchange: string } }
    | { readonly type: 'TXT'; readonly data: Buffer | readonly Buffer[] }
    | { readonly type: 'SOA'; readonly data: SoaData }
    | { readonly type: 'TLSA'; readonly data: TlsaData };
  type Answer = RecordType & { readonly name: string; readonly ttl: number; readonly class: string };
  interface Opt {
    readonly type: 'OPT';
    readonly name: string;
    readonly extendedRcode: number;
  }
  interface Packet {
    readonly id: number;
    readonly type: 'query' | 'response';
    readonly flags: number;
    readonly rcode: string;
    readonly questions: readonly { readonly name: string; readonly type: string; readonly class: string }[];
    readonly answers: readonly Answer[];
    readonly authorities: readonly Answer[];
    readonly additionals: readonly (Answer | Opt)[];
  }
  export const decode: {
    (octets: Buffer): Packet;
    /** Octets the last call read. */
    bytes: number;
  };
  export function encode(packet: object): Buffer;
}
