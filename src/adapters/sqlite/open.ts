/** Opens a store in a folder: starts its thread, and gives each thread that uses it the four ports. */
import { randomBytes } from 'node:crypto';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Millis } from '../../mail/time.ts';
import type { ContentRef } from '../../ports/content.ts';
import type { Log } from '../../ports/log.ts';
import type { Store } from '../../ports/store.ts';
import { BundleFiles } from './bundles.ts';
import { errorOf, StoreClient } from './client.ts';
import { SqliteContent } from './content.ts';
import { SqliteDigests } from './digests.ts';
import { storePaths } from './paths.ts';
import type { Control, Notice, ThreadData } from './protocol.ts';
import { SqliteQueue } from './queue.ts';
import { SqliteRecords } from './records.ts';
import { roomIn } from './room.ts';
import { WriteBehindState } from './state.ts';

export interface SqliteStoreOptions {
  /** The folder; made when it is not there, unless it is only visited. */
  readonly path: string;
  /**
   * `serve`: the gateway; only one at a time. `visit`: a person's command beside it or without it: reads everything,
   * changes queue and quarantine in short transactions, remembers nothing.
   */
  readonly mode: 'serve' | 'visit';
  /** Below this much free space no mail is promised; 0 for no such limit. */
  readonly minFreeBytes: number;
  /** Records older than this are dropped by the day; undefined: somebody else calls `dropBefore`. */
  readonly retention: Millis | undefined;
  readonly log: Log;
}

export interface SqliteStore extends Store {
  /** A line for another thread, which passes it to `joinStore`. */
  connect(): MessagePort;
  readonly shelf: ContentShelf;
  /**
   * Resolves when the store thread ended without being asked. Whoever waits has been refused, nothing more will be
   * promised: the process has to end, so that its successor opens the folder and the leases run out.
   */
  readonly died: Promise<Error>;
}

/** Small content at hand: what one thread admitted, another delivers without asking the store for it. */
export interface ContentShelf {
  /** Takes it from the shelf: undefined where it is not there. */
  take(ref: ContentRef): Uint8Array | undefined;
  put(ref: ContentRef, octets: Uint8Array): void;
}

/** What a thread that receives asks of a store: what is remembered reaches it over a line of its own. */
export interface JoinedStore extends Omit<Store, 'state'> {
  readonly shelf: ContentShelf;
}

const RETENTION_EVERY: Millis = 3_600_000;

export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, mode, minFreeBytes, log } = options;
  const data: ThreadData = { path, mode, minFreeBytes };
  // Compiled, this file and the thread's end in .js; as it is written, in .ts.
  const file = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);
  const worker = new Worker(file, { workerData: data, name: 'store' });
  const clients: StoreClient[] = [];
  let closed: () => void = () => {};
  let closing = false;
  let gone = false;
  let die: (error: Error) => void = () => {};
  const died = new Promise<Error>((resolve) => {
    die = resolve;
  });
  await new Promise<void>((ready, refused) => {
    worker.on('message', (notice: Notice) => {
      if (notice.kind === 'ready') ready();
      else if (notice.kind === 'refused') refused(errorOf(notice.refused));
      else if (notice.kind === 'warn') log.warn(notice.name, notice.data);
      else closed();
    });
    worker.on('error', (error) => {
      gone = true;
      log.error('store.thread.died', { error: String(error) });
      for (const client of clients) client.end(`its thread died: ${String(error)}`);
      refused(error);
      die(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on('exit', (code) => {
      const ended = new Error(`Cannot go on with the store in ${path} as its thread must run: it ended with ${code}`);
      for (const client of clients) client.end('its thread has ended');
      refused(ended);
      gone = true;
      if (!closing) die(ended);
      closed();
    });
  });
  const control = (message: Control, transfer: readonly MessagePort[] = []) =>
    worker.postMessage(message, [...transfer]);
  const connect = () => {
    const { port1, port2 } = new MessageChannel();
    control({ kind: 'join', port: port2 }, [port2]);
    return port1;
  };
  const { client, ...ports } = portsOver(connect(), path, minFreeBytes);
  clients.push(client);
  const state = new WriteBehindState(client);
  try {
    state.fill(await client.ask({ do: 'remembered' }));
  } catch (error) {
    state.stop();
    await worker.terminate();
    throw error;
  }
  const store: Store & { readonly shelf: ContentShelf } = {
    ...ports,
    state: state.live,
    close: async () => {
      state.stop();
      if (mode === 'serve') await client.ask({ do: 'flush' });
    },
  };
  const retention =
    mode === 'serve' && options.retention !== undefined ? keepRetention(store, options.retention, log) : undefined;
  return {
    ...store,
    connect,
    died,
    close: async () => {
      closing = true;
      clearInterval(retention);
      // Nothing is left to be written: who waited was refused. Its folder is free when the thread has ended.
      if (gone) return void (await worker.terminate());
      await store.close();
      await new Promise<void>((done) => {
        closed = done;
        control({ kind: 'close' });
      });
      client.end('it was closed');
      await worker.terminate();
    },
  };
}

/** The ports of another thread's store over its line. Its `close` flushes and leaves the store running. */
export function joinStore(port: MessagePort, path: string, minFreeBytes: number): JoinedStore {
  const { client, ...ports } = portsOver(port, path, minFreeBytes);
  return { ...ports, close: async () => void (await client.ask({ do: 'flush' })) };
}

function portsOver(port: MessagePort, path: string, minFreeBytes: number) {
  const client = new StoreClient(port);
  const content = new SqliteContent(path, client, refs(), roomIn(path, minFreeBytes));
  return {
    client,
    queue: new SqliteQueue(client, content),
    digests: new SqliteDigests(client),
    records: new SqliteRecords(client, new BundleFiles(storePaths(path).bundles)),
    content,
    shelf: content as ContentShelf,
  };
}

/** Names for content: by the time this thread came, something no other drew, and a number. */
function refs(): () => ContentRef {
  const prefix = `${Date.now().toString(36)}-${randomBytes(5).toString('hex')}`;
  let drawn = 0;
  return () => {
    drawn += 1;
    return `${prefix}-${drawn.toString(36).padStart(7, '0')}`;
  };
}

function keepRetention(store: Store, retention: Millis, log: Log): NodeJS.Timeout {
  const sweep = () => {
    store.records.dropBefore(Date.now() - retention).then(
      (days) => days.length > 0 && log.event('store.records.dropped', { days }),
      (error: unknown) => log.error('store.records.undropped', { error: String(error) }),
    );
  };
  sweep();
  return setInterval(sweep, RETENTION_EVERY).unref();
}
