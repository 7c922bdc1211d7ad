/** What was expected of a transaction against what came: each difference with both sides. */
import { nearest } from '../../language/nearest.ts';
import type { Reply } from '../../mail/reply.ts';
import type { FactValue } from '../../policy/facts.ts';
import { findFact, sayValue } from '../../record/say-value.ts';
import { sayReply } from '../../record/say-why.ts';
import type { RecipientView, RecordView } from '../../record/view.ts';
import type { ExpectationData, RecipientExpectation } from './test-schema.ts';

export interface Mismatch {
  /** `bob@example.com verdict`, `facts spf.result`. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

export function compare(expected: ExpectationData, view: RecordView): readonly Mismatch[] {
  const found: Mismatch[] = [];
  if (expected.session !== undefined) compareEnd('session', expected.session, view.session, found);
  for (const [address, wanted] of Object.entries(expected.recipients ?? {})) {
    const recipient = view.recipients.find((one) => one.address.toLowerCase() === address.toLowerCase());
    const asked = typeof wanted === 'string' ? { verdict: wanted } : wanted;
    if (recipient === undefined) found.push({ what: address, expected: 'a recipient on record', actual: sayEnd(view) });
    else compareRecipient(address, asked, recipient, view, found);
  }
  compareFacts('facts', expected.facts, [view.facts], found);
  return found;
}

function compareRecipient(
  address: string,
  expected: RecipientExpectation,
  actual: RecipientView,
  view: RecordView,
  found: Mismatch[],
): void {
  compareEnd(address, expected, actual, found);
  equal(`${address} outcome`, expected.outcome, actual.outcome, found);
  contains(`${address} why`, expected.why, actual.why, found);
  equal(`${address} route`, expected.route, actual.route ?? '', found);
  equal(`${address} score`, expected.score, actual.score, found);
  for (const [name, text] of Object.entries(expected.headers ?? {})) {
    const values = actual.headers.filter((field) => field.name.toLowerCase() === name.toLowerCase());
    if (!values.some(({ value }) => value.includes(text)))
      found.push({
        what: `${address} header ${name}`,
        expected: sayPart(text),
        actual: values.map(({ value }) => value).join(', ') || 'none added',
      });
  }
  for (const text of expected.notes ?? []) {
    if (!actual.notes.some((note) => note.text.includes(text)))
      found.push({
        what: `${address} note`,
        expected: sayPart(text),
        actual: actual.notes.map((note) => note.text).join(', ') || 'none',
      });
  }
  const asked = [...view.session.rules, ...actual.rules];
  const came = (name: string): string => asked.findLast((rule) => rule.rule === name)?.came ?? 'never asked';
  for (const [key, fits] of Object.entries(CAME) as [keyof typeof CAME, readonly string[]][])
    for (const name of expected[key] ?? [])
      if (!fits.includes(came(name)))
        found.push({ what: `${address} rule ${name}`, expected: key, actual: came(name) });
  compareFacts(`${address} facts`, expected.facts, [actual.facts, view.facts], found);
}

const CAME = {
  held: ['held', 'softened'],
  would: ['would'],
  quiet: ['quiet', 'passedOver', 'never asked'],
} as const;

type End = Pick<RecipientExpectation, 'verdict' | 'rule' | 'reason' | 'stage' | 'reply'>;
type ActualEnd = { readonly [key in 'verdict' | 'rule' | 'reason' | 'stage']?: string } & { readonly reply?: Reply };

function compareEnd(who: string, expected: End, actual: ActualEnd, found: Mismatch[]): void {
  for (const key of ['verdict', 'rule', 'reason', 'stage'] as const)
    equal(`${who} ${key}`, expected[key], actual[key] ?? 'none', found);
  const { reply } = expected;
  if (reply === undefined) return;
  const sent = actual.reply;
  const fits =
    sent !== undefined &&
    (reply.code ?? sent.code) === sent.code &&
    (reply.enhanced ?? sent.enhanced) === sent.enhanced &&
    sent.text.includes(reply.text ?? '');
  const wanted = [reply.code, reply.enhanced, reply.text === undefined ? undefined : `...${reply.text}...`];
  if (!fits)
    found.push({
      what: `${who} reply`,
      expected: wanted.filter((part) => part !== undefined).join(' '),
      actual: sent === undefined ? 'none' : sayReply(sent),
    });
}

type FactsFrom = readonly { readonly [root: string]: FactValue }[];

function compareFacts(
  who: string,
  expected: { readonly [path: string]: unknown } | undefined,
  from: FactsFrom,
  found: Mismatch[],
  above = '',
): void {
  for (const [key, wanted] of Object.entries(expected ?? {})) {
    const path = above + key;
    if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
      compareFacts(who, wanted as { readonly [path: string]: unknown }, from, found, `${path}.`);
      continue;
    }
    const actual = findFact(path, ...from);
    if (JSON.stringify(actual) === JSON.stringify(wanted)) continue;
    found.push({
      what: `${who} ${path}`,
      expected: wanted === null || wanted === undefined ? 'a value' : sayValue(wanted as FactValue),
      actual: actual === undefined ? sayUnknown(path, from) : sayValue(actual),
    });
  }
}

function sayUnknown(path: string, from: FactsFrom): string {
  const paths = from.flatMap((facts) => pathsOf(facts));
  const near = nearest(path, paths);
  return `not known${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

function pathsOf(facts: { readonly [name: string]: FactValue }, above = ''): readonly string[] {
  return Object.entries(facts).flatMap(([name, value]) =>
    typeof value === 'object' && !Array.isArray(value)
      ? pathsOf(value as { readonly [name: string]: FactValue }, `${above}${name}.`)
      : [above + name],
  );
}

function equal(what: string, expected: unknown, actual: string | number, found: Mismatch[]): void {
  if (expected !== undefined && expected !== actual)
    found.push({ what, expected: say(expected as string | number), actual: say(actual) });
}

function contains(what: string, expected: string | undefined, actual: string, found: Mismatch[]): void {
  if (expected !== undefined && !actual.includes(expected))
    found.push({ what, expected: sayPart(expected), actual: say(actual) });
}

const say = (value: string | number): string => (value === '' ? 'none' : String(value));
const sayPart = (text: string): string => `...${text}...`;
const sayEnd = ({ session, recipients }: RecordView): string =>
  session.verdict === undefined
    ? recipients.map(({ address }) => address).join(', ') || 'no recipient'
    : `the session ended: ${session.verdict} at ${session.stage ?? ''} (${session.reason ?? ''})`;
