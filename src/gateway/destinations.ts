/** All destinations that something goes to: how much of each is in hand, and whose turn it is on the wire. */
import { type Millis, minutes } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Lease } from '../ports/queue.ts';
import { type Destination, destinationOf, keyOf } from '../queue/destination.ts';
import { flowOf } from '../queue/flow.ts';
import type { Lanes } from '../queue/rooms.ts';
import type { Route } from '../queue/route.ts';
import type { Suspension } from '../queue/suspension.ts';
import { type Parcel, Turns } from './turns.ts';

/** Goes with the sender of a message. */
export const senderOf = ({ reversePath }: Lease['entry']): string =>
  reversePath.kind === 'null' ? '' : reversePath.mailbox.address.toLowerCase();

/** Messages on the wire at once to all destinations: each is a socket and a reader of content. */
export const ON_WIRE_MAX = 500;
/** What was learnt about a destination is kept so long after its last message. */
const REMEMBERED: Millis = minutes(10);

export interface DestinationsParts {
  readonly clock: Clock;
  readonly routes: () => ReadonlyMap<string, Route>;
  /** Used where a route is gone. */
  readonly retry: () => readonly Millis[];
  /** Does not reject; answers whether anybody spoke to us, undefined when it says nothing of the destination. */
  readonly run: (parcel: Parcel, turns: Turns) => Promise<boolean | undefined>;
  /** What stood in line for a destination that does not answer. */
  readonly putBack: (parcels: readonly Parcel[]) => void;
  /** A destination that was dead answers. */
  readonly woke: () => void;
  readonly stopping: AbortSignal;
}

export class Destinations {
  readonly #parts: DestinationsParts;
  readonly #all = new Map<string, Turns>();
  /** Those that have a parcel and want a place on the wire, in the order in which they came. */
  readonly #ring = new Set<Turns>();
  /** Those whose rate lets nothing pass yet. */
  readonly #asleep = new Set<Turns>();
  #onWire = 0;

  constructor(parts: DestinationsParts) {
    this.#parts = parts;
  }

  of(entry: Lease['entry']): Turns {
    const to = destinationOf(entry, this.#parts.routes());
    let turns = this.#all.get(keyOf(to));
    if (turns === undefined) {
      const route = this.#parts.routes().get(to.route);
      turns = new Turns(to, flowOf(route), route?.retry ?? this.#parts.retry());
      this.#all.set(turns.key, turns);
    }
    turns.usedAt = this.#parts.clock.elapsed();
    return turns;
  }

  push(turns: Turns, sender: string, parcel: Parcel): void {
    turns.push(sender, parcel);
    this.#want(turns);
    this.#pump();
  }

  /** For whoever leases: `free` is the room there is in all. */
  lanes(free: number, suspended: readonly Suspension[]): Lanes {
    const now = this.#parts.clock.elapsed();
    const rooms: (Destination & { room: number })[] = [];
    for (const turns of this.#all.values()) {
      if (turns.held === 0 && !turns.dead) continue;
      const room = turns.room(free, now);
      if (room === 0) turns.full = true;
      rooms.push({ ...turns.to, room });
    }
    const byDomain = [...this.#parts.routes().values()].filter(({ kind }) => kind === 'mx').map(({ name }) => name);
    const of = (what: Suspension['of']) => suspended.filter((one) => one.of === what).map(({ value }) => value);
    return {
      byDomain,
      each: free,
      rooms,
      suspended: { routes: of('route'), domains: of('domain'), senders: of('sender') },
    };
  }

  /** How long until a dead destination is asked again. */
  probeIn(): Millis | undefined {
    const now = this.#parts.clock.elapsed();
    let soonest: Millis | undefined;
    for (const turns of this.#all.values())
      if (turns.dead && turns.probeAt > now) soonest = Math.min(soonest ?? Number.POSITIVE_INFINITY, turns.probeAt);
    return soonest === undefined ? undefined : soonest - now;
  }

  /** Reads the routes anew, and forgets destinations that nothing goes to any more. */
  tidy(): void {
    const now = this.#parts.clock.elapsed();
    const routes = this.#parts.routes();
    for (const turns of this.#all.values()) {
      const route = routes.get(turns.to.route);
      turns.follow(flowOf(route), route?.retry ?? this.#parts.retry());
      const idle = now - Math.max(turns.usedAt, turns.dead ? turns.probeAt : 0);
      if (turns.held === 0 && turns.running === 0 && idle > REMEMBERED) this.#all.delete(turns.key);
    }
  }

  get dead(): readonly Turns[] {
    return [...this.#all.values()].filter((turns) => turns.dead);
  }

  /** Takes back what has not begun. */
  clear(): readonly Parcel[] {
    this.#ring.clear();
    return [...this.#all.values()].flatMap((turns) => turns.clear());
  }

  #want(turns: Turns): void {
    const wait = turns.startsIn(this.#parts.clock.elapsed());
    if (wait === undefined || this.#ring.has(turns) || this.#asleep.has(turns)) return;
    if (wait > 0) void this.#sleep(turns, wait);
    else this.#ring.add(turns);
  }

  async #sleep(turns: Turns, wait: Millis): Promise<void> {
    this.#asleep.add(turns);
    await this.#parts.clock.sleep(wait, this.#parts.stopping).catch(() => {}); // stopped: nothing is in line any more
    this.#asleep.delete(turns);
    this.#want(turns);
    this.#pump();
  }

  /** One message of each in turn. */
  #pump(): void {
    for (const turns of this.#ring) {
      if (this.#onWire >= ON_WIRE_MAX) return;
      this.#ring.delete(turns);
      const now = this.#parts.clock.elapsed();
      if (turns.startsIn(now) === 0) void this.#run(turns, turns.start(now));
      this.#want(turns); // to the end of the ring, where this loop comes by again
    }
  }

  async #run(turns: Turns, parcel: Parcel): Promise<void> {
    this.#onWire += 1;
    const heard = await this.#parts.run(parcel, turns);
    this.#onWire -= 1;
    const came = turns.ended(heard, this.#parts.clock.elapsed());
    // Also what was leased beside a probe that failed.
    if (turns.dead && heard === false) this.#parts.putBack(turns.clear());
    if (came === 'woke') this.#parts.woke();
    this.#want(turns);
    this.#pump();
  }
}
