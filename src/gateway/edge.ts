/** Facts that the edge itself sees, from the envelope and from the header section. */
import { parseAddressList } from '../mail/address-list.ts';
import { decodeWords } from '../mail/encoded-word.ts';
import type { Mailbox, MailParameters, ReversePath } from '../mail/envelope.ts';
import { type HeaderField, parseHeaderSection } from '../mail/header.ts';
import type { FactValue } from '../policy/facts.ts';
import type { HeaderView } from '../policy/policy.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { MessageIdentity } from '../record/record.ts';

export function mailFacts(path: ReversePath, parameters: MailParameters): FactValue {
  const mailbox = path.kind === 'mailbox' ? path.mailbox : undefined;
  return {
    address: mailbox?.address ?? '',
    local: mailbox?.local ?? '',
    domain: mailbox?.domain ?? '',
    null: mailbox === undefined,
    size: parameters.size ?? 0,
    utf8: parameters.utf8 === true,
  };
}

/** What follows the first `+` of the local part (RFC 5233); '' when nothing does. */
export function recipientFacts(
  mailbox: Mailbox,
  source: { readonly result: 'known' | 'unknown' | 'unsure'; readonly source: string; readonly by: string },
  hosted: boolean,
  route: string,
): FactValue {
  const plus = mailbox.local.indexOf('+');
  return {
    address: mailbox.address,
    local: mailbox.local,
    domain: mailbox.domain,
    tag: plus === -1 ? '' : mailbox.local.slice(plus + 1),
    hosted,
    result: source.result,
    source: source.source,
    answer: source.by,
    route,
  };
}

/** Who sends for the author (RFC 5322 §3.6.2), or has sent it again (§3.6.6). */
export interface Agent {
  /** As it is written: `Sender`. */
  readonly field: string;
  /** '' with an empty domain: a part that we cannot read, and somebody else may. */
  readonly address: string;
  readonly domain: string;
}

/** The header section read once: facts, identity, and the view for `header()`. */
export interface HeaderFacts {
  readonly from: FactValue;
  readonly message: FactValue;
  readonly identity: MessageIdentity;
  readonly header: HeaderView;
  readonly hops: number;
  /** Addresses in From, all of them. */
  readonly authors: readonly { readonly address: string; readonly domain: string }[];
  /** Parts of From, or lines that are none of ours, of which somebody else may make an author. */
  readonly unreadAuthors: number;
  /** Whom it names beside them as who sent it. */
  readonly agents: readonly Agent[];
  /** The fields in their order, names in lower case: for edits. */
  readonly fields: readonly HeaderField[];
  /** Between them, what is none: for edits. */
  readonly strays: readonly { readonly value: string }[];
}

export function headerFacts(content: SpooledContent): HeaderFacts {
  const section = parseHeaderSection(content.header);
  const fields = section.fields.map((field) => ({ ...field, name: field.name.toLowerCase() }));
  const values = (name: string): readonly string[] =>
    fields.filter((field) => field.name === name.toLowerCase()).map((field) => field.value);
  const first = (name: string): string => values(name)[0] ?? '';

  // Every From field counts: two fields of one address each are as bad as one of two (RFC 5322 §3.6).
  const lists = values('from').map(parseAddressList);
  const authors = lists.flatMap(({ addresses }) => addresses);
  const unread = lists.reduce((sum, list) => sum + list.unread, 0);
  const count = authors.length + (authors.length === 0 ? 0 : unread);
  const author = count === 1 ? authors[0] : undefined;
  const subject = decodeWords(first('subject'));
  const hops = fields.filter((field) => field.name === 'received').length;
  return {
    from: {
      address: author?.address ?? '',
      domain: author?.domain ?? '',
      display: author?.display ?? '',
      count,
    },
    message: { size: content.size, id: first('message-id'), subject, date: first('date'), hops },
    identity: {
      id: first('message-id'),
      from: first('from'),
      subject,
      size: content.size,
      sha256: content.sha256,
    },
    header: { values: (name) => values(name).map(decodeWords) },
    hops,
    authors,
    unreadAuthors: unread + straysOf('From', section.strays),
    agents: AGENTS.flatMap((field) => agentsIn(field, values(field), straysOf(field, section.strays))),
    fields,
    strays: section.strays,
  };
}

/** Each of them counts, as of From. */
const AGENTS = ['Sender', 'Resent-From', 'Resent-Sender'] as const;

function agentsIn(field: string, values: readonly string[], strays: number): readonly Agent[] {
  const lists = values.map(parseAddressList);
  const unread = lists.reduce((sum, list) => sum + list.unread, strays);
  return [
    ...lists.flatMap(({ addresses }) => addresses.map(({ address, domain }) => ({ field, address, domain }))),
    ...Array.from({ length: unread > 0 ? 1 : 0 }, () => ({ field, address: '', domain: '' })),
  ];
}

/** `From` alone on a line with its colon on the next, or with a control character before it: some make a field of it. */
const straysOf = (field: string, strays: HeaderFacts['strays']): number =>
  strays.filter(({ value }) => new RegExp(`^\\s*${field}\\s*:`, 'i').test(value)).length;
