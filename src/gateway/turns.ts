/** One destination's way out: its senders take turns; how many messages at once, how fast, and whether any, its pace says. */
import type { Millis } from '../mail/time.ts';
import type { Lease } from '../ports/queue.ts';
import { type Destination, keyOf } from '../queue/destination.ts';
import type { Flow } from '../queue/flow.ts';
import { answered, firstPace, isDead, type Pace, probeEvery, unanswered } from '../queue/pace.ts';

/** Entries of one message that go out together. */
export type Parcel = readonly Lease[];

/** A timer is no finer: what a rate lets pass within it goes at once. */
const RATE_SLACK: Millis = 20;

export class Turns {
  readonly to: Destination;
  readonly key: string;
  /** Entries of it that are in our hands, in line or on the wire. */
  held = 0;
  /** Entries were left in the store for want of room. */
  full = false;
  /** When it was last given anything, monotonic. */
  usedAt: Millis = 0;
  /** What its last silent attempt came to, for whoever looks. */
  why = '';
  #flow: Flow;
  #retry: readonly Millis[];
  #pace: Pace;
  /** By sender; the first one's turn is next. */
  readonly #lines = new Map<string, Parcel[]>();
  #running = 0;
  /** Monotonic: when the next message may start by the rate, and when a dead destination is asked again. */
  #nextAt: Millis = 0;
  #probeAt: Millis = 0;

  constructor(to: Destination, flow: Flow, retry: readonly Millis[]) {
    this.to = to;
    this.key = keyOf(to);
    this.#flow = flow;
    this.#retry = retry;
    this.#pace = firstPace(flow.concurrency);
  }

  /** A reload may have changed them. */
  follow(flow: Flow, retry: readonly Millis[]): void {
    this.#flow = flow;
    this.#retry = retry;
  }

  get dead(): boolean {
    return isDead(this.#pace);
  }
  get running(): number {
    return this.#running;
  }
  get width(): number {
    return Math.floor(Math.min(this.#pace.width, this.#flow.concurrency));
  }
  get waiting(): boolean {
    return this.#lines.size > 0;
  }
  get probeAt(): Millis {
    return this.#probeAt;
  }

  /** Entries that may come into our hands, when there is room for `free` in all. No flood may take more than the half. */
  room(free: number, now: Millis): number {
    if (!this.dead) return Math.max(0, free - this.held);
    return this.held === 0 && now >= this.#probeAt ? 1 : 0;
  }

  push(sender: string, parcel: Parcel): void {
    const line = this.#lines.get(sender);
    if (line === undefined) this.#lines.set(sender, [parcel]);
    else line.push(parcel);
  }

  /** How long until the next parcel may start: 0 for now, undefined while there is none or another has to end first. */
  startsIn(now: Millis): Millis | undefined {
    if (this.#lines.size === 0 || this.#running >= (this.dead ? 1 : this.width)) return undefined;
    return this.#flow.rate === null ? 0 : Math.max(0, this.#nextAt - now - RATE_SLACK);
  }

  start(now: Millis): Parcel {
    const [sender, line] = this.#lines.entries().next().value!;
    const parcel = line.shift()!;
    this.#lines.delete(sender);
    if (line.length > 0) this.#lines.set(sender, line); // behind the others
    this.#running += 1;
    this.usedAt = now;
    const { rate } = this.#flow;
    if (rate !== null) this.#nextAt = Math.max(this.#nextAt, now) + rate.per / rate.messages;
    return parcel;
  }

  /** `undefined`: it says nothing of the destination. */
  ended(heard: boolean | undefined, now: Millis): 'woke' | 'same' {
    this.#running -= 1;
    this.usedAt = now;
    if (heard === undefined) return 'same';
    const before = this.dead;
    this.#pace = heard ? answered(this.#pace, this.#flow.concurrency) : unanswered(this.#pace);
    if (this.dead) this.#probeAt = now + probeEvery(this.#retry);
    return before && !this.dead ? 'woke' : 'same';
  }

  /** Takes back what has not begun. */
  clear(): readonly Parcel[] {
    const parcels = [...this.#lines.values()].flat();
    this.#lines.clear();
    return parcels;
  }
}
