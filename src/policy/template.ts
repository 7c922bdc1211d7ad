/** Texts with placeholders: `too many messages from {client.network}`. Facts from outside are cleaned and bounded before they stand in one. */
import { didYouMean } from '../language/nearest.ts';
import { clean } from '../mail/reply.ts';
import { sayDuration, seconds } from '../mail/time.ts';
import type { Asking } from './asking.ts';
import type { Flaw, Names, Read } from './expression-walk.ts';
import { type FactType, fieldAt } from './fact-types.ts';
import type { FactValue } from './facts.ts';

export interface Template {
  readonly text: string;
  readonly reads: readonly Read[];
  readonly parts: readonly (string | Read)[];
}

/** Of one placeholder: a subject line or a host name still fits. */
const PLACEHOLDER_MAX = 200;
/** Of the whole: what fits a reply of a few lines. */
const FILLED_MAX = 800;

/** `left` are names that somebody else fills in later; they stay as they are. */
export function parseTemplate(
  text: string,
  names: Names,
  left: readonly string[] = [],
): { readonly template: Template; readonly flaws: readonly Flaw[] } {
  const flaws: Flaw[] = [];
  const parts: (string | Read)[] = [];
  let end = 0;
  for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
    const start = match.index;
    const path = match[1]!.trim();
    if (left.includes(path)) continue;
    parts.push(text.slice(end, start));
    end = start + match[0].length;
    const found = placeholder(path, start + 1, names);
    if ('message' in found) flaws.push(found);
    else parts.push(found);
  }
  parts.push(text.slice(end));
  const rest = parts.filter((part) => typeof part === 'string').join('');
  const stray = /[{}]/.test(left.reduce((said, name) => said.replaceAll(`{${name}}`, ''), rest));
  if (stray)
    flaws.push({
      start: text.search(/[{}]/),
      message: 'a brace stands alone',
      remedy: 'a placeholder reads {client.ip}',
    });
  const reads = parts.filter((part) => typeof part !== 'string');
  return { template: { text, reads, parts }, flaws };
}

function placeholder(path: string, start: number, names: Names): Read | Flaw {
  const [name = '', ...steps] = path.split('.');
  const root = names.roots.get(name);
  if (root === undefined || name === 'lists' || name === 'tenant_lists') {
    const { message, remedy } = names.missing(name);
    return { start, message, remedy };
  }
  const type = fieldAt(root.type, steps);
  if (type === undefined) {
    const fields = root.type.kind === 'object' ? Object.keys(root.type.fields) : [];
    const valid = fields.map((field) => `${name}.${field}`);
    return {
      start,
      message: `there is no ${path}`,
      remedy: `${didYouMean(path, valid)} ${name} has: ${fields.join(', ')}`,
    };
  }
  const simple = (of: FactType): boolean => of.kind === 'text' || of.kind === 'number' || of.kind === 'flag';
  if (!simple(type) && !(type.kind === 'list' && simple(type.of))) {
    const parts = type.kind === 'object' ? ` ${path} has: ${Object.keys(type.fields).join(', ')}` : '';
    const remedy =
      type.kind === 'list'
        ? 'a text cannot take its parts; leave it out: `postern trace` shows them all'
        : `name one of its parts.${parts}`;
    return { start, message: `${path} is no text, number or list of them`, remedy };
  }
  return { root: name, path: steps, type, start, through: '' };
}

/** Undefined facts that are still to come make the text wait, so that what is sent does not depend on timing. */
export function fillTemplate(
  template: Template,
  asking: Asking,
):
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] } {
  const waitFor = asking.pendingOf(template.reads);
  if (waitFor.length > 0) return { kind: 'pending', waitFor };
  const said = template.parts.map((part) => (typeof part === 'string' ? part : sayFact(part, asking.fact(part))));
  return { kind: 'text', text: clean(said.join(''), FILLED_MAX) };
}

function sayFact({ type, path }: Read, value: FactValue | undefined): string {
  if (value === undefined) return 'unknown';
  if (typeof value === 'number') {
    const isSpan = type.about.unit === 'seconds' || path.at(-1) === 'wait';
    return isSpan ? sayDuration(seconds(value)) : String(Math.round(value * 1000) / 1000);
  }
  return clean(Array.isArray(value) ? value.map(String).join(', ') : String(value), PLACEHOLDER_MAX);
}
