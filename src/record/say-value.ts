/** Facts and evidence in a few words on one line. */
import type { Facts, FactValue } from '../policy/facts.ts';

const VALUE_MAX = 80; // characters of one value: enough for an SPF record's gist; the record has the rest
const ITEMS_MAX = 6; // of one list

export function sayValue(value: FactValue): string {
  if (typeof value === 'string') return value === '' || /[\s,=]/.test(value) ? `"${short(value)}"` : short(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isList(value)) {
    const more = value.length > ITEMS_MAX ? [`and ${value.length - ITEMS_MAX} more`] : [];
    return `[${[...value.slice(0, ITEMS_MAX).map(sayValue), ...more].join(', ')}]`;
  }
  return `{${sayFields(value)}}`;
}

/** `result=pass domain=example.net`. */
export function sayFields(fields: { readonly [name: string]: FactValue }): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${sayValue(value)}`)
    .join(' ');
}

/** The fact a path names (`dmarc.result`), in the first of these that knows it. */
export function findFact(path: string, ...from: readonly Facts[]): FactValue | undefined {
  for (const facts of from) {
    let value: FactValue | undefined = facts;
    for (const step of path.split('.')) value = isFields(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What the facts that a condition names were: `dnsbl.score is 0, rdns.result is not known`. */
export function sayReadings(condition: string, roots: ReadonlySet<string>, ...from: readonly Facts[]): string {
  const bare = condition.replace(/'[^']*'|"[^"]*"/g, "''");
  const paths = new Set(bare.match(/\b[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)+\b/g) ?? []);
  return [...paths]
    .filter((path) => roots.has(path.slice(0, path.indexOf('.'))))
    .map((path) => {
      const value = findFact(path, ...from);
      return value === undefined ? `${path} is not known` : `${path} is ${sayValue(value)}`;
    })
    .join(', ');
}

const short = (text: string): string => (text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}...` : text);
const isList = (value: FactValue): value is readonly FactValue[] => Array.isArray(value);
const isFields = (value: FactValue | undefined): value is { readonly [name: string]: FactValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
