/** Where an address that a rule names leads: to the route of its domain, or the default one where it is none of ours. */
import { parseMailbox } from '../mail/address.ts';
import type { Mailbox } from '../mail/envelope.ts';
import type { Way } from '../policy/disposition.ts';
import type { Current } from './world.ts';

export type Leads =
  | { readonly kind: 'to'; readonly mailbox: Mailbox; readonly route: string }
  | { readonly kind: 'nowhere'; readonly why: string };

export async function follow(
  { address }: Way,
  { installation, directory }: Current,
  asking: 'ask' | 'assume',
): Promise<Leads> {
  const parsed = parseMailbox(address, true);
  if (parsed.kind === 'bad')
    throw new RangeError(`Cannot send to "${address}" as a rule must name an address: ${parsed.why}`);
  const mailbox = parsed.value;
  const domain = installation.domains.get(mailbox.domain);
  if (domain === undefined) {
    const route = installation.defaultRoute;
    return route === '' ? nowhere(`to ${address}, where no route leads`) : { kind: 'to', mailbox, route };
  }
  // It would come back as a bounce to somebody who never wrote there.
  const found = await directory.resolve(mailbox, asking);
  if (found.result === 'unknown') return nowhere(`to ${address}, whom nobody knows`);
  return { kind: 'to', mailbox, route: domain.route };
}

const nowhere = (why: string): Leads => ({ kind: 'nowhere', why });
