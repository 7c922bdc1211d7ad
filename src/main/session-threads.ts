/** The session threads: started together, told of every change, started anew when one dies; what a dead one left behind goes on. */
import type { Worker } from 'node:worker_threads';
import type { SqliteStore } from '../adapters/sqlite/open.ts';
import type { CutThrough, SessionLine } from '../gateway/cut-through.ts';
import { pages } from '../gateway/pages.ts';
import type { ServiceHealth } from '../gateway/service-health.ts';
import type { Problem } from '../language/problem.ts';
import { type Millis, minutes, seconds } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Lease, QueueFilter } from '../ports/queue.ts';
import type { RecipientDesk } from '../ports/recipients.ts';
import { type CrowdRoom, clearThread } from '../smtp/receive/crowd.ts';
import type { Snapshot } from './disk.ts';
import { type Edge, GRACE, type Sessions, type Socketing } from './edge.ts';
import type { Followers } from './in-force.ts';
import { type Came, SessionLife } from './session-life.ts';
import type { Handed, Order } from './thread-words.ts';

/** A thread that dies more often than this in a window cannot be helped by a start: the process ends, and its successor tries. */
const DEATHS_MAX = 5;
const DEATHS_WINDOW: Millis = minutes(1);
/** Beyond what messages in hand are given, for what is told to the store. */
const STOP: Millis = GRACE + seconds(10);
/** Entries a dead thread left behind are taken up so many at a time. */
const LEFT_PAGE = 1000;

export interface ThreadsParts {
  readonly file: string;
  /** The configuration in force, for a thread that starts now. */
  readonly snapshot: () => Snapshot;
  readonly count: number;
  readonly owner: string;
  /** Names of the listeners. */
  readonly listeners: readonly string[];
  readonly store: Pick<SqliteStore, 'connect' | 'state' | 'shelf' | 'queue'>;
  readonly room: SharedArrayBuffer;
  readonly crowd: CrowdRoom;
  readonly clock: Clock;
  readonly log: Log;
  /** Sockets that were passed to this process, by listener. */
  readonly passed: ReadonlyMap<string, readonly number[]>;
  /** Takes over what was admitted. */
  readonly admitted: (leases: readonly Lease[]) => void;
  /** Clients that wait for what comes of their messages. */
  readonly cutThrough: CutThrough;
  /** Hears how the services are in each thread. */
  readonly services: ServiceHealth;
  readonly directories: ServiceHealth<string>;
  /** Asks recipient sources for all of them. */
  readonly recipients: RecipientDesk;
}

export class SessionThreads implements Followers, Edge {
  readonly #parts: ThreadsParts;
  readonly #lives = new Map<number, SessionLife>();
  #draining = false;
  readonly #deaths: Millis[] = [];
  /** Where each listener listens, once the first thread does. */
  addresses: { readonly [listener: string]: string } = {};
  #born = 0;
  #started = false;
  #stopping = false;
  #break: (error: Error) => void = () => {};
  /** Resolves when starting threads anew does not help. */
  readonly broken = new Promise<Error>((resolve) => {
    this.#break = resolve;
  });

  constructor(parts: ThreadsParts) {
    this.#parts = parts;
  }

  get workers(): readonly Worker[] {
    return [...this.#lives.values()].map(({ worker }) => worker);
  }

  /** The first thread alone, so that a port that cannot be had is told once, and one that was any free one is known to the others. */
  async start(): Promise<void> {
    this.addresses = await this.#begin(1);
    await Promise.all(Array.from({ length: this.#parts.count - 1 }, (_, n) => this.#begin(n + 2)));
    this.#started = true;
  }

  async prepare(from: Snapshot): Promise<readonly Problem[]> {
    const answers = await this.#askAll((no) => ({ kind: 'prepare', no, from }));
    return answers.map(problemsOf).find((problems) => problems.length > 0) ?? [];
  }

  async commit(): Promise<readonly Problem[]> {
    const answers = await this.#askAll((no) => ({ kind: 'commit', no }));
    return answers.flatMap(problemsOf);
  }
  abandon(): void {
    this.#order({ kind: 'abandon' });
  }
  reloadLists(): void {
    this.#order({ kind: 'lists' });
  }

  async override(overrides: readonly Override[]): Promise<readonly Problem[]> {
    const answers = await this.#askAll((no) => ({ kind: 'override', no, overrides }));
    return answers.map(problemsOf).find((problems) => problems.length > 0) ?? [];
  }

  drain(on: boolean): void {
    this.#draining = on;
    this.#order({ kind: 'drain', on });
  }

  async sessions(): Promise<Sessions> {
    const answers = await this.#askAll((no) => ({ kind: 'count', no }));
    const open = (listener: string) =>
      answers.reduce((sum, came) => sum + (came.kind === 'counted' ? (came.sessions[listener] ?? 0) : 0), 0);
    return Object.fromEntries(this.#parts.listeners.map((listener) => [listener, open(listener)]));
  }

  /** Resolves when every thread writes its lines to the file that now bears the name. */
  async reopen(): Promise<void> {
    await this.#askAll((no) => ({ kind: 'reopen', no }));
  }

  lookAtCertificates(): void {
    this.#order({ kind: 'certificates' });
  }

  async close(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#lives.values()].map((life) => life.stop(STOP)));
  }

  #order(order: Order): void {
    for (const life of this.#lives.values()) life.order(order);
  }

  #askAll(order: (no: number) => Order): Promise<readonly Came[]> {
    return Promise.all([...this.#lives.values()].map((life) => life.ask(order)));
  }

  /** Resolves when it listens. */
  async #begin(number: number): Promise<Edge['addresses']> {
    const { file, snapshot, store, room, crowd, clock, log, owner, cutThrough } = this.#parts;
    this.#born += 1;
    const life = new SessionLife({
      data: {
        file,
        from: snapshot(),
        number,
        owner: `${owner}/${number}.${this.#born}`,
        sockets: this.#sockets(number),
        room,
        crowd,
        draining: this.#draining,
      },
      store,
      clock,
      log,
      handed: (handed) => this.#take(handed, life.line),
      cutThrough,
      service: (news) => this.#parts.services.heard(number, news),
      directory: (news) => this.#parts.directories.heard(number, news),
      recipients: this.#parts.recipients,
    });
    this.#lives.set(number, life);
    void life.ended.then(() => this.#over(number, life));
    return life.ready;
  }

  #take(handed: readonly Handed[], line: SessionLine): void {
    for (const { leases, content, awaited } of handed) {
      for (const { ref, octets } of content) this.#parts.store.shelf.put(ref, octets);
      if (awaited !== undefined) this.#parts.cutThrough.expect(awaited, line);
      this.#parts.admitted(leases);
    }
  }

  /** Its sessions are gone, and their clients try again; what it had promised was handed over, or lies in the store under its name. */
  async #over(number: number, dead: SessionLife): Promise<void> {
    const { clock, log, crowd, passed } = this.#parts;
    if (this.#lives.get(number) !== dead) return;
    this.#lives.delete(number);
    if (this.#stopping) return;
    clearThread(crowd, number - 1);
    for (const health of [this.#parts.services, this.#parts.directories]) health.gone(number, clock.now());
    log.error('session.thread.ended', { thread: number, sessions: 'lost: their clients try again' });
    const now = clock.elapsed();
    this.#deaths.push(now);
    while (this.#deaths[0]! < now - DEATHS_WINDOW) this.#deaths.shift();
    try {
      await this.#takeUp(dead.owner);
      // One that never listened has its starter to tell why.
      if (!this.#started) return;
      if (this.#deaths.length > DEATHS_MAX) throw new Error(`${this.#deaths.length} threads died within a minute`);
      if (passed.size > 0) throw new Error('the sockets it was passed died with it');
      if (this.#stopping) return;
      await this.#begin(number);
      log.event('session.thread.restarted', { thread: number });
    } catch (error) {
      // Its own end, if it was started again, is counted and tried again by itself.
      if (this.#lives.has(number)) return;
      this.#break(new Error(`Cannot start session thread ${number} anew: ${String(error)}`));
    }
  }

  async #takeUp(owner: string): Promise<void> {
    const { store, admitted, log } = this.#parts;
    let taken = 0;
    const leased = { state: ['leased'] } as const;
    for await (const page of pages((filter: QueueFilter) => store.queue.list(filter), leased, LEFT_PAGE)) {
      const left = page.flatMap((entry): Lease[] =>
        entry.state.kind === 'leased' && entry.state.owner === owner
          ? [{ entry, owner, until: entry.state.until }]
          : [],
      );
      admitted(left);
      taken += left.length;
    }
    if (taken > 0) log.event('session.thread.left', { owner, entries: taken });
  }

  /** A passed socket is one thread's own; else all listen on one port, which the first thread finds. */
  #sockets(number: number): { [listener: string]: Socketing } {
    const { listeners, passed } = this.#parts;
    return Object.fromEntries(
      listeners.map((listener): [string, Socketing] => {
        const fds = passed.get(listener);
        if (fds !== undefined) {
          // Each must be somebody's: the kernel deals connections to all of them.
          const mine = fds.filter((_, n) => n % this.#parts.count === number - 1);
          return [listener, mine.length === 0 ? { kind: 'none' } : { kind: 'passed', fds: mine }];
        }
        const address = this.addresses[listener];
        const port = address === undefined ? undefined : Number(address.slice(address.lastIndexOf(':') + 1));
        return [listener, { kind: 'shared', port }];
      }),
    );
  }
}

const problemsOf = (came: Came): readonly Problem[] =>
  came.kind === 'answered' ? came.problems : came.kind === 'silent' ? [silent()] : [];

const silent = (): Problem => ({
  place: { file: '', line: 1, column: 1 },
  severity: 'error',
  message: 'a session thread did not answer',
  remedy: 'reload again; if it stays silent, restart',
  excerpt: '',
});
