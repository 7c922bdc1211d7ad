/**
 * When a rule holds. What is not known falls to the careful side (docs/policy.md §5):
 *
 * |              | `when`, `all`, `any` unknown | `none` unknown                  | anything pending that could matter |
 * | restricting  | does not hold                | no excuse: as if it did not match | wait                               |
 * | permitting   | does not hold                | does not hold                   | wait                               |
 *
 * `all` is false as soon as one entry is, `any` true as soon as one is, whatever the others are still waiting for: so
 * waiting longer never changes an answer that is there.
 */
import type { Answer, Asking } from './asking.ts';
import type { Expression } from './expression.ts';
import type { Condition } from './rule.ts';

export type Holds =
  | { readonly kind: 'yes'; readonly outages: readonly string[] }
  | { readonly kind: 'no' }
  /** `outages` are the checks whose failure it is owed to. */
  | { readonly kind: 'unknown'; readonly outages: readonly string[] }
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] };

export function holds(condition: Condition, permits: boolean, asking: Asking): Holds {
  const all = conjunction(condition.all.map((expression) => truthOf(expression, asking)));
  const any =
    condition.any.length === 0 ? YES : disjunction(condition.any.map((expression) => truthOf(expression, asking)));
  const excused = disjunction(condition.none.map((expression) => truthOf(expression, asking)));
  return conjunction([all, any, permits ? negation(excused) : carefully(negation(excused))]);
}

const YES: Holds = { kind: 'yes', outages: [] };
const NO: Holds = { kind: 'no' };

function truthOf(expression: Expression, asking: Asking): Holds {
  const answer: Answer = asking.answer(expression);
  switch (answer.kind) {
    case 'value':
      return answer.value === true ? YES : NO;
    case 'pending':
      return { kind: 'pending', waitFor: answer.waitFor };
    case 'unknown':
      return { kind: 'unknown', outages: answer.checks };
  }
}

/** An exception nobody can judge excuses nothing; the rule that holds in spite of it says so. */
function carefully(unexcused: Holds): Holds {
  return unexcused.kind === 'unknown' ? { kind: 'yes', outages: unexcused.outages } : unexcused;
}

/** No, before pending, before unknown, before yes. */
function conjunction(parts: readonly Holds[]): Holds {
  let isPlain = true;
  for (const part of parts) {
    if (part.kind === 'no') return NO;
    isPlain &&= part === YES;
  }
  if (isPlain) return YES;
  const waitFor = parts.flatMap((part) => (part.kind === 'pending' ? part.waitFor : []));
  if (waitFor.length > 0) return { kind: 'pending', waitFor: [...new Set(waitFor)] };
  const outages = [...new Set(parts.flatMap((part) => ('outages' in part ? part.outages : [])))];
  return { kind: parts.some(({ kind }) => kind === 'unknown') ? 'unknown' : 'yes', outages };
}

function disjunction(parts: readonly Holds[]): Holds {
  return negation(conjunction(parts.map(negation)));
}

function negation(part: Holds): Holds {
  if (part.kind === 'yes') return NO;
  return part.kind === 'no' ? YES : part;
}
