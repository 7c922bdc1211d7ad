/** One session thread from its start to its end, seen from the main thread: what it is told, what it answers, when it is gone. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { SqliteStore } from '../adapters/sqlite/open.ts';
import { serveRecipients } from '../adapters/threads/recipient-line.ts';
import { serveState } from '../adapters/threads/state-line.ts';
import type { CutThrough, SessionLine } from '../gateway/cut-through.ts';
import { type Millis, seconds } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { RecipientDesk } from '../ports/recipients.ts';
import type { ServiceNews } from '../ports/services.ts';
import type { Edge } from './edge.ts';
import type { Handed, News, Order, ThreadData } from './thread-words.ts';

/** How long a thread may take to answer: it reads a configuration and compiles its policies. */
const ANSWER: Millis = seconds(60);

/** What a thread answered; `silent`: it did not in time; `gone`: it ended first. */
export type Came =
  | Extract<News, { kind: 'answered' | 'counted' }>
  | { readonly kind: 'silent' }
  | { readonly kind: 'gone' };

export interface LifeParts {
  readonly data: Omit<ThreadData, 'store' | 'state' | 'recipients'>;
  readonly store: Pick<SqliteStore, 'connect' | 'state'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Log;
  readonly handed: (handed: readonly Handed[]) => void;
  readonly service: (news: ServiceNews) => void;
  readonly directory: (news: ServiceNews<string>) => void;
  readonly cutThrough: Pick<CutThrough, 'heard' | 'gone'>;
  readonly recipients: RecipientDesk;
}

export class SessionLife {
  readonly worker: Worker;
  readonly owner: string;
  /** Where its listeners listen, once they do; rejects when it ends before. */
  readonly ready: Promise<Edge['addresses']>;
  /** Brings its sessions what the store said. */
  readonly line: SessionLine = (recordId, word) => this.order({ kind: 'word', recordId, word });
  /** It ended, whatever of. */
  readonly ended: Promise<void>;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #waiting = new Map<number, (came: Came) => void>();
  #asked = 0;

  constructor({ data, store, clock, log, handed, service, directory, recipients, cutThrough }: LifeParts) {
    this.owner = data.owner;
    this.#clock = clock;
    const line = new MessageChannel();
    serveState(line.port1, store.state);
    const asking = new MessageChannel();
    serveRecipients(asking.port1, recipients);
    const lane = store.connect();
    // Compiled, this file and the thread's end in .js; as it is written, in .ts.
    const entry = new URL(
      import.meta.url.endsWith('.ts') ? './session-thread.ts' : './session-thread.js',
      import.meta.url,
    );
    const workerData: ThreadData = { ...data, store: lane, state: line.port2, recipients: asking.port2 };
    const name = `session ${data.number}`;
    this.worker = new Worker(entry, { workerData, transferList: [lane, line.port2, asking.port2], name });
    this.ended = new Promise((resolve) =>
      this.worker.once('exit', () => {
        line.port1.close();
        asking.port1.close();
        cutThrough.gone(this.line);
        for (const answer of this.#waiting.values()) answer({ kind: 'gone' });
        resolve();
      }),
    );
    this.ready = new Promise((resolve, reject) => {
      this.worker.on('message', (news: News) => {
        switch (news.kind) {
          case 'ready':
            return resolve(news.addresses);
          case 'refused':
            reject(new Error(news.message));
            return void this.worker.terminate();
          case 'answered':
          case 'counted':
            return this.#waiting.get(news.no)?.(news);
          case 'admitted':
            return handed(news.handed);
          case 'heard':
            return cutThrough.heard(news.recordId, news.heard);
          case 'service':
            return service(news.news);
          case 'directory':
            return directory(news.news);
        }
      });
      this.worker.on('error', (error) => {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log.error('session.thread.failed', { thread: data.number, error: why });
        reject(error);
      });
      void this.ended.then(() => reject(new Error(`session thread ${data.number} ended as it was started`)));
    });
    this.ready.catch(() => {}); // whoever started it waits for it; nobody does for one that is stopped meanwhile
  }

  order(order: Order): void {
    this.worker.postMessage(order);
  }

  async ask(order: (no: number) => Order): Promise<Came> {
    this.#asked += 1;
    const no = this.#asked;
    const enough = new AbortController();
    const came = new Promise<Came>((answer) => this.#waiting.set(no, answer));
    this.order(order(no));
    const late = this.#clock.sleep(ANSWER, enough.signal).then(
      (): Came => ({ kind: 'silent' }),
      (): Came => ({ kind: 'gone' }),
    );
    // What was asked of one that had ended before is answered by its end.
    const gone = this.ended.then((): Came => ({ kind: 'gone' }));
    try {
      return await Promise.race([came, late, gone]);
    } finally {
      enough.abort();
      this.#waiting.delete(no);
    }
  }

  /** Lets what is in hand finish, and ends a thread that hangs after `patience`. */
  async stop(patience: Millis): Promise<void> {
    const enough = new AbortController();
    this.order({ kind: 'stop' });
    const late = this.#clock.sleep(patience, enough.signal).then(
      () => this.worker.terminate(),
      () => {},
    );
    await Promise.race([this.ended, late]);
    enough.abort();
  }
}
