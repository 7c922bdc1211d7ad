/** What was put off while it was suspended need not wait for the next look once it is resumed. */
import { type Millis, seconds, type Timestamp } from '../mail/time.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { Suspension } from '../queue/suspension.ts';

/** Only what the store cannot pass over while it is suspended is put off (`dispatch.ts`). */
export async function bringForward(
  queue: Pick<QueueStore, 'list' | 'amend'>,
  { of, value }: Pick<Suspension, 'of' | 'value'>,
  now: Timestamp,
): Promise<void> {
  if (of !== 'recipient' && of !== 'user') return;
  const due = now + SEEN;
  let after = '';
  for (;;) {
    const page = await queue.list({ [of]: value, state: ['waiting'], after, limit: PAGE });
    await queue.amend(
      page.flatMap((was) =>
        was.state.kind === 'waiting' && was.state.due > due
          ? [{ was, next: { ...was, state: { kind: 'waiting', due } }, events: [] }]
          : [],
      ),
    );
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

/** By then whoever sends knows that it is resumed: what came before would be put off again. */
const SEEN: Millis = seconds(2);
const PAGE = 500; // entries held in memory at a time
