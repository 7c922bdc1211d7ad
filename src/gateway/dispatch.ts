/** Sees entries that are due, leases them, sends them on, and settles what came of it. */
import type { Millis } from '../mail/time.ts';
import { LEASE, type Lease, type LeaseRequest } from '../ports/queue.ts';
import { isExpired } from '../queue/schedule.ts';
import type { AttemptResult, EntryEvent } from '../queue/transition.ts';
import { Conclude } from './conclude.ts';
import { consign } from './deliver.ts';
import type { DispatchWorld } from './dispatch-world.ts';
import { groupLeases } from './group.ts';
import { Lane } from './lane.ts';
import { RouteHealth } from './route-health.ts';

/** Entries a worker holds at once: bounds memory, and what is counted as tried after a crash. */
const IN_HAND_MAX = 2000;
/** Attempts whose outcome the store does not have yet: with those on the wire, what a crash now would make arrive twice. */
export const UNSETTLED_MAX = 80;
/** How long a change by another process (an operator's `queue retry`) may go unseen. */
const LOOK_AGAIN: Millis = 2000;
/** Between tries while the store is in trouble. */
const STORE_RETRY: Millis = 1000;
/** Leases are renewed when a third of their time is gone. */
const RENEW: Millis = LEASE / 3;
/** What is on the wire when we stop has this long to end. */
const GRACE: Millis = 20_000;

export class Dispatcher {
  readonly #world: DispatchWorld;
  readonly #conclude: Conclude;
  readonly #health: RouteHealth;
  readonly #lanes = new Map<string, Lane<readonly Lease[]>>();
  readonly #inHand = new Map<string, Lease>();
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

  constructor(world: DispatchWorld) {
    this.#world = world;
    this.#conclude = new Conclude(world);
    this.#health = new RouteHealth(world.log);
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
    this.#take(leases);
  }

  /** Something may have become due. */
  wake(): void {
    this.#alarm.abort();
  }

  /** How many entries are in our hands. */
  get inHand(): number {
    return this.#inHand.size;
  }

  /** Takes nothing more, gives back what has not begun, and waits for the rest. */
  async stop(grace: Millis = GRACE): Promise<void> {
    this.#stopping.abort();
    this.#tellRoom();
    this.wake();
    await this.#loop;
    for (const lane of this.#lanes.values())
      for (const leases of lane.clear())
        void this.#end(
          leases,
          leases.map(() => ({ kind: 'putBack' })),
        );
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
    const room = IN_HAND_MAX - this.#inHand.size;
    this.#more = room <= 0;
    if (room <= 0) return LOOK_AGAIN;
    const now = clock.now();
    const leases = await queue.lease({ owner, until: now + LEASE, now, limit: room });
    this.#take(leases);
    if (leases.length === room) this.#more = true;
    const due = await queue.nextDue(now);
    return due === undefined ? LOOK_AGAIN : Math.max(1, Math.min(due - clock.now(), LOOK_AGAIN));
  }

  async #renew(): Promise<void> {
    const { queue, clock, log } = this.#world;
    const ours = [...this.#inHand.values()];
    if (ours.length === 0) return;
    const renewed = await queue.renew(ours, clock.now() + LEASE);
    for (const lease of renewed) if (this.#inHand.has(lease.entry.id)) this.#inHand.set(lease.entry.id, lease);
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

  #take(leases: readonly Lease[]): void {
    const now = this.#world.clock.now();
    const open = leases.filter((lease) => {
      const { id } = lease.entry;
      // Its lease ran out in our own hands: what is under way goes on under the new one, and nothing beside it. A claim that
      // was handed over late may be the older one.
      const known = this.#inHand.get(id);
      if (known !== undefined && known.entry.attempts > lease.entry.attempts) return false;
      this.#inHand.set(id, lease);
      this.#lost.delete(id);
      if (known !== undefined) return false;
      if (!isExpired(lease.entry, now)) return true;
      void this.#end([lease], [{ kind: 'expired' }]);
      return false;
    });
    if (this.#inHand.size >= IN_HAND_MAX) this.#more = true; // what is admitted now stays in the store
    this.#tellRoom();
    if (this.#stopping.signal.aborted) this.#putBack(open);
    else
      for (const group of groupLeases(open, (route) => this.#goesByDomain(route)))
        this.#lane(group[0]!.entry.route).push(group);
  }

  #goesByDomain(route: string): boolean {
    return this.#world.installation().routes.get(route)?.kind === 'mx';
  }

  #putBack(leases: readonly Lease[]): void {
    if (leases.length === 0) return;
    void this.#end(
      leases,
      leases.map(() => ({ kind: 'putBack' })),
    );
  }

  #lane(route: string): Lane<readonly Lease[]> {
    let lane = this.#lanes.get(route);
    if (lane === undefined) {
      lane = new Lane((leases) => this.#attempt(leases));
      this.#lanes.set(route, lane);
    }
    return lane;
  }

  async #attempt(group: readonly Lease[]): Promise<void> {
    for (const { entry } of group) if (this.#lost.has(entry.id)) this.#forget(entry.id);
    const leases = group.filter(({ entry }) => this.#inHand.has(entry.id));
    if (leases.length === 0) return;
    const attempt = new AbortController();
    for (const { entry } of leases) this.#onWire.set(entry.id, attempt);
    const results = await this.#deliver(leases, attempt.signal);
    for (const { entry } of leases) this.#onWire.delete(entry.id);
    this.#unsettled += 1;
    const { route } = leases[0]!.entry;
    // By MX a host that is not there is that domain's trouble, not the route's.
    if (!attempt.signal.aborted && !this.#goesByDomain(route)) this.#health.ended(route, results);
    // We broke it off before its final dot, to stop: that says nothing about the message, and is no attempt of it.
    const broken = attempt.signal.aborted && this.#stopping.signal.aborted;
    const ended = this.#end(
      leases,
      results.map(
        (result): EntryEvent =>
          broken && result.kind === 'transient' ? { kind: 'putBack' } : { kind: 'attempted', result },
      ),
    ).then(() => {
      this.#unsettled -= 1;
    });
    // While the store keeps up, the next message need not wait for its commit.
    if (this.#unsettled > UNSETTLED_MAX) await ended;
  }

  async #deliver(leases: readonly Lease[], stop: AbortSignal): Promise<readonly AttemptResult[]> {
    const { installation, queue, delivery, log } = this.#world;
    const entries = leases.map(({ entry }) => entry);
    const name = entries[0]!.route;
    const route = installation().routes.get(name);
    const transient = (cause: string) =>
      entries.map((): AttemptResult => ({ kind: 'transient', host: '', reply: null, cause }));
    if (route === undefined) return transient(`there is no route "${name}" any more`);
    try {
      return await delivery.deliver(
        consign(entries, route, (ref, signal) => queue.read(ref, signal)),
        stop,
      );
    } catch (error) {
      log.error('delivery.failed', { entries: entries.map(({ id }) => id), error: String(error) });
      return transient(`a fault of our own: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Resolves when the store has it. Does not reject. */
  async #end(leases: readonly Lease[], events: readonly EntryEvent[]): Promise<void> {
    const held = leases.map((lease) => this.#inHand.get(lease.entry.id) ?? lease);
    const notified = await this.#conclude.conclude(held, events);
    for (const { entry } of leases) this.#forget(entry.id);
    // A notification is due at once; and there may be room again for what waits.
    if (notified || (this.#more && this.#inHand.size < IN_HAND_MAX / 2)) this.wake();
  }

  #forget(id: string): void {
    this.#inHand.delete(id);
    this.#lost.delete(id);
    this.#tellRoom();
    if (this.#inHand.size === 0) this.#idle?.();
  }

  #tellRoom(): void {
    this.#world.room(this.#stopping.signal.aborted ? 0 : IN_HAND_MAX - this.#inHand.size);
  }
}
