/** A person's word on entries: each moves as the queue's own transition says, and joins its record with the person's name. */
import type { Installation } from '../config/installation.ts';
import { timingOf } from '../config/route-timing.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { QueueEntry } from '../queue/entry.ts';
import { type EntryEvent, transition } from '../queue/transition.ts';
import type { RecordEvent } from '../record/record.ts';
import type { CliWorld } from './world.ts';

export interface Changed {
  readonly changed: number;
  /** Why others were left as they are. */
  readonly refused: readonly string[];
}

export async function changeQueue(
  world: CliWorld,
  queue: QueueStore,
  installation: Installation,
  pages: AsyncIterable<readonly QueueEntry[]>,
  kind: 'retry' | 'hold' | 'release' | 'remove',
  why: string,
): Promise<Changed> {
  let changed = 0;
  const refused: string[] = [];
  for await (const page of pages) {
    if (world.signal.aborted) {
      refused.push('stopped before the end: the rest is as it was');
      break;
    }
    const changes: Parameters<QueueStore['amend']>[0][number][] = [];
    for (const entry of page) {
      const timing = timingOf(entry.route, installation);
      const moved = transition(entry, eventOf(kind, why), timing, world.now(), 0);
      if (moved.kind === 'refused') refused.push(moved.why);
      else changes.push({ was: entry, next: moved.next, events: [eventFor(entry, PAST[kind], why, world)] });
    }
    const amended = await queue.amend(changes);
    changed += amended;
    if (amended < changes.length) refused.push(`${changes.length - amended} moved on meanwhile: list again`);
  }
  return { changed, refused };
}

/** What joins the record. */
export function eventFor(entry: QueueEntry, kind: RecordEvent['kind'], why: string, world: CliWorld): RecordEvent {
  const recipient = Number(entry.id.slice(entry.id.lastIndexOf('.') + 1));
  return { recordId: entry.recordId, at: world.now(), recipient, kind, by: world.operator, text: why };
}

const PAST = { retry: 'retried', hold: 'held', release: 'released', remove: 'removed' } as const;

function eventOf(kind: keyof typeof PAST, why: string): EntryEvent {
  switch (kind) {
    case 'retry':
      return { kind };
    case 'release':
      return { kind };
    case 'hold':
      return { kind, by: 'operator', why };
    case 'remove':
      return { kind, why };
  }
}
