/** What a DNS message says about the question it answers: records after aliases, or why there are none, and how long to keep that. */
import { type Answer, decode, type Packet } from 'dns-packet';
import { lowerAscii } from '../../mail/dns-name.ts';
import { parseIp } from '../../mail/ip.ts';
import type { DnsRecord, DnsType } from '../../ports/resolver.ts';
import { isAuthentic } from './query.ts';

/** Aliases followed for one question: more than any real chain, few enough to end a loop at once. */
export const ALIASES_MAX = 8;

export type Said =
  | { readonly kind: 'found'; readonly records: readonly DnsRecord[]; readonly ttl: number; readonly secure: boolean }
  | {
      readonly kind: 'empty';
      readonly why: 'noSuchName' | 'noData';
      /** 0: may not be kept (no SOA, RFC 2308 §5). */
      readonly ttl: number;
      readonly secure: boolean;
    }
  /** The chain of aliases leaves this message: ask for `name`, `ttl` and `secure` hold for the part so far. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttl: number; readonly secure: boolean }
  | { readonly kind: 'failed'; readonly rcode: string; readonly cause: 'servfail' | 'refused' | 'malformed' | 'limit' };

/** `message` is an answer to the question for `name` and `type`. */
export function readReply(message: Buffer, name: string, type: DnsType): Said {
  const packet = decoded(message);
  if (packet === undefined) return { kind: 'failed', rcode: '', cause: 'malformed' };
  const rcode = fullRcode(packet);
  if (rcode === 'REFUSED') return { kind: 'failed', rcode, cause: 'refused' };
  if (rcode === 'FORMERR') return { kind: 'failed', rcode, cause: 'malformed' };
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { kind: 'failed', rcode, cause: 'servfail' };
  const secure = isAuthentic(message);
  let at = name;
  let ttl = Number.POSITIVE_INFINITY;
  for (let alias = 0; alias <= ALIASES_MAX; alias++) {
    const here = packet.answers.filter((each) => each.class === 'IN' && sameName(each.name, at));
    const own = here.filter((each) => each.type === type);
    if (own.length > 0) {
      const records = own.flatMap(toRecord);
      return { kind: 'found', records, ttl: leastTtl(own, ttl), secure };
    }
    const cname = here.find((each) => each.type === 'CNAME');
    if (cname === undefined) return none(packet, rcode, { at, asked: name, ttl, secure });
    ttl = leastTtl([cname], ttl);
    at = canonical(cname.data as string);
  }
  return { kind: 'failed', rcode: '', cause: 'limit' };
}

function decoded(message: Buffer): Packet | undefined {
  try {
    const packet = decode(message);
    // The library reads addresses beyond the end of the message, as words that are none.
    const whole = packet.answers.every(
      (each) => (each.type !== 'A' && each.type !== 'AAAA') || parseIp(each.data) !== undefined,
    );
    return whole && decode.bytes <= message.length ? packet : undefined;
  } catch {
    return undefined;
  }
}

/** With EDNS, eight higher bits stand in the OPT record (RFC 6891 §6.1.3). */
function fullRcode(packet: Packet): string {
  const opt = packet.additionals.find((each) => each.type === 'OPT');
  return opt !== undefined && opt.extendedRcode !== 0 ? `EXTENDED_${opt.extendedRcode}` : packet.rcode;
}

interface Way {
  readonly at: string;
  readonly asked: string;
  readonly ttl: number;
  readonly secure: boolean;
}

function none(packet: Packet, rcode: 'NOERROR' | 'NXDOMAIN', { at, asked, ttl, secure }: Way): Said {
  const soa = packet.authorities.find((each) => each.type === 'SOA');
  if (rcode === 'NOERROR' && soa === undefined && at !== asked) return { kind: 'alias', name: at, ttl, secure };
  // RFC 2308 §3, §5: kept for the SOA's TTL or its last field, whichever is less.
  const keep = soa === undefined ? 0 : Math.min(leastTtl([soa], ttl), soa.data.minimum);
  // RFC 6604 §3: with aliases, the RCODE is about the last name.
  return { kind: 'empty', why: rcode === 'NXDOMAIN' ? 'noSuchName' : 'noData', ttl: keep, secure };
}

/** RFC 2181 §8: a TTL with the top bit set counts as 0. */
const leastTtl = (answers: readonly Answer[], start: number): number =>
  answers.reduce((least, { ttl }) => Math.min(least, ttl > 0x7fffffff ? 0 : ttl), start);

const canonical = (name: string): string => (name === '.' ? '' : lowerAscii(name));
/** An IPv4-mapped address stays what the record is: one of IPv6. */
const canonicalV6 = (address: string): string => {
  const ip = parseIp(address);
  return ip?.family === 6 ? ip.text : lowerAscii(address);
};
const sameName = (written: string, name: string): boolean => canonical(written) === name;

function toRecord(answer: Answer): DnsRecord[] {
  switch (answer.type) {
    case 'A':
      return [{ type: answer.type, address: answer.data }];
    case 'AAAA':
      return [{ type: answer.type, address: canonicalV6(answer.data) }];
    case 'PTR':
    case 'CNAME':
    case 'NS':
      return [{ type: answer.type, name: canonical(answer.data) }];
    case 'MX':
      return [{ type: 'MX', preference: answer.data.preference, exchange: canonical(answer.data.exchange) }];
    case 'TXT': {
      // The strings of one record are joined without a space (RFC 7208 §3.3).
      const octets = Array.isArray(answer.data) ? Buffer.concat(answer.data) : (answer.data as Buffer);
      return [{ type: 'TXT', text: textOf(octets) }];
    }
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = answer.data;
      return [{ type: 'TLSA', usage, selector, matching: matchingType, data: certificate.toString('hex') }];
    }
    case 'SOA':
      return [{ type: 'SOA', minimum: answer.data.minimum }];
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 where it is, else an octet a character: nothing is lost, and what is not ASCII stays so. */
function textOf(octets: Buffer): string {
  try {
    return utf8.decode(octets);
  } catch {
    return octets.toString('latin1');
  }
}
