/** Gives held messages back to their recipients, exactly as they would have been delivered: for the command and for the links of digests alike. */
import type { Installation } from '../../config/installation.ts';
import { timingOf } from '../../config/route-timing.ts';
import { clean } from '../../mail/reply.ts';
import type { Clock } from '../../ports/clock.ts';
import type { QuarantineItem, QueueStore, RecordStore } from '../../ports/queue.ts';
import type { VirusScanner } from '../../ports/services.ts';
import { transition } from '../../queue/transition.ts';
import { eventOf } from './event.ts';
import { type Rescan, rescan, sameOctets } from './rescan.ts';
import { type Denied, denied, type Releaser } from './rights.ts';

export interface ReleasePorts {
  readonly queue: Pick<QueueStore, 'release' | 'read'>;
  readonly records: Pick<RecordStore, 'addEvents'>;
  /** Undefined where none is configured: then nothing is scanned, and the record does not say it was. */
  readonly scanner: VirusScanner | undefined;
  readonly clock: Pick<Clock, 'now'>;
  readonly installation: Pick<Installation, 'routes' | 'queue'>;
}

export interface ReleaseWish {
  readonly who: Releaser;
  /** As listed. Whatever became of them since is found out. */
  readonly items: readonly QuarantineItem[];
  /** Only those for these of their recipients; undefined: all. */
  readonly to?: readonly string[];
  /** The reason, for the record; '' for none. */
  readonly why: string;
  /** An administrator, with a reason, takes what the scanner finds on themselves. */
  readonly despiteScan?: boolean;
}

export type Came =
  | { readonly kind: 'released'; readonly scan: Rescan }
  | ({ readonly kind: 'refused' } & Denied)
  /** Released or deleted by somebody else meanwhile. */
  | { readonly kind: 'gone' };

export interface Answered {
  readonly item: QuarantineItem;
  readonly came: Came;
}

/** One answer for each item that was meant, in order. What is refused stays held, and its record says why. */
export async function release(
  ports: ReleasePorts,
  wish: ReleaseWish,
  signal: AbortSignal,
): Promise<readonly Answered[]> {
  const looks = new Map<string, Rescan>();
  const answers: Answered[] = [];
  for (const item of wish.items) {
    if (!isMeant(item, wish.to)) continue;
    answers.push({ item, came: await releaseOne(ports, wish, item, looks, signal) });
  }
  return answers;
}

/** Addresses compare as the store compares them: without case. */
export const isMeant = ({ entry }: QuarantineItem, to: readonly string[] | undefined): boolean =>
  to?.some((address) => address.toLowerCase() === entry.recipient.toLowerCase()) ?? true;

async function releaseOne(
  ports: ReleasePorts,
  wish: ReleaseWish,
  item: QuarantineItem,
  looks: Map<string, Rescan>,
  signal: AbortSignal,
): Promise<Came> {
  const { queue, records, scanner, clock, installation } = ports;
  const { entry } = item;
  const refuse = async (no: Denied): Promise<Came> => {
    const said = sayAll(wish.who, wish.why, no.why);
    await records.addEvents([eventOf(item, 'not_released', wish.who.name, said, clock.now())]);
    return { kind: 'refused', ...no };
  };
  const not = denied(wish.who, item, wish.why);
  if (not !== undefined) return refuse(not);

  const octets = sameOctets(entry);
  const scan = looks.get(octets) ?? (await rescan(scanner, entry, queue, signal));
  looks.set(octets, scan);
  const found = stopped(scan, wish);
  if (found !== undefined) return refuse(found);

  const now = clock.now();
  const moved = transition(entry, { kind: 'release' }, timingOf(entry.route, installation), now, 0);
  if (moved.kind === 'refused') return refuse({ why: moved.why, remedy: 'list it again' });
  const said = sayAll(wish.who, wish.why, sayRescan(scan));
  const event = eventOf(item, 'released', wish.who.name, said, now);
  // Each by itself: only so it is known which were still there.
  const released = await queue.release([{ ...item, entry: moved.next }], [event], now);
  return released === 0 ? { kind: 'gone' } : { kind: 'released', scan };
}

/** What the scanner's answer forbids to whom. */
function stopped(scan: Rescan, { who, why, despiteScan }: ReleaseWish): Denied | undefined {
  const despite = despiteScan === true && who.role === 'administrator' && why !== '';
  const remedy =
    who.role === 'recipient' ? 'ask an operator' : 'an administrator may: --role administrator --despite-scan --why …';
  switch (scan.kind) {
    case 'unasked':
    case 'clean':
      return undefined;
    case 'infected':
      return despite ? undefined : { why: sayRescan(scan), remedy };
    case 'failed':
      return despite
        ? undefined
        : {
            why: sayRescan(scan),
            remedy: who.role === 'recipient' ? 'try again later' : `release it when the scanner answers; ${remedy}`,
          };
    // It was held knowing that, or held for that: who looks after the quarantine may decide, a recipient may not.
    case 'too-large':
    case 'encrypted':
      return who.role === 'recipient' ? { why: sayRescan(scan), remedy } : undefined;
  }
}

export function sayRescan(scan: Rescan): string {
  switch (scan.kind) {
    case 'unasked':
      return '';
    case 'clean':
      return 'scanned again: clean';
    case 'infected':
      return `scanned again: infected, ${clean(scan.signature, TEXT_MAX)}`;
    case 'too-large':
      return 'scanned again: too large for the scanner';
    case 'encrypted':
      return 'scanned again: encrypted, the scanner cannot look inside';
    case 'failed':
      return `could not be scanned again: ${clean(scan.why, TEXT_MAX)}`;
  }
}

/** What a scanner says of itself or of a signature fits. */
const TEXT_MAX = 200;

/** The role stands with what was said; an operator's is what everybody here has. */
const sayAll = ({ role }: Releaser, ...said: readonly string[]): string =>
  [role === 'operator' ? '' : `as ${role}`, ...said].filter((text) => text !== '').join('; ');
