/** How the dispositions of successive stages become one recipient's verdict: the same in the gateway, in a rehearsal and over a record. */
import type { Disposition, Verdict } from './disposition.ts';
import { asksMore } from './held-rights.ts';
import type { Stage } from './stage.ts';

/** Where a recipient stands. `reason` is `rule:NAME`, `on_error:CHECK`, `builtin:WORD` or `otherwise`. */
export interface Course {
  readonly disposition: Disposition;
  /** The stage that said it, or the last one passed. */
  readonly stage: Stage;
  readonly reason: string;
  readonly rule: string;
}

export const startOf = (stage: Stage): Course => ({
  disposition: { kind: 'continue' },
  stage,
  reason: 'otherwise',
  rule: '',
});

/**
 * What was said first stays, unless a later stage says something graver: malware found in what was quarantined as spam, or a class
 * that fewer may release.
 */
export function advance(course: Course, said: Disposition, stage: Stage): Course {
  if (said.kind === 'continue') return course.disposition.kind === 'continue' ? { ...course, stage } : course;
  const now = gravity(course.disposition);
  const next = gravity(said);
  if (next < now || (next === now && said.kind !== 'accept' && !heldForMore(said, course.disposition))) return course;
  return { disposition: said, stage, reason: said.by, rule: ruleOf(said.by) };
}

const heldForMore = (said: Disposition, before: Disposition): boolean =>
  said.kind === 'quarantine' && before.kind === 'quarantine' && asksMore(said.class, before.class);

/** What is said once patience is over. */
export function afterPatience(disposition: Disposition): Disposition {
  if (disposition.kind !== 'defer' || disposition.patience === undefined) return disposition;
  return { kind: 'quarantine', by: disposition.by, class: 'policy', reason: disposition.patience.reason };
}

/** `rule:NAME` names a rule; anything else is not one. */
export const ruleOf = (reason: string): string => (reason.startsWith('rule:') ? reason.slice('rule:'.length) : '');

export const verdictOf = (disposition: Disposition): Verdict =>
  disposition.kind === 'continue' ? 'accept' : disposition.kind;

export const refuses = (disposition: Disposition): disposition is Extract<Disposition, { kind: 'reject' | 'defer' }> =>
  disposition.kind === 'reject' || disposition.kind === 'defer';

function gravity({ kind }: Disposition): number {
  switch (kind) {
    case 'continue':
      return 0;
    case 'accept':
      return 1;
    case 'hold':
      return 2;
    case 'quarantine':
      return 3;
    case 'discard':
      return 4;
    case 'defer':
      return 5;
    case 'reject':
      return 6;
  }
}
