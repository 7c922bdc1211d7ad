/** Where an address that a rule names leads: to the route of its domain, or the default one where it is none of ours. */
import type { Installation } from '../config/installation.ts';
import { parseMailbox } from '../mail/address.ts';
import type { Way } from '../policy/disposition.ts';
import type { Takes } from '../queue/route.ts';
import { takesOf } from '../queue/takes.ts';
import { type From, routeTo } from './routing.ts';
import type { RecipientState } from './transaction.ts';
import type { Current, Target } from './world.ts';

export type Leads =
  /** At least one: an alias of ours stands for several. */
  { readonly kind: 'to'; readonly targets: readonly Target[] } | { readonly kind: 'nowhere'; readonly why: string };

export async function follow(
  { address }: Way,
  from: From,
  { installation, directory }: Current,
  asking: 'ask' | 'assume',
): Promise<Leads> {
  const parsed = parseMailbox(address, true);
  if (parsed.kind === 'bad')
    throw new RangeError(`Cannot send to "${address}" as a rule must name an address: ${parsed.why}`);
  const mailbox = parsed.value;
  const domain = installation.domains.get(mailbox.domain);
  if (domain === undefined) {
    const route = routeTo(mailbox, from, installation);
    return route === ''
      ? nowhere(`to ${address}, where no route leads`)
      : { kind: 'to', targets: [{ mailbox, route }] };
  }
  // It would come back as a bounce to somebody who never wrote there.
  const found = await directory.resolve(mailbox, asking);
  if (found.result === 'unknown') return nowhere(`to ${address}, whom nobody knows`);
  const targets = found.targets?.length ? found.targets : [mailbox];
  return {
    kind: 'to',
    targets: targets.map((to) => ({ mailbox: to, route: routeTo(to, from, installation) })),
  };
}

/** What all routes take by which a message to this recipient leaves. */
export function takesOfAll({ targets, route }: RecipientState, { routes }: Installation): Takes {
  const ways = targets.length === 0 ? [route] : targets.map((target) => target.route);
  const takes = ways.map((way) => takesOf(routes.get(way)));
  return { utf8: takes.every(({ utf8 }) => utf8), sizeBytes: Math.min(...takes.map(({ sizeBytes }) => sizeBytes)) };
}

const nowhere = (why: string): Leads => ({ kind: 'nowhere', why });
