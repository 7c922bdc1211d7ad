/** Keeps the quarantine within its time and its size: what is deleted is named in its record, and nothing goes silently. */
import type { QuarantineKeeping } from '../../config/quarantine.ts';
import { sayDuration, type Timestamp } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import type { QuarantineItem, QueueStore } from '../../ports/queue.ts';
import { HELD_CLASSES, type HeldClass } from '../../queue/held-class.ts';
import type { RecordEvent } from '../../record/record.ts';
import { eventOf } from './event.ts';

export interface KeepPorts {
  readonly queue: Pick<QueueStore, 'quarantined' | 'drop' | 'weigh'>;
  readonly log: Log;
  /** Hears of what joined the records. */
  readonly told: (events: readonly RecordEvent[]) => void;
}

/** Deletes what was kept for its time. Answers how many. */
export async function expire(ports: KeepPorts, { retention }: QuarantineKeeping, now: Timestamp): Promise<number> {
  let gone = 0;
  for (const name of HELD_CLASSES) {
    const until = now - retention[name];
    const why = `its time is over: class ${name} is kept for ${sayDuration(retention[name])}`;
    for (;;) {
      const items = await ports.queue.quarantined({ class: name, until, limit: BATCH });
      const dropped = await drop(ports, items, 'retention', why, now);
      gone += dropped;
      // None of them was there any more: somebody else is at work, and the next round looks again.
      if (items.length < BATCH || dropped === 0) break;
    }
  }
  if (gone > 0) ports.log.event('quarantine.expired', { items: gone });
  return gone;
}

/** Makes room before the limit is reached. Answers how many had to go. */
export async function makeRoom(ports: KeepPorts, { maxBytes }: QuarantineKeeping, now: Timestamp): Promise<number> {
  const most = maxBytes * FILL_MAX;
  const { octets } = await ports.queue.weigh();
  let held = octets;
  let gone = 0;
  while (held > most) {
    const oldest = (await Promise.all(YIELDING.map((name) => ports.queue.quarantined({ class: name, limit: BATCH }))))
      .flat()
      .sort((a, b) => a.at - b.at)
      .slice(0, BATCH);
    const dropped = await drop(ports, enough(oldest, held - most), 'max_size', MADE_ROOM, now);
    if (dropped === 0) break;
    gone += dropped;
    held = (await ports.queue.weigh()).octets;
  }
  if (gone > 0) ports.log.warn('quarantine.made_room', { items: gone, octets: octets - held, max: maxBytes });
  if (held > most) ports.log.warn('quarantine.filling', { octets: held, max: maxBytes, remedy: REMEDY });
  return gone;
}

/** Above this share of the limit room is made, so that what comes within a minute finds some. */
export const FILL_MAX = 0.9;
/** Their recipients may release them by themselves and have not; the rest waits for a person's word. */
const YIELDING: readonly HeldClass[] = ['spam', 'bulk'];
/** Items in memory, and in one commit. */
const BATCH = 200;
const MADE_ROOM = 'made room: the quarantine had come near quarantine.max_size';
const REMEDY =
  'release or delete what is held (postern quarantine), or raise quarantine.max_size: at the limit, what would be kept aside is answered 452';

/** The first of them that weigh so much; several items of one message count once, so that rather too few go than too many. */
function enough(oldest: readonly QuarantineItem[], octets: number): readonly QuarantineItem[] {
  const chosen: QuarantineItem[] = [];
  let freed = 0;
  for (const item of oldest) {
    if (freed >= octets) break;
    chosen.push(item);
    freed += item.entry.contentSize;
  }
  return chosen;
}

async function drop(
  { queue, told }: KeepPorts,
  items: readonly QuarantineItem[],
  by: string,
  why: string,
  now: Timestamp,
): Promise<number> {
  if (items.length === 0) return 0;
  const events = items.map((item) => eventOf(item, 'removed', by, why, now));
  const dropped = await queue.drop(items, events);
  if (dropped > 0) told(events);
  return dropped;
}
