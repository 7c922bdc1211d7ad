/** Sees entries that are due, leases them, sends them on, and settles what came of it. */
import { type Millis, minutes, type Timestamp } from '../mail/time.ts';
import type { DeadDestination } from '../ports/control.ts';
import { LEASE, type Lease, type LeaseRequest } from '../ports/queue.ts';
import { sayDestination } from '../queue/destination.ts';
import { wasAnswered } from '../queue/pace.ts';
import { TOGETHER_MAX } from '../queue/rooms.ts';
import { isExpired } from '../queue/schedule.ts';
import { type AttemptResult, type EntryEvent, sayReply } from '../queue/transition.ts';
import { Conclude } from './conclude.ts';
import type { HeldBack } from './cut-through.ts';
import { consign } from './deliver.ts';
import { Destinations, senderOf } from './destinations.ts';
import type { DispatchWorld } from './dispatch-world.ts';
import { groupLeases } from './group.ts';
import { KnownSuspensions, SUSPENDED_AGAIN } from './known-suspensions.ts';
import { RouteHealth } from './route-health.ts';
import type { Parcel, Turns } from './turns.ts';
import { whyWaited } from './why-waited.ts';

/** Entries a worker holds at once: bounds memory, and what is counted as tried after a crash. */
export const IN_HAND_MAX = 2000;
/** Leased by one look: the store commits for others in between. */
const LOOK_MAX = 250;
/** Attempts whose outcome the store does not have yet: with those on the wire, what a crash now would make arrive twice. */
export const UNSETTLED_MAX = 80;
/** How long a change by another process (an operator's `queue retry`) may go unseen. */
const LOOK_AGAIN: Millis = 2000;
/** Between tries while the store is in trouble. */
const STORE_RETRY: Millis = 1000;
/** Dead destinations that are told of: a screen of them. */
const DEAD_TOLD = 50;
/** Why it is in our hands: since it came, since it was its turn, or since its sender must hear of it. */
type How = 'claimed' | 'leased' | 'overdue';
/** Between looks at what may be forgotten, and at routes that a reload has changed. */
const TIDY: Millis = minutes(1);
/** Leases are renewed when a third of their time is gone. */
const RENEW: Millis = LEASE / 3;
/** What is on the wire when we stop has this long to end. */
const GRACE: Millis = 20_000;

interface Held {
  lease: Lease;
  readonly turns: Turns;
  /** The store is being told what came of it. */
  ending: boolean;
}

export class Dispatcher {
  readonly #world: DispatchWorld;
  readonly #conclude: Conclude;
  readonly #health: RouteHealth;
  readonly #destinations: Destinations;
  readonly #inHand = new Map<string, Held>();
  /** What ends the attempt that an entry is in. */
  readonly #onWire = new Map<string, AbortController>();
  /** In hand, and the store says that another worker has them. */
  readonly #lost = new Set<string>();
  readonly #stopping = new AbortController();
  #alarm = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** There may be due entries that nobody has taken for want of room. */
  #more = false;
  #idle: (() => void) | undefined;
  #unsettled = 0;
  readonly #suspensions: KnownSuspensions;
  /** Monotonic. */
  #tidyAt: Millis = 0;

  constructor(world: DispatchWorld) {
    this.#world = world;
    this.#conclude = new Conclude(world);
    this.#suspensions = new KnownSuspensions(world.queue, world.clock);
    this.#health = new RouteHealth(world.log);
    this.#destinations = new Destinations({
      clock: world.clock,
      routes: () => world.installation().routes,
      retry: () => world.installation().queue.retry,
      run: (parcel, turns) => this.#attempt(parcel, turns),
      putBack: (parcels) => this.#putBack(parcels.flat()),
      woke: () => this.wake(),
      stopping: this.#stopping.signal,
    });
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** For an admission: entries due at once come straight into our hands. Undefined when they are full: they wait in the store. */
  claim(): LeaseRequest | undefined {
    if (this.#stopping.signal.aborted || this.#inHand.size >= IN_HAND_MAX) return undefined;
    return { owner: this.#world.owner, until: this.#world.clock.now() + LEASE };
  }

  /** Takes what was admitted with our claim. */
  kick(leases: readonly Lease[]): void {
    this.#take(leases, 'claimed');
  }

  /** Something may have become due. */
  wake(): void {
    this.#alarm.abort();
  }

  /** How many entries are in our hands. */
  get inHand(): number {
    return this.#inHand.size;
  }

  /** Destinations that do not answer, for whoever asks how the gateway is. */
  get dead(): readonly DeadDestination[] {
    const now = this.#world.clock.elapsed();
    return this.#destinations.dead
      .slice(0, DEAD_TOLD)
      .map(({ to, why, probeAt }) => ({ destination: sayDestination(to), why, probeIn: Math.max(0, probeAt - now) }));
  }

  /** Takes nothing more, gives back what has not begun, and waits for the rest. */
  async stop(grace: Millis = GRACE): Promise<void> {
    this.#stopping.abort();
    this.#tellRoom();
    this.wake();
    await this.#loop;
    this.#world.cutThrough.stop();
    this.#putBack(this.#destinations.clear().flat());
    await this.#drain(grace);
    this.#conclude.stop();
    await this.#world.delivery.close();
  }

  /** What is still with the store after that (it is in trouble) is left to its leases. */
  async #drain(grace: Millis): Promise<void> {
    if (this.#inHand.size === 0) return;
    const { clock } = this.#world;
    const over = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    const patience = async () => {
      await clock.sleep(grace, over.signal);
      for (const attempt of this.#onWire.values()) attempt.abort();
      await clock.sleep(grace, over.signal);
    };
    await Promise.race([idle, patience().catch(() => {})]); // rejects only when all ended in time
    over.abort();
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#world;
    let renewAt = clock.now() + RENEW;
    while (!this.#stopping.signal.aborted) {
      this.#alarm = new AbortController();
      let wait: Millis;
      try {
        if (clock.now() >= renewAt) {
          await this.#renew();
          renewAt = clock.now() + RENEW;
        }
        wait = await this.#look();
      } catch (error) {
        log.error('queue.unreadable', { error: String(error) });
        wait = STORE_RETRY;
      }
      if (wait > 0) await clock.sleep(wait, this.#alarm.signal).catch(() => {}); // woken early
    }
  }

  /** Leases what is due; answers how long nothing more will be. */
  async #look(): Promise<Millis> {
    const { queue, clock, owner } = this.#world;
    await this.#suspensions.look();
    if (clock.elapsed() >= this.#tidyAt) {
      this.#destinations.tidy();
      this.#tidyAt = clock.elapsed() + TIDY;
    }
    const room = () => IN_HAND_MAX - this.#inHand.size;
    const lanes = () => this.#destinations.lanes(Math.max(0, room()), this.#suspensions.all);
    this.#more = room() <= 0;
    if (this.#more) return LOOK_AGAIN;
    const now = clock.now();
    const wish = { owner, until: now + LEASE, now, limit: Math.min(room(), LOOK_MAX) };
    const overdue = await queue.leaseOverdue({ ...wish, delayed: this.#delayed(now) });
    this.#take(overdue, 'overdue');
    const leases = room() <= 0 ? [] : await queue.lease({ ...wish, lanes: lanes() });
    this.#take(leases, 'leased');
    // A message that did not fit whole was left.
    if (overdue.length >= wish.limit || leases.length > Math.max(0, wish.limit - TOGETHER_MAX)) return 0;
    const due = (await queue.nextDue(now, lanes())) ?? Number.POSITIVE_INFINITY;
    const probe = this.#destinations.probeIn() ?? Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(due - clock.now(), probe, LOOK_AGAIN));
  }

  #delayed(now: Timestamp) {
    return [...this.#world.installation().routes.values()].flatMap(({ name, delayNotice }) =>
      delayNotice === 'never' ? [] : [{ route: name, admittedBy: now - delayNotice }],
    );
  }

  async #renew(): Promise<void> {
    const { queue, clock, log } = this.#world;
    const ours = [...this.#inHand.values()].map(({ lease }) => lease);
    if (ours.length === 0) return;
    const renewed = await queue.renew(ours, clock.now() + LEASE);
    for (const lease of renewed) {
      const held = this.#inHand.get(lease.entry.id);
      if (held !== undefined) held.lease = lease;
    }
    const kept = new Set(renewed.map(({ entry }) => entry.id));
    const lost = ours.map(({ entry }) => entry.id).filter((id) => this.#inHand.has(id) && !kept.has(id));
    if (lost.length === 0) return;
    log.warn('queue.leases_lost', { entries: lost });
    // Another worker sends them now. What has not reached its final dot yet must not reach it.
    for (const id of lost) {
      this.#lost.add(id);
      this.#onWire.get(id)?.abort();
    }
  }

  /**
   * What was claimed when it was admitted, or is overdue, may be for a destination that has no room. Whoever is told of a delay is
   * told what a host said, wherever one can be asked now.
   */
  #take(leases: readonly Lease[], how: How): void {
    const now = this.#world.clock.now();
    const groups = new Map<Turns, Lease[]>();
    for (const lease of leases) {
      if (!this.#isNew(lease, how)) continue;
      const turns = this.#destinations.of(lease.entry);
      const group = groups.get(turns);
      if (group === undefined) groups.set(turns, [lease]);
      else group.push(lease);
    }
    for (const [turns, group] of groups) {
      const room = turns.room(IN_HAND_MAX - this.#inHand.size, this.#world.clock.elapsed());
      for (const lease of group) this.#inHand.set(lease.entry.id, { lease, turns, ending: false });
      turns.held += group.length;
      const open = group.filter((lease, n) => this.#mayBeTried(lease, how, now, turns, n < room));
      if (this.#stopping.signal.aborted || (how === 'claimed' && room <= 0)) this.#putBack(open);
      else for (const parcel of groupLeases(open)) this.#destinations.push(turns, senderOf(parcel[0]!.entry), parcel);
    }
    if (this.#inHand.size >= IN_HAND_MAX) this.#more = true; // what is admitted now stays in the store
    this.#tellRoom();
  }

  /**
   * False: its lease ran out in our own hands, and what is under way goes on under the new one, with nothing beside it; or it is a
   * claim that comes once more.
   */
  #isNew(lease: Lease, how: How): boolean {
    const { id, attempts } = lease.entry;
    const known = this.#inHand.get(id);
    if (known === undefined) return true;
    // An entry is claimed once, when it is admitted. What a thread that died left is looked up, and may have come before.
    if (how === 'claimed') return false;
    if (known.lease.entry.attempts > attempts) return false;
    // The store has what it came to, and gave it out again before we heard of that.
    if (known.ending) {
      this.#forget(id);
      return true;
    }
    known.lease = lease;
    this.#lost.delete(id);
    return false;
  }

  /** New mail does not wait for a look: a suspension may have been lifted since, and its user sends at once. */
  #mayBeTried(lease: Lease, how: How, now: Timestamp, turns: Turns, fits: boolean): boolean {
    const suspended = this.#suspensions.by(lease.entry) !== undefined;
    const kept = how === 'overdue' && (!fits || suspended);
    const event: EntryEvent | undefined =
      kept && !isExpired(lease.entry, now)
        ? { kind: 'waited', ...whyWaited(turns, suspended) }
        : this.#suspensions.hindrance(lease.entry, now, how === 'claimed' ? LOOK_AGAIN : SUSPENDED_AGAIN);
    if (event !== undefined) void this.#end([lease], [event]);
    return event === undefined;
  }

  #putBack(leases: readonly Lease[]): void {
    if (leases.length === 0) return;
    void this.#end(
      leases,
      leases.map(() => ({ kind: 'putBack' })),
    );
  }

  /** Answers whether anybody spoke to us; undefined when that says nothing of the destination. */
  async #attempt(group: Parcel, turns: Turns): Promise<boolean | undefined> {
    const now = this.#world.clock.now();
    for (const { entry } of group) if (this.#lost.has(entry.id)) this.#forget(entry.id);
    const leases = group.filter((lease) => {
      if (!this.#inHand.has(lease.entry.id)) return false;
      const event = this.#suspensions.hindrance(lease.entry, now); // it may have stood in line for long
      if (event !== undefined) void this.#end([lease], [event]);
      return event === undefined;
    });
    if (leases.length === 0) return undefined;
    const attempt = new AbortController();
    for (const { entry } of leases) this.#onWire.set(entry.id, attempt);
    const { results, ours } = await this.#deliver(leases, attempt.signal);
    for (const { entry } of leases) this.#onWire.delete(entry.id);
    this.#unsettled += 1;
    const says = !attempt.signal.aborted && !ours;
    if (says) this.#note(turns, results);
    // We broke it off before its final dot, to stop: that says nothing about the message, and is no attempt of it.
    const broken = attempt.signal.aborted && this.#stopping.signal.aborted;
    const held = this.#world.cutThrough.came(leases, results);
    if (held !== undefined) void this.#refuse(held);
    const waiting = new Set(held?.refusals.map(({ lease }) => lease));
    const done = leases.flatMap((lease, n) => (waiting.has(lease) ? [] : [{ lease, result: results[n]! }]));
    const ended = this.#end(
      done.map(({ lease }) => lease),
      done.map(
        ({ result }): EntryEvent =>
          broken && result.kind === 'transient' ? { kind: 'putBack' } : { kind: 'attempted', result },
      ),
    ).then(() => {
      this.#unsettled -= 1;
    });
    // While the store keeps up, the next message need not wait for its commit.
    if (this.#unsettled > UNSETTLED_MAX) await ended;
    return says ? wasAnswered(results) : undefined;
  }

  /** What was refused while its client waits ends by that client's word, and stays in our hands until then. */
  async #refuse({ refusals, heard }: HeldBack): Promise<void> {
    const kind = (await heard) === 'told' ? 'refused' : 'attempted';
    await this.#end(
      refusals.map(({ lease }) => lease),
      refusals.map(({ result }): EntryEvent => ({ kind, result })),
    );
  }

  #note(turns: Turns, results: readonly AttemptResult[]): void {
    const [first] = results;
    if (first?.kind === 'transient' || first?.kind === 'indeterminate')
      turns.why = first.kind === 'transient' && first.reply !== null ? sayReply(first.reply) : first.cause;
    // Of thousands of domains some are always down: that is told by `status`.
    if (turns.to.domain === '') this.#health.ended(turns.to.route, results);
  }

  /** `ours`: nobody was asked. */
  async #deliver(
    leases: readonly Lease[],
    stop: AbortSignal,
  ): Promise<{ readonly results: readonly AttemptResult[]; readonly ours: boolean }> {
    const { installation, queue, delivery, log } = this.#world;
    const entries = leases.map(({ entry }) => entry);
    const name = entries[0]!.route;
    const route = installation().routes.get(name);
    const transient = (cause: string) => ({
      results: entries.map((): AttemptResult => ({ kind: 'transient', host: '', reply: null, cause })),
      ours: true,
    });
    if (route === undefined) return transient(`there is no route "${name}" any more`);
    try {
      const parcel = consign(entries, route, (ref, signal) => queue.read(ref, signal));
      return { results: await delivery.deliver(parcel, stop), ours: false };
    } catch (error) {
      log.error('delivery.failed', { entries: entries.map(({ id }) => id), error: String(error) });
      return transient(`a fault of our own: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Resolves when the store has it. Does not reject. */
  async #end(leases: readonly Lease[], events: readonly EntryEvent[]): Promise<void> {
    const hands = leases.map(({ entry }) => this.#inHand.get(entry.id));
    for (const hand of hands) if (hand !== undefined) hand.ending = true;
    const held = leases.map((lease, n) => hands[n]?.lease ?? lease);
    const notified = await this.#conclude.conclude(held, events);
    for (const [n, { entry }] of leases.entries()) if (this.#inHand.get(entry.id) === hands[n]) this.#forget(entry.id);
    // A notification is due at once; and there may be room again for what waits.
    if (notified || (this.#more && this.#inHand.size < IN_HAND_MAX / 2)) this.wake();
  }

  #forget(id: string): void {
    const held = this.#inHand.get(id);
    if (held !== undefined) held.turns.held -= 1;
    this.#inHand.delete(id);
    this.#lost.delete(id);
    this.#world.cutThrough.passed(id);
    this.#tellRoom();
    if (this.#inHand.size === 0) this.#idle?.();
    // It has room again for what waits in the store.
    if (!held?.turns.full || held.turns.dead || held.turns.held * 2 > IN_HAND_MAX - this.#inHand.size) return;
    held.turns.full = false;
    this.wake();
  }

  #tellRoom(): void {
    this.#world.room(this.#stopping.signal.aborted ? 0 : IN_HAND_MAX - this.#inHand.size);
  }
}
