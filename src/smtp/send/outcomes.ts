/** What an attempt has come to for each recipient, while hosts are asked one after the other. */
import type { AttemptResult } from '../../queue/transition.ts';
import type { Found } from './candidate.ts';

/** What one host came to; `beyond` is permanent for it alone. */
export type HostResult = AttemptResult & { readonly beyond?: boolean; readonly talked?: boolean };

export class Outcomes {
  readonly #results: (HostResult | undefined)[];
  /** Places of those for whom another host may be asked. */
  left: readonly number[];
  /** Hosts that were reached and took the message for nobody, or not for all. */
  putOff = 0;

  constructor(entries: number) {
    this.#results = new Array<HostResult | undefined>(entries).fill(undefined);
    this.left = this.#results.map((_, n) => n);
  }

  /** One result for each that was left, in their order. */
  heard(results: readonly HostResult[]): void {
    if (results.some(({ kind, talked }) => kind === 'transient' && talked)) this.putOff += 1;
    this.left = this.left.filter((n, index) => {
      const result = results[index]!;
      const before = this.#results[n];
      // A host that cannot take it says nothing of the one that puts it off: that one may take it yet.
      if (!result.beyond || before === undefined || before.beyond) this.#results[n] = result;
      return result.beyond || result.kind === 'transient';
    });
  }

  /** What DNS said of hosts there are not: it is final only where nobody has put anything off. */
  learned(found: Exclude<Found, { readonly kind: 'candidate' }>): void {
    const result: AttemptResult =
      found.kind === 'refused'
        ? { kind: 'permanent', host: '', reply: found.reply }
        : { kind: 'transient', host: '', reply: { code: 451, enhanced: found.enhanced, text: found.why }, cause: '' };
    for (const n of this.left) {
      const before = this.#results[n];
      if (before === undefined || before.beyond) this.#results[n] = result;
    }
    if (found.kind === 'refused') this.left = this.left.filter((n) => this.#results[n] !== result);
  }

  results(): AttemptResult[] {
    return this.#results.map((result) => {
      if (result === undefined) return { kind: 'transient', host: '', reply: null, cause: 'no host was asked' };
      const { beyond: _, talked: __, ...bare } = result;
      return bare;
    });
  }
}
