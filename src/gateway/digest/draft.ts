/** What the next digest of one recipient would say, or why there is none: for the round that sends it and the command that shows it. */
import type { DigestSettings } from '../../config/digest.ts';
import type { Installation } from '../../config/installation.ts';
import { parseMailbox } from '../../mail/address.ts';
import type { Mailbox } from '../../mail/envelope.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { DigestStore } from '../../ports/digest.ts';
import type { QuarantineItem, QueueStore } from '../../ports/queue.ts';
import type { HeldClass } from '../../queue/held-class.ts';
import { RELEASED_BY } from '../quarantine/rights.ts';
import type { RecipientDirectory } from '../world.ts';
import type { DigestItem, DigestParts } from './compose.ts';
import { glanceAt } from './glance.ts';

/** A mail that somebody reads to its end; what is beyond is counted. */
export const ITEMS_MAX = 100;

export interface DraftPorts {
  readonly digests: Pick<DigestStore, 'untold'>;
  readonly read: QueueStore['read'];
  readonly installation: Installation;
  readonly directory: RecipientDirectory;
}

export type Drafted =
  | {
      readonly kind: 'digest';
      readonly to: Mailbox;
      readonly through: number;
      readonly parts: Omit<DigestParts, 'id' | 'at' | 'expires'>;
    }
  /** Said of an address whose mail would bounce, or go to somebody who never was ours: nobody is told there. */
  | { readonly kind: 'none'; readonly why: string };

export async function draft(
  recipient: string,
  settings: DigestSettings,
  ports: DraftPorts,
  linkFor: (item: QuarantineItem) => string,
  signal: AbortSignal,
): Promise<Drafted> {
  const { installation, directory, digests, read } = ports;
  const mailbox = parseMailbox(recipient, true);
  if (mailbox.kind === 'bad') return none(`it is no address: ${mailbox.why}`);
  const { domain } = mailbox.value;
  const hosted = installation.domains.get(domain);
  if (hosted === undefined || !installation.routes.has(hosted.route)) return none('its domain is not hosted here');
  if (settings.domains?.includes(domain) === false) return none('quarantine.digest.domains leaves its domain out');
  const { result } = await directory.resolve(mailbox.value, 'ask');
  if (result !== 'known') return none(`the recipient sources of its domain say: ${result}`);

  const listed = settings.others === 'list' ? [...THEIRS, ...OTHERS] : THEIRS;
  const { items, counts, through } = await digests.untold(recipient, listed, ITEMS_MAX);
  if (items.length === 0) return none('nothing was held that would be listed');
  const shown: DigestItem[] = [];
  for (const item of items)
    shown.push({ ...(await glanceAt(item, read, signal)), link: THEIRS.includes(item.class) ? linkFor(item) : '' });
  const all = listed.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
  return {
    kind: 'digest',
    to: mailbox.value,
    through,
    parts: {
      hostname: installation.hostname,
      from: settings.from === '' ? installation.postmaster : settings.from,
      to: mailbox.value.address,
      timeZone: settings.timeZone,
      items: shown,
      more: Math.max(0, all - shown.length),
      others: settings.others === 'count' ? othersIn(counts) : new Map(),
    },
  };
}

/** Where a held message is released, for whoever has the link. */
export const linkTo = (token: string, { link }: Pick<DigestSettings, 'link'>): string => `${link}/release/${token}`;

export const expiryOf = (at: Timestamp, { expires }: Pick<DigestSettings, 'expires'>): Timestamp => at + expires;

const none = (why: string): Drafted => ({ kind: 'none', why });
const CLASSES = Object.keys(RELEASED_BY) as HeldClass[];
const THEIRS = CLASSES.filter((kind) => RELEASED_BY[kind] === 'recipient');
const OTHERS = CLASSES.filter((kind) => RELEASED_BY[kind] !== 'recipient' && kind !== 'undeliverable');

const othersIn = (counts: { readonly [name in HeldClass]?: number }): Map<HeldClass, number> =>
  new Map(OTHERS.flatMap((kind) => (counts[kind] === undefined ? [] : [[kind, counts[kind]] as const])));
