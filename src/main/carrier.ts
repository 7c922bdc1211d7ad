/** Composes what carries mail out. Delivery comes next: until then every entry waits in the queue. */
import type { Lease, LeaseRequest } from '../ports/queue.ts';

export interface Carrier {
  /** With which entries due at once are claimed as they are admitted; undefined: they wait. */
  readonly claim: (() => LeaseRequest) | undefined;
  take(leases: readonly Lease[]): void;
  start(): void;
  stop(): Promise<void>;
}

export const openCarrier = (): Carrier => ({ claim: undefined, take: () => {}, start: () => {}, stop: async () => {} });
