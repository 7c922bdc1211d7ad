/** A whole store in memory: what tests, `explain` and `test` run on. */
import type { Store } from '../../ports/store.ts';
import { MemoryContent } from './content.ts';
import { MemoryQueue } from './queue.ts';
import { MemoryRecords } from './records.ts';
import { MemoryState } from './state.ts';
import { MemoryDigests } from './untold.ts';

export function memoryStore(): Store {
  const content = new MemoryContent();
  const records = new MemoryRecords();
  const digests = new MemoryDigests();
  return {
    content,
    records,
    digests,
    queue: new MemoryQueue(content, records, digests),
    state: new MemoryState(),
    close: async () => {},
  };
}
