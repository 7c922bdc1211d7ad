/** What the entry of a user says: by which one name it is known, and which addresses are its own. */
import type { Entry } from 'ldapts';
import { parseMailbox } from '../../mail/address.ts';
import { sameUser } from '../../mail/user-name.ts';

/** Of one user; more is no person's. */
const ADDRESSES_MAX = 200;

export type EntryName =
  | { readonly kind: 'named'; readonly user: string }
  | { readonly kind: 'nameless'; readonly why: string };

/** Values of an attribute have no order (RFC 4511 §4.1.7): of several none is the name. */
export function nameOf(entry: Entry, attribute: string): EntryName {
  const values = valuesOf(entry, attribute);
  const names = new Set(values.map((value) => sameUser(value.trim())));
  const [user] = names;
  if (user !== undefined && names.size === 1) return { kind: 'named', user };
  const why =
    values.length === 0
      ? `has no ${attribute}, or the reader may not see it`
      : names.size > 1
        ? `has ${values.length} values of ${attribute}: \`name:\` must be an attribute of one`
        : `has no name of a user in ${attribute}: it holds blanks, or is too long`;
  return { kind: 'nameless', why };
}

/** Of `proxyAddresses` (Active Directory) those that begin with smtp:. */
export const addressesOf = (entry: Entry, attributes: readonly string[]): string[] =>
  [...new Set(attributes.map((name) => name.toLowerCase()))]
    .flatMap((attribute) => valuesOf(entry, attribute))
    .flatMap((value) => {
      const parsed = parseMailbox(value.replace(/^smtp:/i, ''), true);
      return parsed.kind === 'ok' ? [parsed.value.address.toLowerCase()] : [];
    })
    .slice(0, ADDRESSES_MAX);

/** A directory answers with a name of an attribute as it writes it, options behind it (RFC 4512 §2.5). */
const valuesOf = ({ dn: _, ...entry }: Entry, attribute: string): readonly string[] =>
  Object.entries(entry)
    .filter(([name]) => name.toLowerCase().split(';')[0] === attribute.toLowerCase())
    .flatMap(([, value]) => [value].flat())
    .filter((value) => typeof value === 'string');
