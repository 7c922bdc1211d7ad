/** Draws record ids: the wall clock, the node and a counter of which each thread owns a part. */
import type { Timestamp } from '../mail/time.ts';
import type { Ids } from '../ports/ids.ts';
import { COUNTER_BITS, formatId, NODE_BITS } from '../record/id.ts';

/** Sixteen threads with 1024 ids a millisecond each: more session threads than cores pay, more ids than a thread serves. */
const THREAD_BITS = 4;
const PER_TICK = 2 ** (COUNTER_BITS - THREAD_BITS);

export function idSource(node: number, thread: number, now: () => Timestamp): Ids {
  if (!Number.isInteger(node) || node < 0 || node >= 2 ** NODE_BITS)
    throw new RangeError(`Cannot draw ids for node ${node} as its number must be 0 to ${2 ** NODE_BITS - 1}`);
  if (!Number.isInteger(thread) || thread < 0 || thread >= 2 ** THREAD_BITS)
    throw new RangeError(`Cannot draw ids on thread ${thread} as its number must be 0 to ${2 ** THREAD_BITS - 1}`);
  const first = thread * PER_TICK;
  let tick = 0;
  let drawn = 0;
  return {
    next() {
      const at = now();
      if (at > tick) {
        tick = at;
        drawn = 0;
      } else if (drawn === PER_TICK) {
        // The clock stands still or was set back, and this millisecond is used up: the ids run ahead of the clock.
        tick += 1;
        drawn = 0;
      }
      return formatId(tick, node, first + drawn++);
    },
  };
}
