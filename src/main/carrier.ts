/** What carries mail out: a dispatcher in a thread of its own, so that sending and deciding do not wait for each other. */
import { type MessagePort, Worker } from 'node:worker_threads';
import type { SqliteStore } from '../adapters/sqlite/open.ts';
import { IN_HAND_MAX } from '../gateway/dispatch.ts';
import type { Log } from '../ports/log.ts';
import { LEASE, type Lease, type LeaseRequest } from '../ports/queue.ts';

export interface Carrier {
  /** For an admission: what is due at once goes straight to the carrier. Undefined when its hands are full: it waits in the store. */
  claim(): LeaseRequest | undefined;
  /** Hands over what was admitted with a claim. */
  take(leases: readonly Lease[]): void;
  /** The configuration has changed. */
  reload(): void;
  /** Files that were moved away are begun anew. */
  reopen(): void;
  /** Finishes what is on the wire, gives back the rest. */
  stop(): Promise<void>;
}

/** What the thread is started with. */
export interface CarrierData {
  readonly config: string;
  readonly storePath: string;
  readonly store: MessagePort;
  readonly owner: string;
  readonly node: number;
  /** One Int32: how many entries are in hand. */
  readonly gauge: SharedArrayBuffer;
  /** Entries leased to `owner` are in nobody's hands: the thread before this one has died. */
  readonly recover: boolean;
}

export type ToCarrier =
  | {
      readonly kind: 'take';
      readonly leases: readonly Lease[];
      readonly octets: readonly (readonly [ref: string, octets: Uint8Array])[];
    }
  /** There is more in the store than was handed over. */
  | { readonly kind: 'more' }
  | { readonly kind: 'reload' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'stop' };

export type FromCarrier = { readonly kind: 'ready' } | { readonly kind: 'stopped' };

interface Post {
  readonly config: string;
  readonly storePath: string;
  readonly store: SqliteStore;
  readonly owner: string;
  readonly node: number;
  readonly now: () => number;
  readonly log: Log;
}

/** Resolves when the thread is ready. One that dies is started anew and takes up what it left. */
export async function openCarrier(post: Post): Promise<Carrier> {
  const gauge = new Int32Array(new SharedArrayBuffer(4));
  let stopping = false;
  let more = false;
  let worker = await start(false);

  async function start(recover: boolean): Promise<Worker> {
    // Compiled, this file and the thread's end in .js; as it is written, in .ts.
    const file = new URL(
      import.meta.url.endsWith('.ts') ? './carrier-thread.ts' : './carrier-thread.js',
      import.meta.url,
    );
    const line = post.store.connect();
    const workerData: CarrierData = {
      config: post.config,
      storePath: post.storePath,
      store: line,
      owner: post.owner,
      node: post.node,
      gauge: gauge.buffer as SharedArrayBuffer,
      recover,
    };
    const thread = new Worker(file, { workerData, transferList: [line], name: 'carrier' });
    await new Promise<void>((ready, refused) => {
      thread.once('message', () => ready());
      thread.once('error', refused);
    });
    thread.on('error', (error) => post.log.error('carrier.died', { error: String(error) }));
    thread.once('exit', (code) => {
      if (stopping) return;
      post.log.error('carrier.restarts', { code });
      Atomics.store(gauge, 0, 0);
      start(true).then(
        (next) => {
          worker = next;
        },
        (error: unknown) => post.log.error('carrier.lost', { error: String(error) }),
      );
    });
    return thread;
  }

  return {
    claim() {
      if (stopping) return undefined;
      if (Atomics.load(gauge, 0) < IN_HAND_MAX) {
        more = false;
        return { owner: post.owner, until: post.now() + LEASE };
      }
      if (!more) worker.postMessage({ kind: 'more' } satisfies ToCarrier);
      more = true;
      return undefined;
    },
    take(leases) {
      if (leases.length === 0) return;
      const octets = new Map<string, Uint8Array>();
      for (const { entry } of leases) {
        const found = octets.has(entry.contentRef) ? undefined : post.store.handOver(entry.contentRef);
        if (found !== undefined) octets.set(entry.contentRef, found);
      }
      const message: ToCarrier = { kind: 'take', leases, octets: [...octets] };
      worker.postMessage(
        message,
        [...octets.values()].map((one) => one.buffer as ArrayBuffer),
      );
    },
    reload: () => worker.postMessage({ kind: 'reload' } satisfies ToCarrier),
    reopen: () => worker.postMessage({ kind: 'reopen' } satisfies ToCarrier),
    async stop() {
      stopping = true;
      const stopped = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      worker.postMessage({ kind: 'stop' } satisfies ToCarrier);
      await stopped;
    },
  };
}
