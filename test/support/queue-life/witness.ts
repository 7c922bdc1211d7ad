/** Sees what was accepted, tried, taken and told in one life, and says what of it may not be. */
import type { Lease, QueueStore, Settlement } from '../../../src/ports/queue.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { SimClock } from './sim-clock.ts';

const ENDS = ['delivered', 'bounced', 'refused', 'quarantined', 'removed'];
const never = new AbortController().signal;

export class Witness {
  /** Something happened after which a message may arrive twice (a crash, a lease that ran out, a line that broke too late). */
  mayRepeat = false;
  readonly #kept: Store;
  readonly #clock: SimClock;
  readonly #accepted = new Map<string, QueueEntry>();
  readonly #taken = new Map<string, number>();
  /** `<entry> <action>`: how often its sender was told. */
  readonly #told = new Map<string, number>();
  /** Messages whose client was told itself that nobody takes them. */
  readonly #toldAtOnce = new Set<string>();
  readonly #wrong: string[] = [];

  constructor(kept: Store, clock: SimClock) {
    this.#kept = kept;
    this.#clock = clock;
  }

  wrong(what: string): void {
    this.#wrong.push(what);
  }

  toldAtOnce(recordId: string): void {
    if (this.#toldAtOnce.has(recordId)) this.#wrong.push(`${recordId}: its client was told twice`);
    this.#toldAtOnce.add(recordId);
  }

  accepted(entry: QueueEntry): void {
    this.#accepted.set(entry.id, entry);
  }

  async tried(entries: readonly QueueEntry[]): Promise<void> {
    for (const { id, expiresAt } of entries)
      if (this.#clock.now >= expiresAt) this.#wrong.push(`${id} was tried after its expiry`);
    const stored = await this.#kept.queue.list({ ids: entries.map(({ id }) => id) });
    for (const { id, attempts } of entries) {
      const now = stored.find((one) => one.id === id);
      if (now === undefined) this.#wrong.push(`${id} was tried, and is not in the queue`);
      else if (now.attempts < attempts || attempts < 1 || now.state.kind !== 'leased')
        this.#wrong.push(`${id} was tried before the attempt was recorded: ${now.state.kind} ${now.attempts}`);
    }
  }

  took({ id }: QueueEntry): void {
    this.#taken.set(id, (this.#taken.get(id) ?? 0) + 1);
  }

  /** The store's own, seen from beside: what was kept, and nothing else. */
  async settle(settlements: readonly Settlement[]): Promise<readonly ('settled' | 'lost')[]> {
    const came = await this.#kept.queue.settle(settlements);
    for (const [n, { notifications, lease }] of settlements.entries())
      if (came[n] === 'settled')
        for (const { entry } of notifications) {
          this.accepted(entry);
          await this.#heard(lease.entry, entry);
        }
    return came;
  }

  /** As an engine does that only one gateway serves from. */
  async takeBack(): Promise<void> {
    const { queue } = this.#kept;
    const leased = await queue.list({ state: ['leased'] });
    const back = leased.flatMap((entry): Settlement[] => {
      if (entry.state.kind !== 'leased') return [];
      const lease: Lease = { entry, owner: entry.state.owner, until: entry.state.until };
      const next: QueueEntry = { ...entry, state: { kind: 'waiting', due: entry.admittedAt } };
      return [{ lease, next, events: [], notifications: [], quarantine: [] }];
    });
    await queue.settle(back);
  }

  async expectOver(): Promise<void> {
    for (const { id, state, expiresAt } of await this.#kept.queue.list({ state: ['waiting', 'leased'] }))
      this.#wrong.push(`${id} is ${state.kind}, and its time was over ${this.#clock.now - expiresAt} ms ago`);
  }

  /** What of this life may not be. */
  async judge(): Promise<readonly string[]> {
    const wrong = [...this.#wrong];
    const queue: Pick<QueueStore, 'list' | 'quarantined'> = this.#kept.queue;
    const left = new Map((await queue.list({})).map((entry) => [entry.id, entry]));
    const aside = new Set((await queue.quarantined({})).map(({ id }) => id));
    for (const entry of this.#accepted.values()) {
      const { id } = entry;
      const ends = await this.#endsOf(id, entry.recordId);
      const state = left.get(id)?.state.kind;
      const end = ends.join(' and ');
      if (state !== undefined && state !== 'held') wrong.push(`${id} never ends: it is ${state}`);
      if (state === 'held' && ends.length > 0) wrong.push(`${id} is held, and ended as ${end}`);
      if (state === undefined && ends.length !== 1) wrong.push(`${id} ended ${ends.length} times: ${end}`);
      if (aside.has(id) !== ends.includes('quarantined')) wrong.push(`${id} ${end}, in quarantine: ${aside.has(id)}`);
      wrong.push(...this.#arrivals(id, end), ...this.#notices(entry, end), ...this.#refusals(entry, end));
    }
    return wrong;
  }

  /** What came to pass, for whoever wants to know that something did. */
  async tally(): Promise<{ readonly [what: string]: number }> {
    const sum: { [what: string]: number } = { accepted: this.#accepted.size, repeatable: this.mayRepeat ? 1 : 0 };
    const add = (what: string, n: number) => {
      sum[what] = (sum[what] ?? 0) + n;
    };
    for (const { id, recordId } of this.#accepted.values())
      for (const end of (await this.#endsOf(id, recordId)).concat((this.#taken.get(id) ?? 0) > 1 ? 'twice' : []))
        add(end, 1);
    for (const [key, n] of this.#told) add(`told ${key.split(' ')[1]}`, n);
    return sum;
  }

  async #endsOf(id: string, recordId: string): Promise<readonly string[]> {
    const recipient = Number(id.slice(id.lastIndexOf('.') + 1));
    const events = (await this.#kept.records.get(recordId))?.events ?? [];
    return events.filter((one) => one.recipient === recipient && ENDS.includes(one.kind)).map(({ kind }) => kind);
  }

  #arrivals(id: string, end: string): string[] {
    const taken = this.#taken.get(id) ?? 0;
    if (end === 'delivered' && taken === 0) return [`${id} is told to be delivered, and did not arrive`];
    if (this.mayRepeat) return [];
    return taken === (end === 'delivered' ? 1 : 0) ? [] : [`${id} arrived ${taken} times, and ended as ${end}`];
  }

  /** Told by one way and not by two, unless the process died in between; and never by none. */
  #refusals({ id, recordId }: QueueEntry, end: string): string[] {
    const told = this.#toldAtOnce.has(recordId);
    if (end === 'refused') return told ? [] : [`${id} was refused, and nobody was told`];
    return told && !this.mayRepeat ? [`${id} ended as ${end}, and its client was told that it was refused`] : [];
  }

  #notices({ id, reversePath, sender }: QueueEntry, end: string): string[] {
    const told = (action: string) => this.#told.get(`${id} ${action}`) ?? 0;
    const wrong = ACTIONS.filter((action) => told(action) > 1).map((action) => `${id}: told ${action} more than once`);
    if ((reversePath.kind === 'null' || sender === 'unverified') && ACTIONS.some((action) => told(action) > 0))
      wrong.push(`${id}: somebody was told who may not be`);
    if (told('failed') !== (end === 'bounced' ? 1 : 0)) wrong.push(`${id} ${end}: told failed ${told('failed')} times`);
    if (end !== 'delivered' && told('delivered') + told('relayed') > 0) wrong.push(`${id} ${end}: told of success`);
    return wrong;
  }

  /** A notification was queued. */
  async #heard({ recordId }: QueueEntry, notification: QueueEntry): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#kept.queue.read(notification.contentRef, never)) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    for (const [, recipient, action] of text.matchAll(/Final-Recipient: rfc822; (\S+)\r\nAction: (\w+)/g)) {
      const of = [...this.#accepted.values()].find((one) => one.recordId === recordId && one.recipient === recipient);
      const key = `${of?.id ?? recipient} ${action}`;
      this.#told.set(key, (this.#told.get(key) ?? 0) + 1);
    }
  }
}

const ACTIONS = ['failed', 'delayed', 'delivered', 'relayed'];
