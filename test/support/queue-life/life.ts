/** One life of a queue: the real dispatcher over a store in memory, with everything that may befall it; what was seen is judged at the end. */
import { memoryStore } from '../../../src/adapters/memory/store.ts';
import type { Installation } from '../../../src/config/installation.ts';
import { CutThrough } from '../../../src/gateway/cut-through.ts';
import { Dispatcher } from '../../../src/gateway/dispatch.ts';
import { StoreWords } from '../../../src/gateway/store-words.ts';
import type { ContentStore, SpooledContent } from '../../../src/ports/content.ts';
import { LEASE, type Lease, type QueueStore } from '../../../src/ports/queue.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { Route } from '../../../src/queue/route.ts';
import { SUSPENDABLE } from '../../../src/queue/suspension.ts';
import { transition } from '../../../src/queue/transition.ts';
import { anEntry, aTiming, from, T0 } from '../entries.ts';
import { sampleId, sampleRecord } from '../samples.ts';
import { Hops } from './hops.ts';
import type { Action, CLIENTS, Step } from './schedule.ts';
import { SimClock } from './sim-clock.ts';
import { Witness } from './witness.ts';

const SECOND = 1000;
/** Clients wait so long for the store's word, or leave before. */
const WAIT = 4 * SECOND;
const LEAVES = 500;
const timing = {
  ...aTiming,
  retry: [1 * SECOND, 2 * SECOND, 4 * SECOND],
  expire: 20 * SECOND,
  delayNotice: 5 * SECOND,
  notificationExpire: 10 * SECOND,
};
const store: Route = { ...timing, name: 'store', kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null };
const internet: Route = { ...timing, name: 'internet', kind: 'mx', port: 25, tls: 'none' };
export const installation = {
  hostname: 'mx.gateway.test',
  node: 'mx',
  domains: new Map([['store.test', { route: 'store' }]]),
  routing: [],
  signing: new Map(),
  routes: new Map<string, Route>([
    ['store', store],
    ['internet', internet],
  ]),
  defaultRoute: 'internet',
  queue: timing,
} as unknown as Installation;

const DOMAINS = ['store.test', 'far.test', 'wide.test'] as const;
const SENDERS = ['alice@sender.test', 'bulk@sender.test', '', 'stranger@odd.test'] as const;
const NOTIFY = [[], ['NEVER'], ['SUCCESS', 'FAILURE', 'DELAY'], ['FAILURE']] as const;
/** After the schedule: as long as anything lives by its timing, then what leases and clocks left behind. */
const REST = 50 * SECOND;
const DAY = 86_400 * SECOND;

interface Process {
  alive: boolean;
  readonly dispatcher: Dispatcher;
  readonly cutThrough: CutThrough;
  readonly words: StoreWords;
}

export class Life {
  readonly kept = memoryStore();
  readonly clock = new SimClock(T0);
  readonly witness: Witness;
  readonly #hops: Hops;
  #process: Process;
  #lives = 0;
  #drawn = 0;
  #messages = 0;
  #crash: (Action & { readonly kind: 'crash' }) | undefined;
  #callsToCrash = 0;
  #troubled = 0;
  #unwritable = 0;
  #mayLinger = false;
  /** How far the wall clock was put back in all: so much longer everything lives. */
  #setBack = 0;
  #suspended = 0;

  constructor() {
    this.witness = new Witness(this.kept, this.clock);
    this.#hops = new Hops(this.witness);
    this.#process = this.#start();
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const { after, action } of steps) {
      await this.#pass(after);
      await this.#befall(action);
      await this.#turn();
    }
    this.#crash = undefined;
    this.#troubled = 0;
    this.#unwritable = 0;
    await this.#pass(REST + this.#setBack);
    // By its expiry, whatever is suspended or dead; but what a crash left leased has to wait for that.
    if (!this.#mayLinger) await this.witness.expectOver();
    await this.#befall({ kind: 'resume' });
    // What the next hop still does not take ends by its expiry, and what is told of it after that by its own.
    for (let n = 0; n < 3 && !(await this.#over()); n += 1) {
      this.clock.jump(DAY);
      await this.#pass(20 * SECOND);
    }
    this.#process.alive = false;
  }

  async #over(): Promise<boolean> {
    return (await this.kept.queue.count({ state: ['waiting', 'leased'] })) === 0;
  }

  async #pass(span: number): Promise<void> {
    for (let left: number | undefined = span; left !== undefined; ) {
      left = this.clock.step(left);
      await this.#turn();
    }
  }

  /** Everything runs that needs no time; a process that died is started again. */
  async #turn(): Promise<void> {
    await immediate();
    await immediate();
    if (!this.#process.alive) {
      this.witness.mayRepeat = true; // what was on the wire
      if (this.#crash?.takeBack === true) await this.witness.takeBack();
      else this.#mayLinger = true;
      this.#crash = undefined;
      this.#process = this.#start();
      await immediate();
    }
  }

  #start(): Process {
    this.#lives += 1;
    const life = { alive: true };
    const alive = () => life.alive;
    const nothing = () => {};
    const clock = this.clock.for(alive);
    const cutThrough = new CutThrough(clock);
    const words = new StoreWords({
      clock,
      report: (recordId, heard) => cutThrough.heard(recordId, heard),
      addEvents: async () => {},
    });
    const dispatcher = new Dispatcher({
      queue: this.#lineTo(life),
      content: this.#contentThat(),
      signingKeys: undefined,
      delivery: this.#hops.for(alive, clock),
      clock,
      dice: { random: () => 0.5 },
      log: { event: nothing, warn: nothing, error: nothing },
      newId: () => {
        this.#drawn += 1;
        return sampleId(T0, this.#drawn);
      },
      installation: () => installation,
      owner: `mx/1/${this.#lives}`,
      room: nothing,
      cutThrough,
    });
    dispatcher.start();
    return Object.assign(life, { dispatcher, cutThrough, words });
  }

  /** The store as one process reaches it: not at all once it is dead, and what it asked for may be done or not. */
  #lineTo(life: { alive: boolean }): QueueStore {
    const { witness } = this;
    const never = new Promise<never>(() => {});
    const asked =
      <A extends readonly unknown[], R>(call: (...words: A) => Promise<R>) =>
      async (...words: A): Promise<R> => {
        if (!life.alive) return never;
        if (this.#troubled > 0) {
          this.#troubled -= 1;
          throw new Error('disk I/O error');
        }
        const dies = this.#crash !== undefined && --this.#callsToCrash === 0;
        if (dies && !this.#crash?.committed) life.alive = false;
        if (!life.alive) return never;
        const came = await call(...words);
        if (dies) life.alive = false;
        return life.alive ? came : never;
      };
    const { queue } = this.kept;
    return Object.assign(Object.create(queue) as QueueStore, {
      lease: asked((wish: Parameters<QueueStore['lease']>[0]) => queue.lease(wish)),
      leaseOverdue: asked((wish: Parameters<QueueStore['leaseOverdue']>[0]) => queue.leaseOverdue(wish)),
      settle: asked((settlements: Parameters<QueueStore['settle']>[0]) => witness.settle(settlements)),
      renew: asked((leases: Parameters<QueueStore['renew']>[0], until: number) => queue.renew(leases, until)),
      nextDue: asked((now: number, lanes: Parameters<QueueStore['nextDue']>[1]) => queue.nextDue(now, lanes)),
      suspensions: asked(() => queue.suspensions()),
      read: (ref: string, signal: AbortSignal) => queue.read(ref, signal),
    });
  }

  /** Cannot always be written: then nobody can be told. */
  #contentThat(): ContentStore {
    const { content } = this.kept;
    return Object.assign(Object.create(content) as ContentStore, {
      create: () => {
        this.#unwritable -= 1;
        if (this.#unwritable >= 0) throw new Error('no space left on device');
        return content.create();
      },
      discard: (spooled: SpooledContent) => content.discard(spooled),
    });
  }

  async #befall(action: Action): Promise<void> {
    switch (action.kind) {
      case 'mail':
        return this.#admit(action);
      case 'answers':
        return this.#hops.answer(action.route === 0 ? 'store' : 'internet', action.answers, action.takes);
      case 'person':
        return this.#person(action.does, action.which);
      case 'suspend': {
        const of = SUSPENDABLE[action.of]!;
        const values = {
          route: ['store', 'internet'],
          domain: DOMAINS,
          sender: SENDERS,
          recipient: ['r1.0@store.test'],
        };
        const all: readonly string[] = values[of as keyof typeof values];
        const value = all[action.which % all.length]!;
        this.#suspended += 1;
        const about = { since: this.clock.now, until: null, by: 'olga', why: '' };
        return this.kept.queue.suspend({ id: `s${this.#suspended}`, of, value, ...about });
      }
      case 'resume': {
        const all = await this.kept.queue.suspensions();
        await this.kept.queue.resume(all.map(({ id }) => id));
        return;
      }
      case 'crash':
        this.#crash = action;
        this.#callsToCrash = action.calls;
        return;
      case 'trouble':
        this.#troubled = action.calls;
        return;
      case 'unwritable':
        this.#unwritable = action.writes;
        this.#mayLinger = true; // what could not be told is looked at again after minutes
        return;
      case 'stop': {
        const before = this.#process;
        const stopped = before.dispatcher.stop(SECOND);
        await this.#pass(3 * SECOND);
        void stopped;
        before.alive = false;
        this.witness.mayRepeat = true; // an attempt may outlive the grace
        return;
      }
      case 'jump':
        this.clock.jump(action.by);
        this.#setBack += Math.max(0, -action.by);
        if (action.by >= LEASE) this.witness.mayRepeat = true; // a lease may run out in our own hands
        return;
    }
  }

  async #admit({ recipients, sender, notify, claimed, client }: Action & { readonly kind: 'mail' }): Promise<void> {
    this.#messages += 1;
    const recordId = sampleId(T0 - 1, this.#messages);
    const writer = this.kept.content.create();
    writer.write(LETTER);
    const content = await writer.finish();
    const lease = claimed && this.#process.alive ? this.#process.dispatcher.claim() : undefined;
    const at = this.clock.now;
    const entries = recipients.map((domain, n) =>
      anEntry({
        id: `${recordId}.${n + 1}`,
        recordId,
        contentRef: content.ref,
        contentSize: content.size,
        reversePath: from(SENDERS[sender]),
        sender: sender === 3 ? 'unverified' : 'verified',
        recipient: `r${this.#messages}.${n}@${DOMAINS[domain]}`,
        domain: DOMAINS[domain],
        route: domain === 0 ? 'store' : 'internet',
        dsn: { notify: NOTIFY[notify], orcpt: '', ret: 'HDRS', envid: '' },
        admittedAt: at,
        expiresAt: at + timing.expire,
        state: { kind: 'waiting', due: at },
      }),
    );
    const promised = { record: sampleRecord(recordId, { at }), events: [], content, quarantine: [], entries };
    const leases = await this.kept.queue.admit({ ...promised, ...(lease ? { lease } : {}) });
    for (const entry of entries) this.witness.accepted(entry);
    if (client !== 'asksNothing' && leases.length === entries.length) this.#wait(recordId, leases, client);
    this.#process.dispatcher.kick(leases);
  }

  /** As a session does: the word is said first, then reported. */
  #wait(recordId: string, leases: readonly Lease[], client: (typeof CLIENTS)[number]): void {
    const life = this.#process;
    const left = new AbortController();
    const awaited = { recordId, entries: leases.map(({ entry }) => entry.id), span: WAIT };
    const word = life.words.await(awaited, left.signal);
    life.cutThrough.expect(awaited, (id, said) => life.words.came(id, said));
    if (client === 'leaves')
      this.clock
        .for(() => life.alive)
        .sleep(LEAVES, left.signal)
        .then(
          () => left.abort(),
          () => {},
        );
    void word.then(async (said) => {
      if (said?.kind !== 'refused' || !life.alive) return;
      if (client !== 'deaf') this.witness.toldAtOnce(recordId);
      await immediate();
      if (life.alive) life.words.report(recordId, client === 'deaf' ? 'untold' : 'told');
    });
  }

  async #person(does: (Action & { readonly kind: 'person' })['does'], which: number): Promise<void> {
    const entries = await this.kept.queue.list({});
    const was: QueueEntry | undefined = entries[which % Math.max(entries.length, 1)];
    if (was === undefined) return;
    const event = does === 'hold' ? ({ kind: does, by: 'operator', why: '' } as const) : { kind: does, why: '' };
    const moved = transition(was, event, timing, this.clock.now, 0);
    if (moved.kind === 'refused') return;
    const recipient = Number(was.id.slice(was.id.lastIndexOf('.') + 1));
    const kind = does === 'remove' ? 'removed' : does === 'hold' ? 'held' : 'retried';
    const events = [{ recordId: was.recordId, at: this.clock.now, recipient, kind, by: 'olga', text: '' } as const];
    await this.kept.queue.amend([{ was, next: moved.next, events }]);
  }
}

const LETTER = Buffer.from('Subject: hello\r\n\r\nBody.\r\n');
const immediate = () => new Promise<void>((done) => setImmediate(done));
