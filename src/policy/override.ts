/** An override: a brake that ends by itself. Until its time is over, what it names restricts nothing. */
import type { Timestamp } from '../mail/time.ts';
import type { Action, Rule } from './rule.ts';

export interface Override {
  readonly id: string;
  /** A check stands for every rule that restricts and reads it. */
  readonly kind: 'rule' | 'check';
  readonly name: string;
  /** The one policy it holds for; '' for every policy that has such a rule or check. */
  readonly policy: string;
  readonly by: string;
  readonly why: string;
  readonly since: Timestamp;
  readonly until: Timestamp;
}

/** Rules as they are asked under these overrides: in `monitor`, so that the record still says what they would have done. */
export const withOverrides = (rules: readonly Rule[], overrides: readonly Override[]): readonly Rule[] =>
  overrides.length === 0
    ? rules
    : rules.map((rule) => {
        const override = overrides.find((one) => brakes(one, rule));
        return override === undefined ? rule : { ...rule, info: { ...rule.info, mode: 'monitor', override } };
      });

/** Those that mean something in this policy: only they become part of its bundle. */
export const overridesOf = (
  {
    policy,
    rules,
    checks,
  }: { readonly policy: string; readonly rules: readonly Rule[]; readonly checks: readonly string[] },
  overrides: readonly Override[],
): readonly Override[] =>
  overrides.filter(
    (one) =>
      (one.policy === '' || one.policy === policy) &&
      (one.kind === 'check' ? checks.includes(one.name) : rules.some((rule) => brakes(one, rule))),
  );

/** An outage of a braked check has nothing to say: it would defer, or keep aside, because of it. */
export const isSilenced = (check: string, overrides: readonly Override[]): boolean =>
  overrides.some(({ kind, name }) => kind === 'check' && name === check);

/** A named rule whatever it does; by way of a check only what restricts, so that a brake never refuses more than before. */
const brakes = ({ kind, name }: Override, rule: Rule): boolean =>
  kind === 'rule' ? rule.info.name === name : rule.checks.has(name) && restricts(rule.action);

function restricts(action: Action): boolean {
  switch (action.kind) {
    case 'reject':
    case 'defer':
    case 'quarantine':
    case 'hold':
    case 'discard':
    case 'strip_attachments':
    case 'redirect':
    case 'suspend':
      return true;
    case 'score':
      return action.score > 0;
    case 'accept':
    case 'allow':
    case 'add_header':
    case 'remove_header':
    case 'tag_subject':
    case 'bcc':
    case 'route':
    case 'note':
    case 'notify':
      return false;
  }
}
