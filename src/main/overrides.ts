/** The overrides of a running gateway: each begins when a person says so, survives restarts, and ends by itself. */
import type { Problem } from '../language/problem.ts';
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { OverrideWish } from '../ports/control.ts';
import type { Log } from '../ports/log.ts';
import type { OverrideStore } from '../ports/overrides.ts';

export interface Braked {
  readonly store: OverrideStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly policies: () => ReadonlyMap<string, Policy>;
  /** Puts the policies in force under these. */
  readonly apply: (overrides: readonly Override[]) => Promise<readonly Problem[]>;
}

/** More at once is no brake but another policy. */
const OVERRIDES_MAX = 50;

/** Those whose time is not over. */
export const inForceAt = (overrides: readonly Override[], now: Timestamp): readonly Override[] =>
  overrides.filter(({ until }) => until > now);

export class Overrides {
  readonly #braked: Braked;
  readonly #stopping = new AbortController();
  #all: readonly Override[];
  #alarm = new AbortController();
  /** One change after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(braked: Braked) {
    this.#braked = braked;
    this.#all = braked.store.read();
  }

  get list(): readonly Override[] {
    return this.#all;
  }

  /** Ends what ran out while nobody ran, says what holds still, and waits for the next to end. */
  async start(): Promise<void> {
    for (const override of inForceAt(this.#all, this.#braked.clock.now()))
      this.#braked.log.warn('override.in_force', said(override));
    await this.#endThoseOver();
    this.#wait();
  }

  stop(): void {
    this.#stopping.abort();
    this.#alarm.abort();
  }

  /** Throws a `RangeError` where there is nothing of that name to brake. */
  begin(wish: OverrideWish): Promise<Override> {
    return this.#after(async () => {
      const { clock, log, newId } = this.#braked;
      if (this.#all.length >= OVERRIDES_MAX)
        throw new RangeError(`${OVERRIDES_MAX} overrides are in force: end some, or change the policy`);
      mustBeThere(wish, this.#braked.policies());
      const { span, ...what } = wish;
      const since = clock.now();
      const override: Override = { id: newId(), ...what, since, until: since + span };
      await this.#put([...this.#all, override]);
      log.warn('override.began', said(override));
      return override;
    });
  }

  end(id: string, by: string): Promise<Override> {
    return this.#after(async () => {
      const override = this.#all.find((one) => one.id === id);
      if (override === undefined)
        throw new RangeError(
          `there is no override ${id}; in force are: ${this.#all.map((one) => one.id).join(', ') || 'none'}`,
        );
      await this.#put(this.#all.filter((one) => one !== override));
      this.#braked.log.warn('override.ended', { ...said(override), ended_by: by });
      return override;
    });
  }

  #after<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Kept first: what is in force is never forgotten by a restart. */
  async #put(next: readonly Override[]): Promise<void> {
    const { store, clock, apply } = this.#braked;
    const before = this.#all;
    store.write(next);
    this.#all = next;
    const wrong = await apply(inForceAt(next, clock.now()));
    if (wrong.length > 0) {
      store.write(before);
      this.#all = before;
      // Some thread may have it already.
      await apply(inForceAt(before, clock.now()));
      throw new RangeError(`the running policy does not load under it: ${wrong[0]!.message}`);
    }
    this.#alarm.abort();
  }

  async #endThoseOver(): Promise<void> {
    const { clock, log } = this.#braked;
    const now = clock.now();
    const over = this.#all.filter(({ until }) => until <= now);
    if (over.length === 0) return;
    await this.#put(inForceAt(this.#all, now));
    for (const override of over) log.warn('override.ended', { ...said(override), ended_by: 'its time' });
  }

  #wait(): void {
    void this.#watch().catch((error: unknown) =>
      this.#braked.log.error('override.unwatched', { error: String(error), remedy: 'restart the gateway' }),
    );
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#braked;
    let failed = false;
    while (!this.#stopping.signal.aborted) {
      this.#alarm = new AbortController();
      const next = Math.min(...this.#all.map(({ until }) => until));
      // The wall clock may jump: it is looked at again and again.
      const wait = failed ? TRY_AGAIN : Math.min(Math.max(next - clock.now(), 1), LOOK_AGAIN);
      await clock.sleep(wait, this.#alarm.signal).catch(() => {}); // something changed
      if (this.#stopping.signal.aborted) return;
      failed = false;
      await this.#after(() => this.#endThoseOver()).catch((error: unknown) => {
        failed = true;
        log.error('override.unended', { error: String(error) });
      });
    }
  }
}

const LOOK_AGAIN: Millis = 60_000;
/** The store's disk would not have it. */
const TRY_AGAIN: Millis = 5000;

function mustBeThere({ kind, name, policy }: OverrideWish, policies: ReadonlyMap<string, Policy>): void {
  const asked = [...policies.values()].filter((one) => policy === '' || one.name === policy);
  if (asked.length === 0)
    throw new RangeError(`there is no policy "${policy}"; there are: ${[...policies.keys()].join(', ')}`);
  if (asked.some((one) => has(one, kind, name))) return;
  throw new RangeError(`no policy in force has a ${kind} "${name}"; \`postern check\` says what there is`);
}

export const has = (
  { rules, checks }: Pick<Policy, 'rules' | 'checks'>,
  kind: Override['kind'],
  name: string,
): boolean =>
  kind === 'rule' ? rules.some((rule) => rule.name === name) : checks.some((check) => check.name === name);

const said = ({ id, kind, name, policy, by, why, since, until }: Override) => ({
  id,
  [kind]: name,
  ...(policy === '' ? {} : { policy }),
  by,
  why,
  since: new Date(since).toISOString(),
  until: new Date(until).toISOString(),
});
