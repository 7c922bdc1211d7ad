/** Names that stand all over a record's text, written once: a control character, which JSON has none of, stands for each. */
import type { TransactionRecord } from '../../record/record.ts';

/** Shorter ones are not worth the search. */
const LENGTH_MIN = 8;
const FIRST = 1;
const MARK = '\u001f';

/** The text with what it repeats taken out, and that before it. */
export function withoutRepeats(text: string, repeats: readonly string[]): string {
  let head = '';
  let rest = text;
  let code = FIRST;
  for (const repeat of repeats) {
    const written = JSON.stringify(repeat).slice(1, -1);
    if (written.length < LENGTH_MIN) continue;
    rest = rest.replaceAll(written, String.fromCharCode(code));
    head += written + MARK;
    code += 1;
  }
  return head + rest;
}

export function withRepeats(text: string): string {
  const heads = text.split(MARK);
  let rest = heads.pop()!;
  // The last one taken out may be written with those before it.
  for (let code = heads.length; code > 0; code--)
    rest = rest.replaceAll(String.fromCharCode(code), () => heads[code - 1]!);
  return rest;
}

/** Who sent it from where stands in facts, questions, answers and addresses; the host first, as its name holds the domain. */
export function repeatsOf({ facts }: TransactionRecord): readonly string[] {
  return [part(facts.client, 'name'), part(facts.mail, 'domain')].filter((one) => typeof one === 'string');
}

const part = (group: unknown, name: string): unknown =>
  typeof group === 'object' && group !== null ? (group as { readonly [name: string]: unknown })[name] : undefined;
