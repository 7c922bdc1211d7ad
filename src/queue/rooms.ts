/** What a worker has room for: entries of each destination, and none of what is suspended. Store engines lease by it. */

/** Travels to the store; lists are short: only destinations that are busy, full or dead are named. */
export interface Lanes {
  /** Routes of which each domain is a destination of its own. */
  readonly byDomain: readonly string[];
  /** Entries that a destination has room for that is not named. */
  readonly each: number;
  /** `domain` is '' where the whole route is the destination. */
  readonly rooms: readonly { readonly route: string; readonly domain: string; readonly room: number }[];
  readonly suspended: {
    readonly routes: readonly string[];
    readonly domains: readonly string[];
    readonly senders: readonly string[];
  };
}

/** Room for everything. */
export const ALL_LANES: Lanes = {
  byDomain: [],
  each: Number.MAX_SAFE_INTEGER,
  rooms: [],
  suspended: { routes: [], domains: [], senders: [] },
};

/** Recipients of one message are leased together, as far as this: they go out as one transaction (RFC 5321 §4.5.3.1.8). */
export const TOGETHER_MAX = 100;

export class Rooms {
  readonly #each: number;
  readonly #byDomain: ReadonlySet<string>;
  readonly #rooms: Map<string, number>;
  readonly #routes: ReadonlySet<string>;
  readonly #domains: ReadonlySet<string>;
  readonly #senders: ReadonlySet<string>;

  constructor({ byDomain, each, rooms, suspended }: Lanes) {
    this.#each = each;
    this.#byDomain = new Set(byDomain);
    this.#rooms = new Map(rooms.map(({ route, domain, room }) => [`${route} ${domain}`, room]));
    this.#routes = new Set(suspended.routes);
    this.#domains = new Set(suspended.domains.map(lower));
    this.#senders = new Set(suspended.senders.map(lower));
  }

  left(route: string, domain: string): number {
    if (this.#routes.has(route) || this.#domains.has(lower(domain))) return 0;
    return this.#rooms.get(this.#key(route, domain)) ?? this.#each;
  }

  took(route: string, domain: string, entries: number): void {
    const key = this.#key(route, domain);
    this.#rooms.set(key, (this.#rooms.get(key) ?? this.#each) - entries);
  }

  takesFrom(sender: string): boolean {
    return !this.#senders.has(lower(sender));
  }

  #key(route: string, domain: string): string {
    return `${route} ${this.#byDomain.has(route) ? lower(domain) : ''}`;
  }
}

const lower = (text: string): string => text.toLowerCase();
