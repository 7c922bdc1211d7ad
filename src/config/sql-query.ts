/** A recipient query: read once for the mistakes that would know everybody, or nobody. */

/** Why the query cannot be asked; '' where it can. The server has the last word on the rest. */
export function checkQuery(query: string): string {
  const places = [...query.matchAll(/\$(\d+)/g)].map(([, digits]) => Number(digits));
  if (places.length === 0) return 'it does not ask for $1, the address, and would know everybody or nobody';
  const beyond = places.find((place) => place < 1 || place > 3);
  if (beyond !== undefined) return `$${beyond} is nothing: $1 is the address, $2 its local part, $3 its domain`;
  if (!places.some((place) => place < 3)) return 'it asks for the domain alone, and would know everybody there';
  if (!/^\s*(?:\(\s*)*(?:select|with|table|values)\b/i.test(query)) return 'it is not a SELECT';
  return '';
}

/**
 * Inside another query: whatever it answers, one row comes back; all three places have a type though it uses only some
 * (PostgreSQL refuses a parameter whose type it cannot tell); and it can change nothing, as no INSERT stands in a FROM.
 */
export const boundQuery = (query: string): string =>
  `SELECT found.* FROM (${query.replace(/[;\s]+$/, '')}\n) AS found WHERE $1::text IS NOT NULL AND $2::text IS NOT NULL AND $3::text IS NOT NULL LIMIT 1`;

/**
 * A row is a yes, but for what `SELECT EXISTS(…)`, `SELECT count(*) …` and `SELECT lookup($1)` say of nobody. The value as
 * PostgreSQL writes it, with the number of its type: a mailbox may be called `f` or `0`.
 */
export function isYes(value: string | null, type: number): boolean {
  if (value === null) return false;
  if (type === BOOL) return value === 't';
  return !NUMBERS.has(type) || !/^-?0(?:\.0*)?$/.test(value);
}

// pg_type.dat: these numbers are part of the protocol and do not change.
const BOOL = 16;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 700, 701, 1700]);
