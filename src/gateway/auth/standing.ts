/** Whether a client sends as what it is: users as themselves, providers for their tenant and our domains alone. */
import type { RelayFor } from '../../config/installation.ts';
import type { ReversePath } from '../../mail/envelope.ts';
import type { Agent, HeaderFacts } from '../edge.ts';
import type { SessionState } from '../session-state.ts';
import { maySendAs } from './may-send.ts';

export const senderOf = (path: ReversePath): string => (path.kind === 'null' ? '<>' : path.mailbox.address);

/** Whom an upstream vouches for (XCLIENT) is held against `senders` where it stands there: what it may do the upstream knows. */
function isHeld({ user, listener, current }: SessionState): boolean {
  return user !== '' && (listener.auth !== 'none' || current.installation.senders.has(user));
}

/** The null reverse-path is everybody's: notifications and receipts have no other (RFC 5321 §4.5.5). */
export function sendsAsItself(s: SessionState, path: ReversePath): boolean {
  if (!isHeld(s) || path.kind === 'null') return true;
  return maySendAs(s.user, s.addresses, path.mailbox, s.current.installation);
}

/** The first author that the user is not; what we cannot read a mail program may, as anybody. */
export function foreignAuthor(s: SessionState, { authors, unreadAuthors }: HeaderFacts): string | undefined {
  if (!isHeld(s)) return undefined;
  const unread = unreadAuthors > 0 ? [UNREAD] : [];
  return [...authors, ...unread].find((author) => !maySendAs(s.user, s.addresses, author, s.current.installation))
    ?.address;
}

/**
 * The first in Sender and the Resent- fields that the user is not. RFC 6409 §8.1 lets us write Sender ourselves, "if the identity of the
 * sender is known"; a foreign one would name somebody else as who has sent it, and many programs show it beside From.
 */
export function foreignAgent(s: SessionState, { agents }: HeaderFacts): Agent | undefined {
  if (!isHeld(s)) return undefined;
  return agents.find((agent) => !maySendAs(s.user, s.addresses, agent, s.current.installation));
}

/** Nobody's own: who may write as anybody may write so too. */
const UNREAD = { address: 'somebody whose address in From cannot be read', domain: '' } as const;

/** By certificate and reverse-path; a provider's own notifications have none, and their tenant tells all. */
export const relaysFor = (s: SessionState, path: ReversePath): boolean => providersOf(s, path).length > 0;

function providersOf({ relayFor }: SessionState, path: ReversePath): readonly RelayFor[] {
  return relayFor.filter(({ domains }) => path.kind === 'null' || domains.includes(path.mailbox.domain));
}

/**
 * Exchange Online writes both fields itself over whatever a customer wrote. Twice the same field is one too many: which of
 * them it wrote nobody could say.
 */
export const isOfTenant = (s: SessionState, path: ReversePath, read: HeaderFacts): boolean =>
  tenantsOf(s, path, read).length > 0;

/**
 * For whose authors we sign: a provider's customer writes as its own domains alone, though the domains of others are ours too.
 * Undefined where who sends is known by itself.
 */
export function signedAuthors(s: SessionState, path: ReversePath, read: HeaderFacts): ReadonlySet<string> | undefined {
  if (s.user !== '' || s.trusted || s.relayFor.length === 0) return undefined;
  return new Set(tenantsOf(s, path, read).flatMap(({ domains }) => domains));
}

function tenantsOf(s: SessionState, path: ReversePath, { fields }: HeaderFacts): readonly RelayFor[] {
  const marks = ['x-ms-exchange-crosstenant-id', 'x-originatororg'].flatMap((name) => {
    const values = fields.filter((field) => field.name === name).map(({ value }) => value.trim().toLowerCase());
    return values.length > 1 ? ['twice'] : values;
  });
  if (marks.length === 0 || marks.includes('twice')) return [];
  return providersOf(s, path).filter(({ tenants }) => isMarked(marks, tenants));
}

/** An id is held against the id, a domain against the domain: one that is there and named must fit. */
function isMarked(marks: readonly string[], tenants: readonly string[]): boolean {
  const ids = tenants.filter((tenant) => ID.test(tenant));
  const domains = tenants.filter((tenant) => !ID.test(tenant));
  const saidIds = marks.filter((mark) => ID.test(mark));
  const saidDomains = marks.filter((mark) => !ID.test(mark));
  if (ids.length > 0) return saidIds.length === 1 && ids.includes(saidIds[0]!);
  return saidDomains.length === 1 && domains.includes(saidDomains[0]!);
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
