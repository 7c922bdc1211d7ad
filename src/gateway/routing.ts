/** By which route mail goes to an address: the first entry of `routing` that means it, then its domain's, then the default one. */
import type { Installation } from '../config/installation.ts';
import type { Matches } from '../config/routing.ts';
import { foldAscii } from '../mail/address.ts';
import type { Mailbox, ReversePath } from '../mail/envelope.ts';

export interface From {
  readonly sender: ReversePath;
  /** Who authenticated; '' for nobody. */
  readonly user: string;
}

/** Notifications, digests and whatever else we write ourselves. */
export const OURSELVES: From = { sender: { kind: 'null' }, user: '' };

type Routed = Pick<Installation, 'routing' | 'domains' | 'defaultRoute'>;

/** The name of a route; '' where nothing may leave. A rule's `route:` goes before it. */
export function routeTo(mailbox: Mailbox, { sender, user }: From, { routing, domains, defaultRoute }: Routed): string {
  const entry = routing.find(
    (one) =>
      holds(one.recipient, { kind: 'mailbox', mailbox }) &&
      holds(one.sender, sender) &&
      (one.user === undefined || (user !== '' && one.user.some((name) => isLike(name, foldAscii(user))))),
  );
  return entry?.route ?? domains.get(mailbox.domain)?.route ?? defaultRoute;
}

const holds = (any: readonly Matches[] | undefined, path: ReversePath): boolean =>
  any === undefined || any.some((one) => means(one, path));

function means(one: Matches, path: ReversePath): boolean {
  if (path.kind === 'null') return one.kind === 'null';
  const { address, domain } = path.mailbox;
  switch (one.kind) {
    case 'null':
      return false;
    case 'address':
      return one.address === foldAscii(address);
    case 'domain':
      return one.domain === domain || (one.below && domain.endsWith(`.${one.domain}`));
    case 'pattern':
      return isLike(one, foldAscii(address));
  }
}

const isLike = (one: Matches, text: string): boolean => one.kind === 'pattern' && matchesStars(one.pattern, text);

/** Each piece between stars as early as it can stand: what is left of the text is never looked at twice. */
function matchesStars(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return first === text;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
