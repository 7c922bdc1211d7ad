/** The next hops of a life: what each answers, one recipient after the other, and how long it takes. */
import type { Clock } from '../../../src/ports/clock.ts';
import type { Delivery } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import type { Answer } from './schedule.ts';
import type { Witness } from './witness.ts';

interface Hop {
  readonly answers: readonly Answer[];
  readonly takes: number;
  given: number;
}

export class Hops {
  readonly #witness: Witness;
  readonly #hops = new Map<string, Hop>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  answer(route: string, answers: readonly Answer[], takes: number): void {
    this.#hops.set(route, { answers, takes, given: 0 });
  }

  /** As one process reaches them; a dead one hears nothing any more. */
  for(alive: () => boolean, clock: Clock): Delivery {
    const wire = new Set<string>();
    const deliver: Delivery['deliver'] = async ({ entries, route }, signal) => {
      await this.#witness.tried(entries);
      const hop = this.#hops.get(route.name) ?? { answers: ['taken'], takes: 0, given: 0 };
      if (hop.takes > 0) await clock.sleep(hop.takes, signal).catch(() => {}); // broken off: told below
      if (!alive()) return new Promise(() => {});
      if (signal.aborted)
        return entries.map(() => ({ kind: 'transient', host: 'a:25', reply: null, cause: 'stopped' }));
      const first = hop.answers[hop.given % hop.answers.length]!;
      // Who does not answer does not answer anybody.
      if (first === 'silent') hop.given += 1;
      return entries.map((entry) => (first === 'silent' ? SILENT : this.#one(entry, hop)));
    };
    return {
      deliver: async (consignment, signal) => {
        const ids = consignment.entries.map(({ id }) => id);
        for (const id of ids) if (wire.has(id)) this.#witness.wrong(`${id} was tried twice at the same time`);
        for (const id of ids) wire.add(id);
        const results = await deliver(consignment, signal);
        for (const id of ids) wire.delete(id);
        return results;
      },
      close: async () => {},
    };
  }

  #one(entry: QueueEntry, hop: Hop): AttemptResult {
    const answer = hop.answers[hop.given % hop.answers.length]!;
    hop.given += 1;
    switch (answer) {
      case 'taken':
      case 'mailbox':
      case 'dsnRelay':
        this.#witness.took(entry);
        return { kind: 'delivered', host: 'a:25', reply: OK, to: answer === 'taken' ? 'relay' : answer };
      case 'later':
        return { kind: 'transient', host: 'a:25', reply: { code: 451, enhanced: '4.3.0', text: 'busy' }, cause: '' };
      case 'busy':
        return { kind: 'transient', host: 'a:25', reply: { code: 421, enhanced: '4.3.2', text: 'no' }, cause: '' };
      case 'refused':
        return { kind: 'permanent', host: 'a:25', reply: { code: 550, enhanced: '5.1.1', text: 'nobody' } };
      case 'silent':
        return SILENT;
      case 'broken':
        return { kind: 'indeterminate', host: 'a:25', cause: 'line broke' };
      case 'brokenTaken':
        this.#witness.took(entry);
        this.#witness.mayRepeat = true;
        return { kind: 'indeterminate', host: 'a:25', cause: 'line broke' };
    }
  }
}

const OK = { code: 250, enhanced: '2.0.0', text: 'ok' };
const SILENT: AttemptResult = { kind: 'transient', host: 'a:25', reply: null, cause: 'connection refused' };
