/** Who may send as whom: an authenticated user is itself, and whatever `senders` says beside. */
import type { Installation, SendsAs } from '../../config/installation.ts';
import { sameUser } from '../../mail/user-name.ts';

type Ground = Pick<Installation, 'senders' | 'domains'>;

/**
 * `addresses`: the user's own as its source knows them. A user that is a name without a domain is that name in every hosted
 * domain. What follows a + of an own address is its owner's (RFC 5233).
 */
export function maySendAs(
  user: string,
  addresses: readonly string[],
  asked: { readonly address: string; readonly domain: string },
  { senders, domains }: Ground,
): boolean {
  const address = asked.address.toLowerCase();
  const said: SendsAs | undefined = senders.get(user);
  if (said !== undefined && (said.anything || said.domains.includes(asked.domain))) return true;
  const own = said !== undefined ? said.addresses : ownOf(user, [...domains.keys()]);
  const plain = untagged(address);
  return [...own, ...addresses].some((one) => one === address || one === plain);
}

function ownOf(user: string, hosted: readonly string[]): readonly string[] {
  return user.includes('@') ? [user] : hosted.map((domain) => `${user}@${domain}`);
}

function untagged(address: string): string {
  const at = address.lastIndexOf('@');
  const plus = address.indexOf('+');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address;
}

/** As users are written wherever they are compared, also those of whom an upstream tells as they were typed. */
export const userOf = (text: string): string => sameUser(text.trim()) ?? text.toLowerCase();
