/** Which rules the tests have seen hold, and which never: a rule that no test makes hold is a rule nobody has tried. */
import type { Place } from '../../language/problem.ts';
import type { RuleInfo } from '../../policy/policy.ts';
import type { TransactionRecord } from '../../record/record.ts';

export interface RuleCoverage {
  readonly rule: string;
  readonly place: Place;
  readonly asked: number;
  readonly held: number;
}

export interface Coverage {
  readonly policy: string;
  readonly rules: readonly RuleCoverage[];
  /** 0 to 1; 1 where there is no rule. */
  readonly share: number;
}

/** Counts over all records of one policy. */
export class CoverageCount {
  readonly #asked = new Map<number, number>();
  readonly #held = new Map<number, number>();

  add(record: TransactionRecord): void {
    const decisions = [record.session.decisions, ...record.recipients.map((recipient) => recipient.decisions)].flat();
    for (const { rule, came } of decisions.flatMap(({ rules }) => rules)) {
      count(this.#asked, rule);
      // A rule in monitor mode has shown that it holds.
      if (came === 'held' || came === 'softened' || came === 'would') count(this.#held, rule);
    }
  }

  of(policy: string, rules: readonly RuleInfo[]): Coverage {
    const counted = rules.map(({ index, name, place }) => ({
      rule: name,
      place,
      asked: this.#asked.get(index) ?? 0,
      held: this.#held.get(index) ?? 0,
    }));
    const held = counted.filter((rule) => rule.held > 0).length;
    return { policy, rules: counted, share: counted.length === 0 ? 1 : held / counted.length };
  }
}

const count = (counts: Map<number, number>, rule: number): void => {
  counts.set(rule, (counts.get(rule) ?? 0) + 1);
};
