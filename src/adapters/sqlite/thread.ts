/** The store thread: owns the databases, drains whatever waits on its clients' ports, and commits it together. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { storeError } from './database.ts';
import { openFiles, type StoreFiles } from './files.ts';
import { GroupCommit, type Outcome } from './group-commit.ts';
import type {
  Answer,
  Answers,
  Control,
  Message,
  Notice,
  Read,
  Refused,
  StateRow,
  ThreadData,
  Write,
} from './protocol.ts';
import type { RecordRow } from './rows.ts';

/** A record that promises nothing waits at most this long for company. */
const LAZY_MS = 500;
/** Such records kept while the disk takes none; beyond it the oldest are lost, and said to be. */
const LAZY_MAX = 10_000;
/** The index is filled when nothing was committed for so long … */
const QUIET_MS = 100;
/** … or has lagged behind for so long. */
const LAG_MAX_MS = 60_000;

interface Waiting<T> {
  readonly port: MessagePort;
  readonly no: number;
  readonly what: T;
}

class StoreThread {
  readonly #files: StoreFiles;
  readonly #commits: GroupCommit;
  readonly #ports = new Set<MessagePort>();
  readonly #warn: (name: string, data: object) => void;
  #appended: RecordRow[] = [];
  #remembered: StateRow[] = [];
  #searches: Waiting<Read>[] = [];
  #lazy: NodeJS.Timeout | undefined;
  #filling: NodeJS.Timeout | undefined;
  #committedAt = 0;
  #laggingSince = 0;
  #slice: NodeJS.Immediate | undefined;

  constructor(files: StoreFiles, warn: (name: string, data: object) => void) {
    this.#files = files;
    this.#commits = new GroupCommit(files.queue, files.days, files.roomFor);
    this.#warn = warn;
    if (files.search.isBehind) this.#fillLater();
  }

  join(port: MessagePort): void {
    this.#ports.add(port);
    port.on('message', (message: Message) => this.#serve(port, message));
    port.on('close', () => this.#ports.delete(port));
  }

  close(): void {
    for (const port of this.#ports)
      for (let one = receiveMessageOnPort(port); one; one = receiveMessageOnPort(port))
        this.#serve(port, one.message as Message);
    this.#commit([]);
    clearTimeout(this.#lazy);
    clearTimeout(this.#filling);
    clearImmediate(this.#slice);
    for (const { port, no } of this.#searches)
      post(port, [{ no, refused: { kind: 'failed', message: 'Cannot search as the store is closing' } }]);
    for (const port of this.#ports) port.close();
    this.#files.close();
  }

  /** One message woke us; what else waits on any port goes with it. */
  #serve(port: MessagePort, message: Message): void {
    const writes: Waiting<Write>[] = [];
    const reads: Waiting<Read>[] = [];
    this.#sort(port, message, writes, reads);
    for (const other of this.#ports)
      for (let next = receiveMessageOnPort(other); next !== undefined; next = receiveMessageOnPort(other))
        this.#sort(other, next.message as Message, writes, reads);

    const answers = new Map<MessagePort, Answer[]>();
    const answer = (to: MessagePort, one: Answer) => {
      const all = answers.get(to);
      if (all === undefined) answers.set(to, [one]);
      else all.push(one);
    };
    if (writes.length > 0 || (reads.length > 0 && this.#appended.length > 0)) {
      const outcomes = this.#commit(writes.map(({ what }) => what));
      for (const [n, { port: to, no }] of writes.entries()) answer(to, spoken(no, outcomes[n]!));
    } else if (this.#appended.length + this.#remembered.length > 0) this.#commitLater();
    for (const read of reads) {
      if (read.what.do === 'search') this.#searches.push(read);
      else answer(read.port, this.#read(read));
    }
    for (const [to, all] of answers) post(to, all);
    if (this.#searches.length > 0) this.#catchUp();
  }

  #sort(port: MessagePort, message: Message, writes: Waiting<Write>[], reads: Waiting<Read>[]): void {
    for (const { no, what } of message) {
      switch (what.do) {
        case 'append':
          this.#appended.push(what.record);
          break;
        case 'remember':
          this.#remembered.push(...what.keys);
          break;
        case 'list':
        case 'count':
        case 'nextDue':
        case 'suspensions':
        case 'quarantined':
        case 'weigh':
        case 'untoldRecipients':
        case 'untold':
        case 'lastRound':
        case 'content':
        case 'record':
        case 'search':
        case 'dropBefore':
        case 'remembered':
          reads.push({ port, no, what });
          break;
        default:
          writes.push({ port, no, what });
      }
    }
  }

  #commit(writes: readonly Write[]): readonly Outcome[] {
    const { outcomes, appended, unspooled, days } = this.#commits.commit(this.#appended, writes);
    if (appended) this.#appended = [];
    else this.#keepSome();
    for (const ref of unspooled) this.#unspool(ref);
    if (days.length > 0) {
      for (const day of days) this.#files.search.lag(day);
      this.#fillLater();
    }
    if (writes.some((write) => write.do === 'flush')) this.#remember();
    this.#committedAt = performance.now();
    return outcomes;
  }

  /** A file that stays behind costs room until the next start sweeps it; it is no reason to stop serving. */
  #unspool(ref: string): void {
    try {
      this.#files.unspool(ref);
    } catch (error) {
      this.#warn('store.spool.unremoved', { ref, error: storeError(error).message });
    }
  }

  #keepSome(): void {
    const lost = this.#appended.length - LAZY_MAX;
    if (lost > 0) this.#appended.splice(0, lost);
    this.#warn('store.records.waiting', { waiting: this.#appended.length, lost: Math.max(0, lost) });
    this.#commitLater();
  }

  #commitLater(): void {
    this.#lazy ??= setTimeout(() => {
      this.#lazy = undefined;
      if (this.#appended.length > 0) this.#commit([]);
      this.#remember();
    }, LAZY_MS);
  }

  #remember(): void {
    if (this.#remembered.length === 0) return;
    const rows = this.#remembered;
    this.#remembered = [];
    try {
      this.#files.state.write(rows);
    } catch (error) {
      // Greylist and rates live on in memory; only a restart would miss these.
      this.#warn('store.state.unwritten', { keys: rows.length, error: storeError(error).message });
    }
  }

  #read({ no, what }: Waiting<Read>): Answer {
    try {
      return { no, value: this.#answer(what) };
    } catch (error) {
      return { no, refused: partsOf(storeError(error)) };
    }
  }

  #answer(read: Read): Answers[Read['do']] {
    const { queue, days, search, state } = this.#files;
    switch (read.do) {
      case 'list':
        return queue.list(read.filter);
      case 'count':
        return queue.count(read.filter);
      case 'nextDue':
        return queue.nextDue(read.lanes);
      case 'suspensions':
        return queue.suspensions.all();
      case 'quarantined':
        return queue.items(read.filter);
      case 'weigh':
        return queue.weight.weigh();
      case 'untoldRecipients':
        return queue.digests.recipients(read.after, read.limit);
      case 'untold':
        return queue.digests.untold(read.recipient, read.classes, read.limit);
      case 'lastRound':
        return queue.digests.lastRound();
      case 'content':
        return queue.content(read.ref);
      case 'record':
        return days.get(read.id);
      case 'search':
        return search.search(read.query);
      case 'dropBefore':
        return this.#dropBefore(read.at);
      case 'remembered':
        this.#remember();
        return state.all(Date.now());
      default:
        return unreachable(read);
    }
  }

  #dropBefore(at: number): readonly string[] {
    const { days, search, queue } = this.#files;
    const ended = days.names.filter((name) => Date.parse(name) + 86_400_000 <= at);
    for (const name of ended) {
      days.drop(name);
      search.drop(name);
      queue.forgetMark(name);
    }
    return ended;
  }

  /** A search waits until the index has caught up; others are served between the slices. */
  #catchUp(): void {
    this.#slice ??= setImmediate(() => {
      this.#slice = undefined;
      if (this.#files.search.isBehind) {
        this.#fill();
        this.#catchUp();
        return;
      }
      const searches = this.#searches;
      this.#searches = [];
      for (const search of searches) post(search.port, [this.#read(search)]);
    });
  }

  #fillLater(): void {
    this.#laggingSince ||= performance.now();
    this.#filling ??= setTimeout(() => {
      this.#filling = undefined;
      const now = performance.now();
      if (now - this.#committedAt < QUIET_MS && now - this.#laggingSince < LAG_MAX_MS) return this.#fillLater();
      this.#fill();
      if (this.#files.search.isBehind) this.#filling ??= setTimeout(() => this.#fillOn(), 0);
      else this.#laggingSince = 0;
    }, QUIET_MS);
  }

  #fillOn(): void {
    this.#filling = undefined;
    this.#fill();
    if (this.#files.search.isBehind) this.#filling = setTimeout(() => this.#fillOn(), 0);
    else this.#laggingSince = 0;
  }

  #fill(): void {
    try {
      this.#files.search.catchUp();
    } catch (error) {
      this.#warn('store.search.unfilled', { error: storeError(error).message });
    }
  }
}

function spoken(no: number, outcome: Outcome): Answer {
  return outcome.kind === 'done' ? { no, value: outcome.value } : { no, refused: partsOf(outcome.error) };
}

const partsOf = (error: ReturnType<typeof storeError>): Refused => ({
  kind: error instanceof RangeError ? 'range' : error.kind,
  message: error.message,
});

function post(port: MessagePort, answers: readonly Answer[]): void {
  port.postMessage(answers);
}

function unreachable(read: never): never {
  throw new RangeError(`Cannot answer ${JSON.stringify(read)} as it is no question`);
}

/** The thread's life: open, say so, serve, close. */
function run(main: MessagePort, data: ThreadData): void {
  const tell = (notice: Notice) => main.postMessage(notice);
  const warn = (name: string, more: object) => tell({ kind: 'warn', name, data: { ...more } });
  let thread: StoreThread;
  try {
    thread = new StoreThread(openFiles(data, warn), warn);
  } catch (error) {
    tell({ kind: 'refused', refused: partsOf(storeError(error)) });
    main.close();
    return;
  }
  main.on('message', (control: Control) => {
    if (control.kind === 'join') return thread.join(control.port as MessagePort);
    try {
      thread.close();
    } catch (error) {
      // What was answered is on disk; the next start finds an unclean end and looks.
      warn('store.close.failed', { error: storeError(error).message });
    }
    tell({ kind: 'closed' });
    main.close();
  });
  tell({ kind: 'ready' });
}

run(parentPort!, workerData as ThreadData);
