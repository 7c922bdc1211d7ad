/** What the main thread and a session thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { Awaited, Heard, Word } from '../gateway/store-words.ts';
import type { Problem } from '../language/problem.ts';
import type { Override } from '../policy/override.ts';
import type { ContentRef } from '../ports/content.ts';
import type { Lease } from '../ports/queue.ts';
import type { ServiceNews } from '../ports/services.ts';
import type { CrowdRoom } from '../smtp/receive/crowd.ts';
import type { Snapshot } from './disk.ts';
import type { Sessions, Socketing } from './edge.ts';

export interface ThreadData {
  /** Absolute path of postern.yaml. */
  readonly file: string;
  /** The configuration in force, as its files said it: what stands on disk by now may be half written. */
  readonly from: Snapshot;
  /** From 1: 0 is the main thread's own. */
  readonly number: number;
  /** Under which the main thread sends what this thread admits: its own, so that what it leaves behind can be found. */
  readonly owner: string;
  readonly store: MessagePort;
  readonly state: MessagePort;
  /** To the desk that asks recipient sources. */
  readonly recipients: MessagePort;
  readonly sockets: { readonly [listener: string]: Socketing };
  /** One number: entries the dispatcher can still take. */
  readonly room: SharedArrayBuffer;
  readonly crowd: CrowdRoom;
  /** Nothing is taken for now. */
  readonly draining: boolean;
}

/** From the main thread. */
export type Order =
  | { readonly kind: 'prepare'; readonly no: number; readonly from: Snapshot }
  | { readonly kind: 'commit'; readonly no: number }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'lists' }
  | { readonly kind: 'reopen'; readonly no: number }
  | { readonly kind: 'certificates' }
  | { readonly kind: 'override'; readonly no: number; readonly overrides: readonly Override[] }
  | { readonly kind: 'drain'; readonly on: boolean }
  | { readonly kind: 'count'; readonly no: number }
  /** What the store said of a message whose client waits. */
  | { readonly kind: 'word'; readonly recordId: string; readonly word: Word }
  | { readonly kind: 'stop' };

/** From a session thread. */
export type News =
  | { readonly kind: 'ready'; readonly addresses: { readonly [listener: string]: string } }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answered'; readonly no: number; readonly problems: readonly Problem[] }
  | { readonly kind: 'counted'; readonly no: number; readonly sessions: Sessions }
  | { readonly kind: 'admitted'; readonly handed: readonly Handed[] }
  | { readonly kind: 'heard'; readonly recordId: string; readonly heard: Heard }
  | { readonly kind: 'service'; readonly news: ServiceNews }
  | { readonly kind: 'directory'; readonly news: ServiceNews<string> };

/** Entries leased for the dispatcher in the commit that admitted them, with their content where it is at hand. */
export interface Handed {
  readonly leases: readonly Lease[];
  readonly content: readonly { readonly ref: ContentRef; readonly octets: Uint8Array<ArrayBuffer> }[];
  /** A client waits for what comes of them. */
  readonly awaited?: Awaited;
}
