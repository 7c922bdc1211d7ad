/** What a domain wants of the TLS of those who send to it (RFC 8461), remembered so that nobody on the way can make us forget it. */
import { LRUCache } from 'lru-cache';
import { clean } from '../../mail/reply.ts';
import { days, hours, type Millis, minutes, seconds, type Timestamp } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { KeptTexts } from '../../ports/kept-texts.ts';
import type { Log } from '../../ports/log.ts';
import type { Resolver } from '../../ports/resolver.ts';
import type { FetchSts } from '../../ports/sts.ts';

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** Names of hosts, `*.` for one label in front. */
  readonly mx: readonly string[];
  /** Seconds. */
  readonly maxAge: number;
}

/** RFC 8461 §3.2: about a year. */
const MAX_AGE_MOST = 31_557_600;
const MX_MOST = 100;

/** Undefined where it is none (RFC 8461 §3.2). Unknown keys are passed over; of a key that may stand once the first counts. */
export function parseStsPolicy(text: string): StsPolicy | undefined {
  const mx: string[] = [];
  const said = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^([A-Za-z0-9_.-]{1,32})[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    if (key === 'mx' && mx.length < MX_MOST) mx.push(value.toLowerCase().replace(/\.$/, ''));
    else if (!said.has(key)) said.set(key, value);
  }
  const mode = said.get('mode');
  const maxAge = said.get('max_age') ?? '';
  if (said.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(maxAge)) return undefined;
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined;
  if (mode !== 'none' && mx.length === 0) return undefined;
  return { mode, mx, maxAge: Math.min(Number(maxAge), MAX_AGE_MOST) };
}

/** RFC 8461 §4.1: the leftmost label alone may be a wildcard, and stands for one label. */
export const isStsHost = (policy: StsPolicy, host: string): boolean =>
  policy.mx.some((pattern) =>
    pattern.startsWith('*.')
      ? host.slice(host.indexOf('.') + 1) === pattern.slice(2) && host.includes('.')
      : host === pattern,
  );

interface Known {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly fetchedAt: Timestamp;
  /** Of its text, which the names cut out of it may keep alive. */
  readonly octets: number;
}

/** A fetch that failed is not tried again sooner (RFC 8461 §3.3 wants no more than one in five minutes). */
const FETCH_AGAIN: Millis = minutes(5);
const FETCH_TIMEOUT: Millis = seconds(30);
const WHY_MAX = 300; // characters
/** Domains remembered in memory; the rest is read again from where it is kept. */
const DOMAINS_MAX = 10_000;
/** Of their texts: a usual one has two hundred, one made to fill our memory 64 KiB. */
const OCTETS_MAX = 16 * 1024 * 1024;
/** What a domain that has no policy takes in memory. */
const NOTHING_OCTETS = 100;
/** What is over is thrown away no sooner: a clock that was wrong for days must not cost what a domain has promised. */
const CLEAR_AFTER: Millis = days(7);
/** Looked for when one more is kept, and no sooner again. */
const CLEAR_EVERY: Millis = hours(6);

export class MtaSts {
  readonly #resolver: Resolver;
  readonly #fetch: FetchSts;
  readonly #kept: KeptTexts;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Log;
  readonly #known = new LRUCache<string, { readonly known: Known | undefined }>({
    max: DOMAINS_MAX,
    maxSize: OCTETS_MAX,
    sizeCalculation: ({ known }) => NOTHING_OCTETS + (known?.octets ?? 0),
  });
  readonly #failedAt = new Map<string, Timestamp>();
  readonly #fetching = new Map<string, Promise<Known | undefined>>();
  #clearAt: Timestamp = 0;

  constructor(world: {
    readonly resolver: Resolver;
    readonly fetch: FetchSts;
    readonly kept: KeptTexts;
    readonly clock: Pick<Clock, 'now'>;
    readonly log: Log;
  }) {
    this.#resolver = world.resolver;
    this.#fetch = world.fetch;
    this.#kept = world.kept;
    this.#clock = world.clock;
    this.#log = world.log;
  }

  /** In force now, or undefined. Does not reject. */
  async policyOf(domain: string, signal: AbortSignal): Promise<StsPolicy | undefined> {
    const now = this.#clock.now();
    const known = this.#remembered(domain, now);
    const id = await this.#idOf(domain, signal);
    // No record, or no answer: what was promised before holds until its time is over (RFC 8461 §3.3, §5.1).
    if (id === undefined || id === known?.id) return known?.policy;
    const failed = this.#failedAt.get(domain);
    if (failed !== undefined && now - failed < FETCH_AGAIN) return known?.policy;
    return ((await this.#fetched(domain, id)) ?? known)?.policy;
  }

  #remembered(domain: string, now: Timestamp): Known | undefined {
    const here = this.#known.get(domain) ?? { known: knownIn(this.#kept.read(keyOf(domain))) };
    this.#known.set(domain, here);
    return here.known !== undefined && now < overAt(here.known) ? here.known : undefined;
  }

  /** RFC 8461 §3.1: exactly one record that begins so. */
  async #idOf(domain: string, signal: AbortSignal): Promise<string | undefined> {
    const answer = await this.#resolver.resolve(`_mta-sts.${domain}`, 'TXT', signal);
    if (answer.kind !== 'found') return undefined;
    const texts = answer.records.flatMap((record) => (record.type === 'TXT' ? [record.text] : []));
    const [only, another] = texts.filter((text) => /^v=STSv1[ \t]*;/.test(text));
    if (only === undefined || another !== undefined) return undefined;
    return /;[ \t]*id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})[ \t]*(?:;|$)/.exec(only)?.[1];
  }

  #fetched(domain: string, id: string): Promise<Known | undefined> {
    const under = this.#fetching.get(domain) ?? this.#fetchNow(domain, id);
    this.#fetching.set(domain, under);
    return under;
  }

  async #fetchNow(domain: string, id: string): Promise<Known | undefined> {
    try {
      const came = await this.#fetch(domain, AbortSignal.timeout(FETCH_TIMEOUT));
      const policy = came.kind === 'text' ? parseStsPolicy(came.text) : undefined;
      if (came.kind === 'failed' || policy === undefined) {
        this.#failedAt.set(domain, this.#clock.now());
        if (this.#failedAt.size > DOMAINS_MAX) this.#failedAt.delete(this.#failedAt.keys().next().value!);
        // What a certificate says of itself may stand in it.
        const why = came.kind === 'failed' ? clean(came.why, WHY_MAX) : 'it is no policy';
        this.#log.warn('mta_sts.unread', { domain, why });
        return undefined;
      }
      const known = { id, policy, fetchedAt: this.#clock.now(), octets: came.text.length };
      this.#known.set(domain, { known });
      this.#kept.write(keyOf(domain), JSON.stringify({ id, text: came.text, fetchedAt: known.fetchedAt }));
      this.#clear();
      return known;
    } finally {
      this.#fetching.delete(domain);
    }
  }

  /** Behind the mail that caused it. */
  #clear(): void {
    const now = this.#clock.now();
    if (now < this.#clearAt) return;
    this.#clearAt = now + CLEAR_EVERY;
    const isOver = (text: string): boolean => {
      const known = knownIn(text);
      return known === undefined || now >= overAt(known) + CLEAR_AFTER;
    };
    void this.#kept.clear(isOver).then((cleared) => {
      if (cleared > 0) this.#log.event('mta_sts.cleared', { policies: cleared });
    });
  }
}

const overAt = ({ fetchedAt, policy }: Known): Timestamp => fetchedAt + seconds(policy.maxAge);

const keyOf = (domain: string): string => `mta-sts ${domain}`;

function knownIn(text: string | undefined): Known | undefined {
  if (text === undefined) return undefined;
  try {
    const { id, text: written, fetchedAt } = JSON.parse(text) as { id: unknown; text: unknown; fetchedAt: unknown };
    const policy = typeof written === 'string' ? parseStsPolicy(written) : undefined;
    if (typeof id !== 'string' || policy === undefined || typeof fetchedAt !== 'number') return undefined;
    return { id, policy, fetchedAt, octets: text.length };
  } catch {
    return undefined; // half written: it is fetched again
  }
}
