/** The door: overload is shed at connect with 421, before a session exists, and a flood leaves one record with a count. */
import { type IpAddress, networkOf, type RangeSet } from '../../mail/ip.ts';
import type { Reply } from '../../mail/reply.ts';
import { type Millis, minutes, type Timestamp } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import { type Crowd, type Entry, KNOWN } from './crowd.ts';
import { WIRE_REFUSALS, type WireReason } from './refusals.ts';
import type { ClientInfo } from './session.ts';

/** Opened for the first client that is shed for a reason; the reply bears its record's id, and is that of all who follow. */
export interface Shedding {
  readonly reply: Reply;
  /** Puts it on record: so many were shed. */
  close(count: number): void;
}

export interface DoorOptions {
  readonly crowd: Crowd;
  /** Addresses whose crowd is their own affair: trusted networks, and upstreams that speak for others. */
  readonly known: RangeSet;
  /** How late the event loop has been, on average over the last second. */
  readonly lag: () => Millis;
  readonly lagMax: Millis;
  readonly shed: (client: ClientInfo, reason: WireReason, reply: Reply) => Shedding;
  readonly log: Log;
}

export type Admission =
  | { readonly kind: 'in'; readonly leave: () => void }
  | { readonly kind: 'shed'; readonly reply: Reply };

export class Door {
  readonly #options: DoorOptions;
  readonly #folds = new Map<string, { readonly shedding: Shedding; readonly ends: Timestamp; count: number }>();
  #late = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Asked once for each connection, when its client's own address is known. */
  admit(client: ClientInfo, ip: IpAddress, now: Timestamp): Admission {
    const { crowd, known } = this.#options;
    const network = known.has(ip) ? KNOWN : networkOf(ip);
    if (this.#late) return this.#shed(client, network, 'too-busy', now);
    const entry = crowd.enter(network, now);
    if (entry !== 'ok') return this.#shed(client, network, REASONS[entry], now);
    let inside = true;
    const leave = (): void => {
      if (inside) crowd.leave(network);
      inside = false;
    };
    return { kind: 'in', leave };
  }

  /** Silence is borne for less time. */
  get busy(): boolean {
    return this.#late || this.#options.crowd.busy;
  }

  /** Once a second. */
  tick(now: Timestamp): void {
    const { lag, lagMax, log } = this.#options;
    const late = lag();
    // It opens again only when there is room to spare: else it would open and shut every second.
    const is = late > (this.#late ? lagMax / 2 : lagMax);
    if (is !== this.#late) log.warn(is ? 'smtp.door.shut' : 'smtp.door.open', { lag: Math.round(late) });
    this.#late = is;
    this.sweep(now);
  }

  /** Records what was shed in windows that ended; with no time given, in all. */
  sweep(now: Timestamp = Number.POSITIVE_INFINITY): void {
    for (const [kind, { shedding, ends, count }] of this.#folds) {
      // A clock that was set back does not keep them open for ever.
      if (ends > now && ends - now <= FOLD) continue;
      this.#folds.delete(kind);
      try {
        shedding.close(count);
      } catch (error) {
        this.#options.log.error('smtp.shed.failed', { error: String(error) });
      }
    }
  }

  #shed(client: ClientInfo, network: string, reason: WireReason, now: Timestamp): Admission {
    const kind = `${reason} ${this.#folds.size < KINDS_MAX || this.#folds.has(`${reason} ${network}`) ? network : '*'}`;
    let fold = this.#folds.get(kind);
    if (fold === undefined) {
      const { shed, log } = this.#options;
      log.warn('smtp.shedding', { reason, network, client: client.ip });
      fold = { shedding: shed(client, reason, WIRE_REFUSALS[reason].reply), ends: now + FOLD, count: 0 };
      this.#folds.set(kind, fold);
    }
    fold.count++;
    return { kind: 'shed', reply: fold.shedding.reply };
  }
}

const REASONS: { readonly [entry in Exclude<Entry, 'ok'>]: WireReason } = {
  full: 'too-busy',
  rush: 'too-busy',
  'too-many': 'network-sessions',
  'too-fast': 'network-rate',
};
/** So long one record gathers the like. */
const FOLD = minutes(1);
/** Networks and reasons told apart at once; what a flood from more of them brings is one record a reason. */
const KINDS_MAX = 200;
