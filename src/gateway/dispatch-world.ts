/** What sending stands on: the ports, and the configuration in force. */
import type { Installation } from '../config/installation.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Delivery } from '../ports/delivery.ts';
import type { Dice } from '../ports/dice.ts';
import type { Log } from '../ports/log.ts';
import type { QueueStore } from '../ports/queue.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';
import type { CutThrough } from './cut-through.ts';

export interface DispatchWorld {
  readonly queue: Pick<QueueStore, 'lease' | 'leaseOverdue' | 'settle' | 'renew' | 'nextDue' | 'suspensions' | 'read'>;
  /** For the notifications we write. */
  readonly content: ContentStore;
  /** For the same. */
  readonly signingKeys: SigningKeys | undefined;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly log: Log;
  readonly newId: () => string;
  /** The configuration in force. */
  readonly installation: () => Installation;
  /** Clients that wait for what comes of their messages. */
  readonly cutThrough: CutThrough;
  /** Hears of a sender, one that we know, whose message could not be delivered. */
  readonly bounced?: (sender: string) => void;
  /** Unique to a worker's life: `node/thread/start`. */
  readonly owner: string;
  /** Hears how many entries more may be claimed for us: threads that admit cannot ask. */
  readonly room: (entries: number) => void;
}
