/** Where `redirect` and `bcc` lead: never out of the house by anybody's word but the policy's own (docs/policy.md §2). */
import { parseMailbox } from '../mail/address.ts';
import type { Mailbox } from '../mail/envelope.ts';
import { clean } from '../mail/reply.ts';
import type { Way } from '../policy/disposition.ts';
import { isUnsafe, routesOn } from './recipient.ts';
import type { Current } from './world.ts';

export type Leads =
  | { readonly kind: 'to'; readonly mailbox: Mailbox; readonly route: string }
  | { readonly kind: 'nowhere'; readonly why: string };

export async function follow({ address, literal }: Way, { installation, directory }: Current): Promise<Leads> {
  if (address === '') return nowhere('to nobody, as a fact in it is unknown');
  const parsed = parseMailbox(address, true);
  if (parsed.kind === 'bad') return nowhere(`to "${clean(address, ADDRESS_MAX)}", which is no address`);
  const mailbox = parsed.value;
  const domain = installation.domains.get(mailbox.domain);
  if (domain === undefined) {
    if (!literal) return nowhere(`to ${mailbox.address}, whose domain is not ours`);
    const route = installation.defaultRoute;
    if (route === '') return nowhere(`to ${mailbox.address}, where no route leads`);
    return { kind: 'to', mailbox, route };
  }
  const found = await directory.resolve(mailbox);
  if (found.result === 'unknown') return nowhere(`to ${mailbox.address}, whom nobody knows`);
  // As at RCPT: what a next hop could read a further address out of, or take for a command.
  if (!literal && !found.listed && (routesOn(mailbox.local) || isUnsafe(mailbox.local)))
    return nowhere(`to ${mailbox.address}, which a next hop could read otherwise`);
  return { kind: 'to', mailbox, route: domain.route };
}

const ADDRESS_MAX = 100; // characters of what is no address: enough to know it by
const nowhere = (why: string): Leads => ({ kind: 'nowhere', why });
