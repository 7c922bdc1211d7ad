/** Lists by kind: what is written in them, and what is in them at a given time. */
import { RE2JS } from 're2js';
import type { Place, Problem } from '../language/problem.ts';
import { toAscii } from '../mail/address.ts';
import { type IpRange, parseIp, parseRange, RangeSet } from '../mail/ip.ts';
import { days, type Timestamp } from '../mail/time.ts';
import type { List } from './policy.ts';

export interface ListEntry {
  readonly text: string;
  readonly place: Place;
}

export interface ReadList {
  readonly list: List;
  readonly problems: readonly Problem[];
}

/** A longer pattern is a program. */
const PATTERN_MAX = 500;

/** Entries of a list file: one a line, `#` begins a comment, empty lines are nothing. */
export function* listLines(file: string, text: string): Generator<ListEntry> {
  let line = 0;
  for (const written of text.split('\n')) {
    line++;
    const entry = written.replace(/(^|\s)#.*$/, '').trim();
    if (entry !== '') yield { text: entry, place: { file, line, column: written.indexOf(entry) + 1 } };
  }
}

/** `example.com until=2027-01-31 owner=alice ref=INC-4711`; what does not belong to the kind is a problem. */
export function readList(name: string, kind: List['kind'], entries: Iterable<ListEntry>): ReadList {
  const problems: Problem[] = [];
  // Entries that end together are one set, so that asking costs the same as if none did.
  const sets = new Map<Timestamp, { set: EntrySet; size: number }>();
  for (const { text, place } of entries) {
    const wrong = (message: string, remedy: string): void => {
      problems.push({ place, severity: 'error', message, remedy, excerpt: text });
    };
    const [value = '', ...fields] = kind === 'pattern' ? patternParts(text) : text.split(/\s+/);
    let until = FOR_EVER;
    for (const field of fields) {
      const [, key, said] = /^(until|owner|ref)=(\S+)$/.exec(field) ?? [];
      if (key === undefined) wrong(`"${field}" is no field of an entry`, 'there are until=2027-01-31 owner=… ref=…');
      else if (key === 'until') {
        const day = /^\d{4}-\d{2}-\d{2}$/.test(said!) ? Date.parse(`${said}T00:00:00Z`) : Number.NaN;
        if (Number.isNaN(day)) wrong(`"${said}" is not a date`, 'write it as until=2027-01-31');
        else until = day + days(1);
      }
    }
    const chosen = sets.get(until) ?? { set: emptySet(kind), size: 0 };
    sets.set(until, chosen);
    const trouble = chosen.set.add(value);
    if (trouble === '') chosen.size++;
    else wrong(`"${value}" ${trouble}`, REMEDY[kind]);
  }
  for (const { set } of sets.values()) set.seal();
  return {
    list: listOver(
      name,
      kind,
      [...sets].map(([until, { set, size }]) => ({ until, set, size })),
    ),
    problems,
  };
}

const FOR_EVER = Number.POSITIVE_INFINITY;

const REMEDY: { readonly [kind in List['kind']]: string } = {
  network: 'an entry is an address or a range: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32',
  domain: 'an entry is a domain: example.com, or .example.com for its subdomains too',
  address: 'an entry is a mail address: alice@example.com',
  pattern: 'patterns are RE2: no look-around, no back-references; fields stand behind two spaces',
  word: 'an entry is one word',
};

/** A pattern may hold spaces, so its fields stand at the end. */
function patternParts(text: string): string[] {
  const fields = /(?:\s+(?:until|owner|ref)=\S+)*$/.exec(text)?.[0] ?? '';
  return [
    text.slice(0, text.length - fields.length),
    ...fields
      .trim()
      .split(/\s+/)
      .filter((field) => field !== ''),
  ];
}

function listOver(
  name: string,
  kind: List['kind'],
  sets: readonly { readonly until: Timestamp; readonly set: EntrySet; readonly size: number }[],
): List {
  return {
    name,
    kind,
    size: sets.reduce((sum, { size }) => sum + size, 0),
    has: (value, at) => sets.some(({ until, set }) => at < until && set.has(value)),
    expired: (at) => sets.reduce((sum, { until, size }) => sum + (at < until ? 0 : size), 0),
  };
}

interface EntrySet {
  /** '' or what is wrong with the entry. */
  add(entry: string): string;
  seal(): void;
  has(value: string): boolean;
}

function emptySet(kind: List['kind']): EntrySet {
  switch (kind) {
    case 'network':
      return networks();
    case 'domain':
      return domains();
    case 'address':
      return keyed(addressKeys, (entry) => (addressKeys(entry).length === 0 ? 'is not a mail address' : ''));
    case 'pattern':
      return patterns();
    case 'word':
      return keyed(
        (word) => [word.toLowerCase()],
        () => '',
      );
  }
}

function networks(): EntrySet {
  const ranges: IpRange[] = [];
  let sealed = new RangeSet([]);
  return {
    add: (entry) => {
      const range = parseRange(entry);
      if (range === undefined) return 'is neither an address nor a range';
      ranges.push(range);
      return '';
    },
    seal: () => {
      sealed = new RangeSet(ranges);
    },
    has: (value) => {
      const ip = parseIp(value);
      return ip !== undefined && sealed.has(ip);
    },
  };
}

function domains(): EntrySet {
  const exact = new Set<string>();
  const withSubdomains = new Set<string>();
  return {
    add: (entry) => {
      const below = entry.startsWith('.');
      const domain = toAscii(below ? entry.slice(1) : entry);
      if (domain === undefined) return 'is not a domain';
      (below ? withSubdomains : exact).add(domain);
      return '';
    },
    seal: () => undefined,
    has: (value) => {
      const domain = toAscii(value);
      if (domain === undefined) return false;
      if (exact.has(domain)) return true;
      for (let at = domain; at !== ''; at = at.includes('.') ? at.slice(at.indexOf('.') + 1) : '') {
        if (withSubdomains.has(at)) return true;
      }
      return false;
    },
  };
}

function patterns(): EntrySet {
  const machines: RE2JS[] = [];
  return {
    add: (entry) => {
      if (entry.length > PATTERN_MAX) return `is longer than ${PATTERN_MAX} characters`;
      try {
        machines.push(RE2JS.compile(entry));
        return '';
      } catch (error) {
        return `does not compile: ${error instanceof Error ? error.message : String(error)}`;
      }
    },
    seal: () => undefined,
    has: (value) => machines.some((machine) => machine.matcher(value).find()),
  };
}

/** In the list when any of the value's keys is an entry's first key. */
function keyed(keys: (value: string) => readonly string[], trouble: (entry: string) => string): EntrySet {
  const entries = new Set<string>();
  return {
    add: (entry) => {
      const wrong = trouble(entry);
      if (wrong === '') entries.add(keys(entry)[0]!);
      return wrong;
    },
    seal: () => undefined,
    has: (value) => keys(value).some((key) => entries.has(key)),
  };
}

/** Without case, the domain as A-label; an address with a subaddress is also the one without it. */
function addressKeys(address: string): readonly string[] {
  const at = address.lastIndexOf('@');
  const domain = toAscii(address.slice(at + 1));
  if (at <= 0 || domain === undefined) return [];
  const local = address.slice(0, at).toLowerCase();
  const plus = local.indexOf('+');
  return plus <= 0 ? [`${local}@${domain}`] : [`${local}@${domain}`, `${local.slice(0, plus)}@${domain}`];
}
