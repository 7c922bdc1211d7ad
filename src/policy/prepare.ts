/** What a check needs to start: its guard answered, its options resolved against the facts so far. */
import { Asking, type Ground } from './asking.ts';
import type { FactValue } from './facts.ts';
import type { LoadedCheck, OptionPart } from './load-checks.ts';
import type { List, Prepared, Situation } from './policy.ts';
import { fillTemplate } from './template.ts';

export function prepareCheck(check: LoadedCheck, ground: Ground, situation: Situation): Prepared {
  const { after, options, name } = check.instance;
  const waitFor = after.filter((other) => situation.view.pending.has(other));
  if (waitFor.length > 0) return { kind: 'pending', waitFor };
  // Most need nothing: an asking looks at every fact there is.
  if (check.guard === undefined && check.parts.length === 0) return { kind: 'run', options, inputs: {} };
  const asking = new Asking(ground, situation, 0);
  if (check.guard !== undefined) {
    const answer = asking.answer(check.guard);
    if (answer.kind === 'pending') return answer;
    // A guard that cannot be evaluated runs the check (docs/policy.md §4).
    if (answer.kind === 'value' && answer.value !== true) return { kind: 'skip' };
  }
  const inputs: { [name: string]: FactValue } = {};
  let resolved: unknown = options;
  for (const part of check.parts) {
    const value = resolvePart(part, asking);
    if (value.kind === 'pending') return value;
    if (value.kind === 'unknown')
      return { kind: 'fail', why: `cannot answer ${part.path.join('.')} of ${name}: what it reads is not known` };
    resolved = withValueAt(resolved, part.path, value.value);
    inputs[part.path.join('.')] = value.input;
  }
  return { kind: 'run', options: resolved as { readonly [name: string]: unknown }, inputs };
}

type Resolved =
  | { readonly kind: 'value'; readonly value: FactValue | List; readonly input: FactValue }
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] }
  | { readonly kind: 'unknown' };

function resolvePart(part: OptionPart, asking: Asking): Resolved {
  switch (part.kind) {
    case 'list':
      return { kind: 'value', value: part.list, input: `lists.${part.list.name}` };
    case 'template': {
      const text = fillTemplate(part.template, asking);
      return text.kind === 'pending' ? text : { kind: 'value', value: text.text, input: text.text };
    }
    case 'expression': {
      const answer = asking.answer(part.expression);
      if (answer.kind === 'unknown') return { kind: 'unknown' };
      return answer.kind === 'pending' ? answer : { kind: 'value', value: answer.value, input: answer.value };
    }
  }
}

/** A copy with one value exchanged. */
function withValueAt(whole: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const inner = (whole as { readonly [key: string | number]: unknown })[step];
  const changed = withValueAt(inner, rest, value);
  if (Array.isArray(whole)) return whole.map((item, n) => (n === step ? changed : item));
  return { ...(whole as object), [step]: changed };
}
