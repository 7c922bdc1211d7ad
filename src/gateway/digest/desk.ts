/** Answers whoever comes with a link of a digest: shows the message it is for, and releases it once when they say so. */
import type { Clock } from '../../ports/clock.ts';
import type { DigestKeys } from '../../ports/digest-keys.ts';
import type { QuarantineItem, QueueStore, RecordStore } from '../../ports/queue.ts';
import type { Looked, ReleaseDesk, Released } from '../../ports/release-desk.ts';
import { release } from '../quarantine/release.ts';
import { denied } from '../quarantine/rights.ts';
import type { Current } from '../world.ts';
import { glanceAt } from './glance.ts';
import { sayTime } from './schedule.ts';
import { fingerprintOf, type Right, readRight } from './token.ts';

export interface DeskWorld {
  readonly queue: Pick<QueueStore, 'quarantined' | 'release' | 'read'>;
  readonly records: Pick<RecordStore, 'addEvents'>;
  readonly keys: DigestKeys;
  readonly clock: Pick<Clock, 'now'>;
  readonly current: () => Pick<Current, 'installation' | 'services'>;
  /** Mail was queued. */
  readonly queued: () => void;
}

type Found =
  | Exclude<Looked, { readonly kind: 'held' }>
  | { readonly kind: 'found'; readonly item: QuarantineItem; readonly right: Right };

export function releaseDesk(world: DeskWorld): ReleaseDesk {
  const { clock, keys, current } = world;
  // Handed on one by one: a store's own methods need their store.
  const queue: DeskWorld['queue'] = {
    quarantined: (filter) => world.queue.quarantined(filter),
    release: (items, events, due) => world.queue.release(items, events, due),
    read: (ref, signal) => world.queue.read(ref, signal),
  };
  /** Being released: a second click does not have it scanned twice. */
  const under = new Map<string, Promise<Released>>();

  const find = async (token: string): Promise<Found> => {
    const now = clock.now();
    const right = readRight(token, keys.accepted(now), now);
    if (right === undefined) return { kind: 'none' };
    const [item] = await queue.quarantined({ ids: [right.item], limit: 1 });
    if (item === undefined) return { kind: 'gone', id: right.item };
    // What is signed says whose it is: should an id ever name another's message, its link does not.
    if (fingerprintOf(item.entry.recipient) !== right.whose) return { kind: 'none' };
    if (denied(itsRecipient(item), item, '') !== undefined) return { kind: 'denied', id: item.id };
    return { kind: 'found', item, right };
  };

  const carryOut = async (item: QuarantineItem, signal: AbortSignal): Promise<Released> => {
    const { installation, services } = current();
    const ports = { queue, records: world.records, scanner: services.clamav, clock, installation };
    const wish = { who: itsRecipient(item), items: [item], why: 'by the link of a digest' };
    const [answered] = await release(ports, wish, signal);
    const came = answered?.came ?? { kind: 'gone' };
    switch (came.kind) {
      case 'released':
        world.queued();
        return { kind: 'released', id: item.id };
      case 'refused':
        return { kind: 'refused', id: item.id, why: `${came.why}: ${came.remedy}` };
      case 'gone':
        return { kind: 'gone', id: item.id };
    }
  };

  return {
    async look(token, signal) {
      const found = await find(token);
      if (found.kind !== 'found') return found;
      const { item, right } = found;
      const { from, subject, at, class: kind, reason } = await glanceAt(item, queue.read, signal);
      const timeZone = current().installation.digest?.timeZone ?? 'UTC';
      const why = reason === '' ? kind : `${kind}: ${reason}`;
      const view = { id: item.id, recipient: item.entry.recipient, from, subject, why, held: sayTime(at, timeZone) };
      return { kind: 'held', view: { ...view, expires: right.expires } };
    },
    async release(token, signal) {
      const found = await find(token);
      if (found.kind !== 'found') return found;
      const { id } = found.item;
      const already = under.get(id);
      if (already !== undefined) return already;
      const released = carryOut(found.item, signal).finally(() => under.delete(id));
      under.set(id, released);
      return released;
    },
  };
}

const itsRecipient = ({ entry }: QuarantineItem) => ({ role: 'recipient', name: entry.recipient }) as const;
