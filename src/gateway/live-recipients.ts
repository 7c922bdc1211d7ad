/** One recipient source that is asked over the network: its answers remembered, questions joined and bounded, and who stands in when it is silent. */
import { LRUCache } from 'lru-cache';
import type { LiveSource } from '../config/live-source.ts';
import { sayLive } from '../config/live-source.ts';
import { clean } from '../mail/reply.ts';
import { type Millis, seconds, type Timestamp } from '../mail/time.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import {
  type AskedAddress,
  type LiveAnswer,
  type RecipientClient,
  SourceError,
  type SourceStatus,
} from '../ports/recipients.ts';
import type { StateStore } from '../ports/state.ts';
import { Turns } from './asking-turns.ts';

/** Answers remembered a source: whoever tries names fills it with "no", and pushes out what was asked longest ago. */
const REMEMBERED_MAX = 50_000;
/** Of a source that is down, one question in such a time is let through, and all others are answered without it. */
const PROBE_FIRST: Millis = seconds(1);
const PROBE_LAST: Millis = seconds(5);
/** Names of catch-all domains that are kept and told. */
const CATCH_ALL_MAX = 1000;
const ERROR_MAX = 300; // characters
const SPACE = 'recipients';

export interface LiveParts {
  readonly source: LiveSource;
  /** Of the source, short: under it its last answers are kept. */
  readonly id: string;
  readonly client: RecipientClient;
  readonly state: Pick<StateStore, 'get' | 'put' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Remembered {
  readonly result: 'known' | 'unknown';
  /** By the monotonic clock. */
  readonly until: Millis;
}

export class LiveRecipients {
  readonly #parts: LiveParts;
  readonly #remembered = new LRUCache<string, Remembered>({ max: REMEMBERED_MAX });
  readonly #asking = new Map<string, Promise<LiveAnswer>>();
  readonly #turns: Turns;
  readonly #catchAll = new Map<string, Timestamp>();
  #state: SourceStatus['state'] = 'not asked yet';
  #since: Timestamp;
  #lastError = '';
  #wait: Millis = PROBE_FIRST;
  /** By the monotonic clock, while it is down: when it is asked again. */
  #probeAt: Millis = 0;

  constructor(parts: LiveParts) {
    const { source, clock } = parts;
    this.#parts = parts;
    this.#turns = new Turns(
      source.connections,
      source.kind === 'callout' ? source.rate : Number.POSITIVE_INFINITY,
      clock,
    );
    this.#since = clock.now();
  }

  ask(asked: AskedAddress): Promise<LiveAnswer> {
    const { clock } = this.#parts;
    const known = this.#remembered.get(asked.address);
    if (known !== undefined && known.until > clock.elapsed())
      return Promise.resolve({ result: known.result, by: 'remembered' });
    const joined = this.#asking.get(asked.address);
    if (joined !== undefined) return joined;
    const answer = this.#find(asked).finally(() => this.#asking.delete(asked.address));
    this.#asking.set(asked.address, answer);
    return answer;
  }

  status(): SourceStatus {
    return {
      source: sayLive(this.#parts.source),
      state: this.#state,
      since: this.#since,
      lastError: this.#lastError,
      catchAll: [...this.#catchAll.keys()],
    };
  }

  close(): void {
    this.#parts.client.close();
  }

  async #find(asked: AskedAddress): Promise<LiveAnswer> {
    const { client, clock, source } = this.#parts;
    if (this.#rests()) return this.#without(asked);
    const deadline = AbortSignal.timeout(source.timeout);
    try {
      const answer = await this.#turns.within(deadline, () => client.ask(asked, deadline));
      if (answer === undefined) return await this.#without(asked); // too many wait already: that is no fault of the source
      this.#answers(asked.domain, answer);
      const span = answer === 'known' ? source.knownFor : source.unknownFor;
      if (span > 0) this.#remembered.set(asked.address, { result: answer, until: clock.elapsed() + span });
      await this.#keep(asked, answer);
      return { result: answer, by: 'asked' };
    } catch (error) {
      this.#fails(asked.domain, error);
      return this.#without(asked);
    }
  }

  /** While it is down, whoever comes first after a while probes for all. */
  #rests(): boolean {
    if (this.#state !== 'down') return false;
    const now = this.#parts.clock.elapsed();
    if (now < this.#probeAt) return true;
    this.#probeAt = now + this.#parts.source.timeout; // until this one has come back
    return false;
  }

  /** Only who was known once is known now: a mailbox may have been made since somebody was told that it is none. */
  async #without({ address }: AskedAddress): Promise<LiveAnswer> {
    const { state, clock, source } = this.#parts;
    if (source.lastKnown > 0) {
      const since = await state.get(SPACE, this.#key(address), clock.now());
      // A shorter `last_known` holds for what was kept under a longer one.
      if (since !== undefined && Number(since) + source.lastKnown > clock.now())
        return { result: 'known', by: 'last_known' };
    }
    return { result: source.onError === 'accept' ? 'known' : 'unsure', by: 'on_error' };
  }

  async #keep({ address }: AskedAddress, answer: 'known' | 'unknown'): Promise<void> {
    const { state, clock, source } = this.#parts;
    const now = clock.now();
    if (answer === 'unknown') {
      if ((await state.get(SPACE, this.#key(address), now)) !== undefined)
        await state.delete(SPACE, this.#key(address));
    } else if (source.lastKnown > 0) {
      await state.put(SPACE, this.#key(address), String(now), now + source.lastKnown);
    }
  }

  #key = (address: string): string => `${this.#parts.id} ${address}`;

  #answers(domain: string, answer: 'known' | 'unknown'): void {
    const { source, log } = this.#parts;
    // A "no" of a store that took a made-up name before says that it has learnt to tell them apart.
    if (this.#catchAll.delete(domain))
      log.event('recipients.catch_all.over', { source: sayLive(source), domain, answer });
    this.#wasReached();
  }

  #fails(domain: string, error: unknown): void {
    const { source, clock, log } = this.#parts;
    const kind = error instanceof SourceError ? error.kind : 'down';
    const why = clean(error instanceof Error ? error.message : String(error), ERROR_MAX);
    this.#lastError = why;
    if (kind !== 'down') this.#wasReached();
    if (kind === 'unsure') return;
    if (kind === 'catch-all') {
      if (this.#catchAll.has(domain) || this.#catchAll.size >= CATCH_ALL_MAX) return;
      this.#catchAll.set(domain, clock.now());
      log.error('recipients.catch_all', {
        source: sayLive(source),
        domain,
        error: why,
        remedy:
          'its "yes" is not believed: ask a host that refuses unknown recipients at RCPT (Exchange: port 2525), or another source',
      });
      return;
    }
    if (this.#state === 'down') {
      this.#wait = Math.min(this.#wait * 2, PROBE_LAST);
    } else {
      this.#state = 'down';
      this.#since = clock.now();
      this.#wait = PROBE_FIRST;
      log.error('recipients.source.down', {
        source: sayLive(source),
        error: why,
        remedy: `whom it knew within the last_known time is known; others: ${source.onError}; \`postern doctor\` asks it now`,
      });
    }
    this.#probeAt = clock.elapsed() + this.#wait;
  }

  /** It spoke, whatever it said. */
  #wasReached(): void {
    if (this.#state === 'up') return;
    const { log, clock, source } = this.#parts;
    if (this.#state === 'down') log.event('recipients.source.up', { source: sayLive(source) });
    this.#state = 'up';
    this.#since = clock.now();
    this.#wait = PROBE_FIRST;
  }
}
