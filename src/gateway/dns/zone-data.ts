/** Zones as a person writes them for `explain` and tests, read into a table; what is wrong is said with the place where it stands. */
import { lowerAscii, questionName } from '../../mail/dns-name.ts';
import { parseIp } from '../../mail/ip.ts';
import type { DnsRecord } from '../../ports/resolver.ts';

export interface ZoneName {
  readonly records: readonly DnsRecord[];
  /** How every question ends that `records` do not answer. */
  readonly outage: 'timeout' | 'servfail' | undefined;
  readonly ttl: number;
  readonly secure: boolean;
}

export interface ZoneTable {
  readonly names: ReadonlyMap<string, ZoneName>;
  /** Names above those that are present: they exist and have no data (RFC 8020 §2). */
  readonly parents: ReadonlySet<string>;
}

export interface ZoneProblem {
  /** Keys and places in lists from the top: `['example.com', 2, 'A']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly remedy: string;
}

export type ParsedZones =
  | { readonly kind: 'ok'; readonly zones: ZoneTable }
  | { readonly kind: 'bad'; readonly problems: readonly ZoneProblem[] };

/** Where a zone file says nothing. */
export const ZONE_TTL = 300;
const TTL_MAX = 2 ** 31 - 1; // RFC 2181 §8

/** Takes what a YAML or JSON parser made of the file. */
export function parseZones(data: unknown): ParsedZones {
  const problems: ZoneProblem[] = [];
  if (!isMap(data))
    return bad([], 'zones must be a map of names', 'Write `example.com: [{A: 192.0.2.1}]`, a line for each name.');
  const names = new Map<string, ZoneName>();
  for (const [written, entries] of Object.entries(data)) {
    const name = questionName(written);
    if (name === undefined) {
      const message = `"${written}" cannot be a name: no label may be empty or over 63 octets, the whole not over 253`;
      problems.push({ path: [written], message, remedy: 'Shorten the name or remove the empty label.' });
    } else names.set(name, readName(written, entries, names.get(name), problems));
  }
  return problems.length > 0 ? { kind: 'bad', problems } : { kind: 'ok', zones: { names, parents: parentsOf(names) } };
}

const bad = (path: readonly (string | number)[], message: string, remedy: string): ParsedZones => ({
  kind: 'bad',
  problems: [{ path, message, remedy }],
});

/** `before` is the same name written in other letters. */
function readName(written: string, entries: unknown, before: ZoneName | undefined, problems: ZoneProblem[]): ZoneName {
  const records: DnsRecord[] = [...(before?.records ?? [])];
  let { outage, ttl, secure } = before ?? { outage: undefined, ttl: ZONE_TTL, secure: false };
  const report = (path: readonly (string | number)[], message: string, remedy: string) =>
    problems.push({ path: [written, ...path], message, remedy });
  if (!Array.isArray(entries)) {
    report([], `"${written}" must have a list`, 'Write `[{A: 192.0.2.1}]`, or `[]` for a name without data.');
    return { records, outage, ttl, secure };
  }
  for (const [place, entry] of entries.entries()) {
    if (entry === 'TIMEOUT') outage = 'timeout';
    else if (entry === 'SERVFAIL') outage = 'servfail';
    else if (!isMap(entry) || Object.keys(entry).length !== 1)
      report(
        [place],
        `${say(entry)} is neither a map with one key nor TIMEOUT or SERVFAIL`,
        'Give each record a map of its own: `- A: 192.0.2.1`.',
      );
    else {
      const [key, value] = Object.entries(entry)[0]!;
      if (key === 'TTL') {
        if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= TTL_MAX) ttl = value;
        else report([place, key], `${say(value)} is not a TTL`, 'Write whole seconds from 0: `TTL: 300`.');
      } else if (key === 'AD') {
        if (typeof value === 'boolean') secure = value;
        else report([place, key], `${say(value)} is not an AD bit`, 'Write `AD: true` or `AD: false`.');
      } else if (key !== 'SPF') {
        // Type SPF (RFC 7208 §3.1: discontinued) stands in published test zones; nobody asks for it.
        const reader = READERS.get(key);
        const record = reader?.read(value);
        if (reader === undefined)
          report([place, key], `"${key}" is not a record type`, `Write one of ${[...READERS.keys()].join(', ')}.`);
        else if (record === undefined) report([place, key], `${say(value)} is not ${reader.is}`, reader.remedy);
        else records.push(record);
      }
    }
  }
  return { records, outage, ttl, secure };
}

interface Reader {
  readonly is: string;
  readonly remedy: string;
  /** Undefined where the value is not of the type. */
  read(value: unknown): DnsRecord | undefined;
}

const named = (type: 'PTR' | 'CNAME' | 'NS'): Reader => ({
  is: 'a name',
  remedy: `Write \`${type}: host.example.com\`.`,
  read: (value) => {
    const name = host(value);
    return name === undefined ? undefined : { type, name };
  },
});

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    'A',
    {
      is: 'an IPv4 address',
      remedy: 'Write `A: 192.0.2.1`.',
      read: (value) =>
        typeof value === 'string' && !value.includes(':') && parseIp(value) !== undefined
          ? { type: 'A', address: value }
          : undefined,
    },
  ],
  [
    'AAAA',
    {
      is: 'an IPv6 address',
      remedy: 'Write it in quotes: `AAAA: "2001:db8::1"`.',
      read: (value) => {
        const ip = typeof value === 'string' && value.includes(':') ? parseIp(value) : undefined;
        if (ip === undefined) return undefined;
        // An IPv4-mapped address stays what the record is: one of IPv6.
        return { type: 'AAAA', address: ip.family === 6 ? ip.text : lowerAscii(String(value)) };
      },
    },
  ],
  [
    'MX',
    {
      is: 'a preference and a host',
      remedy: 'Write `MX: [10, mx.example.com]` or `MX: 10 mx.example.com`; `[0, "."]` for no mail at all (RFC 7505).',
      read: (value) => {
        const [preference, exchange] = fields(value);
        const name = host(exchange);
        return name === undefined || !isNumber(preference, 65535)
          ? undefined
          : { type: 'MX', preference: Number(preference), exchange: name };
      },
    },
  ],
  [
    'TXT',
    {
      is: 'a text',
      remedy: 'Write it in quotes, or as a list of texts that belong together: `TXT: ["v=spf1 ", "-all"]`.',
      read: (value) => {
        const pieces = Array.isArray(value) ? value : [value];
        // The pieces of one record are joined without a space (RFC 7208 §3.3, RFC 6376 §3.6.2.2).
        return pieces.every((piece) => typeof piece === 'string') ? { type: 'TXT', text: pieces.join('') } : undefined;
      },
    },
  ],
  ['PTR', named('PTR')],
  ['CNAME', named('CNAME')],
  ['NS', named('NS')],
  [
    'TLSA',
    {
      is: 'usage, selector, matching type and data in hexadecimal',
      remedy: 'Write `TLSA: [3, 1, 1, "0c72ac70…"]` (RFC 6698 §2.2).',
      read: (value) => {
        const [usage, selector, matching, data] = fields(value);
        if (!isNumber(usage, 255) || !isNumber(selector, 255) || !isNumber(matching, 255)) return undefined;
        if (typeof data !== 'string' || !/^(?:[0-9a-fA-F]{2})+$/.test(data)) return undefined;
        const [u, s, m] = [usage, selector, matching].map(Number) as [number, number, number];
        return { type: 'TLSA', usage: u, selector: s, matching: m, data: lowerAscii(data) };
      },
    },
  ],
  [
    'SOA',
    {
      is: 'the seconds that "no such name" may be kept',
      remedy: 'Write the last number of the SOA alone: `SOA: 300` (RFC 2308 §4).',
      read: (value) => (isNumber(value, TTL_MAX) ? { type: 'SOA', minimum: Number(value) } : undefined),
    },
  ],
]);

/** `[10, host]` and `10 host` alike. */
const fields = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : typeof value === 'string' ? value.trim().split(/\s+/) : [];

/** A name in a record. One that no question could be is kept as it is: test zones hold such on purpose. */
const host = (value: unknown): string | undefined =>
  typeof value === 'string' ? (questionName(value) ?? lowerAscii(value)) : undefined;

const isNumber = (value: unknown, max: number): value is number | string =>
  (typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))) &&
  Number.isInteger(Number(value)) &&
  Number(value) >= 0 &&
  Number(value) <= max;

const isMap = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const SAY_MAX = 60;
const say = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SAY_MAX ? `${text.slice(0, SAY_MAX)}…` : text;
};

function parentsOf(names: ReadonlyMap<string, ZoneName>): ReadonlySet<string> {
  const parents = new Set<string>();
  for (const name of names.keys())
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) parents.add(name.slice(dot + 1));
  return parents;
}
