/** Filters of LDAP searches (RFC 4515) with places for the address: checked when they are read, filled so that no address changes what is asked. */

const PLACES = /\{(address|local|domain)\}/g;
const PLACE = /\{(?:address|local|domain)\}/;
/** A filter of an operator is nested three deep; each level is a call. */
const DEPTH_MAX = 32;

export interface Asked {
  readonly address: string;
  readonly local: string;
  readonly domain: string;
}

/** What fits, where `preset` names it. Active Directory keeps every address of a mailbox, group or contact in `proxyAddresses`. */
export const PRESETS = {
  'active-directory': '(|(mail={address})(proxyAddresses=smtp:{address}))',
  openldap: '(|(mail={address})(mailAlternateAddress={address}))',
} as const;

/** The same for a list of all: who has an address at all. */
export const LIST_PRESETS = {
  'active-directory': '(|(mail=*)(proxyAddresses=smtp:*))',
  openldap: '(|(mail=*)(mailAlternateAddress=*))',
} as const;

/** Asks of whoever is on a list whether one address is among theirs. */
export const oneOf = (filter: string, attributes: readonly string[]): string =>
  `(&${filter}(|${attributes.map((name) => `(${name}={address})(${name}=smtp:{address})`).join('')}))`;

/** The filter for one address: whatever stands in it is a value, and stays one. */
export const fillFilter = (filter: string, asked: Asked): string =>
  filter.replace(PLACES, (_, place: keyof Asked) => escapeValue(asked[place]));

/** RFC 4515 §3: `* ( ) \` and NUL as their octet in hex. */
export const escapeValue = (text: string): string =>
  text.replace(/[*()\\\0]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Why it is no filter that can be asked for an address; '' where it is one. */
export function checkFilter(filter: string, list = false): string {
  if (list && PLACE.test(filter)) return 'it asks for one address, and the list is of all';
  if (!list && !/\{(?:address|local)\}/.test(filter))
    return 'it does not ask for {address}, and would know everybody or nobody';
  const unknown = /\{[^}]*\}?/.exec(filter.replace(PLACES, ''))?.[0];
  if (unknown !== undefined) return `${unknown} is no place to fill: there are {address}, {local} and {domain}`;
  const end = filterEnd(filter.replace(PLACES, 'x'), 0, 0);
  if (typeof end === 'string') return end;
  return end === filter.replace(PLACES, 'x').length ? '' : 'something stands after its last parenthesis';
}

/** Where the filter that begins at `at` ends; or what is wrong with it. */
function filterEnd(text: string, at: number, depth: number): number | string {
  if (depth > DEPTH_MAX) return `it is nested deeper than ${DEPTH_MAX}`;
  if (text[at] !== '(') return 'each part stands in parentheses';
  const sign = text[at + 1];
  if (sign !== '&' && sign !== '|' && sign !== '!') {
    const item = ITEM.exec(text.slice(at));
    return item === null ? `"${text.slice(at, at + 40)}" is not (attribute=value)` : at + item[0].length;
  }
  let next = at + 2;
  let parts = 0;
  while (text[next] === '(') {
    const end = filterEnd(text, next, depth + 1);
    if (typeof end === 'string') return end;
    next = end;
    parts += 1;
  }
  if (parts === 0 || (sign === '!' && parts > 1)) return `${sign} is followed by ${parts} parts`;
  return text[next] === ')' ? next + 1 : 'a parenthesis is not closed';
}

/** `(mail=x)`, `(objectClass=*)`, `(userAccountControl:1.2.840.113556.1.4.803:=2)`; no bare parenthesis in a value. */
const ITEM = /^\([A-Za-z][\w-]*(?::dn)?(?::[\w.-]+)?(?:[~<>:]?=)(?:[^()\\\0]|\\[0-9A-Fa-f]{2})*\)/;

/**
 * The attribute whose value is what the user called itself, and nothing more; undefined where several are asked, or a part of a
 * value, so that an account may be called by several names.
 */
export function namingAttribute(filter: string): string | undefined {
  const asked = [...filter.matchAll(NAMING)].map(([, attribute = '']) => attribute);
  const all = filter.split('{user}').length - 1;
  const one = new Set(asked.map((attribute) => attribute.toLowerCase())).size === 1;
  return one && asked.length === all ? asked[0] : undefined;
}

const NAMING = /\(([A-Za-z][\w-]*)(?::dn)?(?::[\w.-]+)?[~:]?=\{user\}\)/g;
export const isAttribute = (text: string): boolean => /^[A-Za-z][A-Za-z0-9-]*$/.test(text);
