/** A DNS question as octets, and whether a message is an answer to it. */
import type { DnsType } from '../../ports/resolver.ts';

/**
 * What we take by UDP: large enough for most, small enough never to be fragmented (RFC 6891 §6.2.3; the number is that of
 * DNS Flag Day 2020). What is larger comes by TCP.
 */
const UDP_PAYLOAD_MAX = 1232;

const HEADER_OCTETS = 12;
const FLAG_RESPONSE = 0x8000;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
/** In a question: "tell me whether you validated" (RFC 6840 §5.7), without the signatures that DO would bring. */
const FLAG_AUTHENTIC = 0x0020;
const OPCODE_MASK = 0x7800;
const CLASS_IN = 1;

const TYPE_NUMBERS: { readonly [type in DnsType]: number } = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  TLSA: 52,
};

export interface Query {
  /** The whole message; the id in its first two octets is written by whoever sends it. */
  readonly octets: Buffer;
  /** Octets of header and question, which an answer must repeat. */
  readonly questionEnd: number;
}

/** `name` as `questionName` made it. Written here, as the library takes a line feed beside a dot for the end of a name. */
export function encodeQuery(name: string, type: DnsType, edns: boolean): Query {
  const labels = name === '' ? [] : name.split('.').map((label) => Buffer.from(label));
  const questionEnd = HEADER_OCTETS + labels.reduce((sum, label) => sum + 1 + label.length, 0) + 1 + 4;
  const octets = Buffer.alloc(questionEnd + (edns ? 11 : 0));
  octets.writeUInt16BE(FLAG_RECURSION_DESIRED | FLAG_AUTHENTIC, 2);
  octets.writeUInt16BE(1, 4);
  octets.writeUInt16BE(edns ? 1 : 0, 10);
  let at = HEADER_OCTETS;
  for (const label of labels) {
    octets[at] = label.length;
    at += 1 + label.copy(octets, at + 1);
  }
  octets.writeUInt16BE(TYPE_NUMBERS[type], at + 1);
  octets.writeUInt16BE(CLASS_IN, at + 3);
  if (edns) {
    // OPT (RFC 6891 §6.1.2): root name, type 41, our size in the place of the class, no flags, no options.
    octets.writeUInt16BE(41, questionEnd + 1);
    octets.writeUInt16BE(UDP_PAYLOAD_MAX, questionEnd + 3);
  }
  return { octets, questionEnd };
}

/** Is this an answer to the question, as the asker's id and its own repetition of it say (RFC 5452 §9.1)? */
export function answers(message: Buffer, query: Query): boolean {
  if (message.length < query.questionEnd || message.readUInt16BE(0) !== query.octets.readUInt16BE(0)) return false;
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG_RESPONSE) === 0 || (flags & OPCODE_MASK) !== 0 || message.readUInt16BE(4) !== 1) return false;
  const asked = query.octets.subarray(HEADER_OCTETS, query.questionEnd);
  const repeated = message.subarray(HEADER_OCTETS, query.questionEnd);
  // A server may change the case of letters; lengths are below the letters, so that lower case changes nothing else.
  return repeated.equals(asked) || repeated.toString('latin1').toLowerCase() === asked.toString('latin1').toLowerCase();
}

export const isTruncated = (message: Buffer): boolean => (message.readUInt16BE(2) & FLAG_TRUNCATED) !== 0;
export const isAuthentic = (message: Buffer): boolean => (message.readUInt16BE(2) & FLAG_AUTHENTIC) !== 0;
