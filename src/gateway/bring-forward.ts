/** What was put off while it was suspended need not wait for the next look once it is resumed. */
import { type Millis, seconds, type Timestamp } from '../mail/time.ts';
import type { QueueFilter, QueueStore } from '../ports/queue.ts';
import type { Suspension } from '../queue/suspension.ts';
import { pages } from './pages.ts';

/** Only what the store cannot pass over while it is suspended is put off (`dispatch.ts`). */
export async function bringForward(
  queue: Pick<QueueStore, 'list' | 'amend'>,
  { of, value }: Pick<Suspension, 'of' | 'value'>,
  now: Timestamp,
): Promise<void> {
  if (of !== 'recipient' && of !== 'user') return;
  const due = now + SEEN;
  const waiting = { [of]: value, state: ['waiting'] } as const;
  for await (const page of pages((filter: QueueFilter) => queue.list(filter), waiting, PAGE))
    await queue.amend(
      page.flatMap((was) =>
        was.state.kind === 'waiting' && was.state.due > due
          ? [{ was, next: { ...was, state: { kind: 'waiting', due } }, events: [] }]
          : [],
      ),
    );
}

/** By then whoever sends knows that it is resumed: what came before would be put off again. */
const SEEN: Millis = seconds(2);
const PAGE = 500; // entries held in memory at a time
