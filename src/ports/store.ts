/** The five stores that one place holds together. */
import type { ContentStore } from './content.ts';
import type { DigestStore } from './digest.ts';
import type { QueueStore, RecordStore } from './queue.ts';
import type { StateStore } from './state.ts';

export interface Store {
  readonly queue: QueueStore;
  readonly records: RecordStore;
  readonly digests: DigestStore;
  readonly state: StateStore;
  readonly content: ContentStore;
  /** Commits what waits and lets go of the place. */
  close(): Promise<void>;
}
