/** The suites of others as scenarios, each with what its writers expect. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Scenario, Zones } from '../../src/record/scenario.ts';

export interface SuiteCase {
  readonly name: string;
  readonly scenario: Scenario;
  /** Any of these is right. */
  readonly expected: readonly string[];
  /** What the domain's own explanation must read; undefined where the suite does not say. */
  readonly explanation?: string | undefined;
}

interface SpfDocument {
  readonly description: string;
  readonly tests: { readonly [name: string]: SpfTest };
  readonly zonedata: { readonly [name: string]: readonly (string | { readonly [type: string]: unknown })[] };
}
interface SpfTest {
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly result: string | readonly string[];
  readonly explanation?: string;
}

/** pyspf's YAML: `SPF` stands for TXT unless the name has a TXT of its own, `TXT: NONE` for none. */
export function spfCases(file: string): SuiteCase[] {
  return documents<SpfDocument>(file).flatMap(({ description, tests, zonedata }) => {
    const dns: Zones = Object.fromEntries(Object.entries(zonedata).map(([name, list]) => [name, spfAsTxt(list)]));
    return Object.entries(tests).map(([name, test]) => ({
      name: `${description}: ${name}`,
      scenario: { client_ip: test.host, helo: test.helo, mail_from: test.mailfrom, dns },
      expected: [test.result].flat(),
      explanation: test.explanation === 'DEFAULT' ? undefined : test.explanation,
    }));
  });
}

type Entry = SpfDocument['zonedata'][string][number];

function spfAsTxt(list: readonly Entry[]): Entry[] {
  const hasTxt = list.some((entry) => typeof entry === 'object' && 'TXT' in entry);
  return list.flatMap((entry): Entry[] => {
    if (typeof entry === 'string') return [entry];
    if ('SPF' in entry) return hasTxt ? [] : [{ TXT: entry.SPF }];
    return entry.TXT === 'NONE' ? [] : [entry];
  });
}

interface ArcDocument {
  readonly tests: { readonly [name: string]: { readonly message: string; readonly cv: string | null } };
  readonly 'txt-records': { readonly [name: string]: string };
}

/** The arc_test_suite's validations; where it expects no status at all the expected word is ''. */
export function arcCases(file: string): SuiteCase[] {
  return documents<ArcDocument>(file).flatMap(({ tests, 'txt-records': records }) => {
    const dns: Zones = Object.fromEntries(
      Object.entries(records).map(([name, text]) => [name, [{ TXT: text.trimEnd() }]]),
    );
    return Object.entries(tests).map(([name, test]) => ({
      name,
      scenario: { dns, raw: crlf(test.message) },
      expected: [(test.cv ?? '').toLowerCase()],
    }));
  });
}

/** When every last signature of the DKIM messages holds. */
const SIGNATURES_HOLD = 1667843664;

/** mail-auth's files: keys, a blank line, then the message. */
export function signedCase(name: string, file: string): SuiteCase {
  const text = readFileSync(file, 'utf8');
  const blank = text.indexOf('\n\n');
  const keys = text.slice(0, blank).split('\n');
  const dns: Zones = Object.fromEntries(
    keys.map((line) => [line.slice(0, line.indexOf(' ')), [{ TXT: line.slice(line.indexOf(' ') + 1) }]]),
  );
  return { name, scenario: { dns, raw: crlf(text.slice(blank + 2)), now: SIGNATURES_HOLD }, expected: ['pass'] };
}

const crlf = (text: string): string => text.replace(/\r?\n/g, '\r\n');

function documents<T>(file: string): T[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { uniqueKeys: false })
    .map((document) => document.toJS() as T | null)
    .filter((document) => document !== null);
}
