/** The words a record is found by, the same for every engine. */
import type { FactValue } from '../policy/facts.ts';
import type { TransactionRecord, Verdictum } from './record.ts';

/** A reason of this kind repeats the rule's name. */
const OF_A_RULE = 'rule:';

/** What of a query is looked up as words; the rest bounds time and pages. */
export interface Sought {
  readonly messageId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly client?: string;
  readonly rule?: string;
  readonly verdict?: string;
}

/**
 * `from` is the reverse-path and the From field, each as address and as `@domain`; `client` address, network, name and user;
 * `rule` the rule that ended the matter by its name, or its whole reason (`builtin:unknown-recipient`).
 */
export function termsOf(record: TransactionRecord): readonly string[] {
  const terms = new Set<string>();
  const add = (kind: string, value: FactValue | undefined) => {
    if (typeof value === 'string' && value !== '') terms.add(`${kind}:${value.toLowerCase()}`);
  };
  const address = (kind: string, value: FactValue | undefined) => {
    add(kind, value);
    if (typeof value === 'string' && value.includes('@')) add(kind, value.slice(value.lastIndexOf('@')));
  };
  const ended = (matter: Verdictum) => {
    add('rule', matter.rule);
    if (!matter.reason.startsWith(OF_A_RULE)) add('rule', matter.reason);
    add('verdict', matter.verdict);
  };
  const { client, mail, from, message } = record.facts;
  address('from', fact(mail, 'address'));
  address('from', fact(from, 'address'));
  for (const name of ['ip', 'network', 'name', 'user']) add('client', fact(client, name));
  add('message', record.message?.id ?? fact(message, 'id'));
  if (record.session.end) ended(record.session.end);
  for (const recipient of record.recipients) {
    address('to', recipient.address);
    ended(recipient);
  }
  return [...terms];
}

/** The words a query asks for, the most telling first; all of them must be there. A bare domain is read as `@domain`. */
export function termsSought(query: Sought): readonly string[] {
  const bare = (value: string | undefined) => (value === undefined || value.includes('@') ? value : `@${value}`);
  const asked: readonly (readonly [string, string | undefined])[] = [
    ['message', query.messageId],
    ['to', bare(query.to)],
    ['from', bare(query.from)],
    ['client', query.client],
    ['rule', query.rule?.startsWith(OF_A_RULE) ? query.rule.slice(OF_A_RULE.length) : query.rule],
    ['verdict', query.verdict],
  ];
  return asked.flatMap(([kind, value]) => (value === undefined ? [] : [`${kind}:${value.toLowerCase()}`]));
}

function fact(root: FactValue | undefined, name: string): FactValue | undefined {
  if (typeof root !== 'object' || Array.isArray(root)) return undefined;
  return (root as { readonly [name: string]: FactValue })[name];
}
