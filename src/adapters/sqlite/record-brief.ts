/** A record in fewer words: what every record says under the same names in the same order is written as lists, all else as it is. */
import type { RecipientRecord, TransactionRecord } from '../../record/record.ts';
import { type Named, named, place, STAGES, shaped, unshaped } from './brief-lists.ts';
import {
  longAnswer,
  longCheck,
  longDecision,
  longFacts,
  shortAnswer,
  shortCheck,
  shortDecision,
  shortFacts,
} from './brief-parts.ts';

/** JSON of the record in this form. What does not look as expected, or has more to say, is left as it is. */
export function brief(record: TransactionRecord): string {
  const server = record.dns.find((answer) => answer.server !== '')?.server ?? '';
  return JSON.stringify({
    ...record,
    facts: shortFacts(record.facts),
    checks: record.checks.map(shortCheck),
    stages: record.stages.map((stage) => place(STAGES, stage)),
    session: { ...record.session, decisions: record.session.decisions.map(shortDecision) },
    recipients: record.recipients.map(shortRecipient),
    message: shortMessage(record),
    replies: record.replies.map(shortReply),
    dns: [server, ...record.dns.map((answer) => shortAnswer(answer, server))],
  });
}

/** JSON of the record as it was, to the letter. */
export function inFull(text: string): string {
  const record = JSON.parse(text) as Kept;
  const [server, ...answers] = record.dns;
  const facts = longFacts(record.facts);
  return JSON.stringify({
    ...record,
    facts,
    checks: record.checks.map(longCheck),
    stages: record.stages.map((stage) => named(STAGES, stage)),
    session: { ...record.session, decisions: record.session.decisions.map(longDecision) },
    recipients: record.recipients.map(longRecipient),
    message: longMessage(record.message, facts),
    replies: record.replies.map(longReply),
    dns: answers.map((answer) => longAnswer(answer, server as string)),
  });
}

type List = readonly unknown[];
interface Kept {
  readonly facts: Named;
  readonly checks: List;
  readonly stages: List;
  readonly session: { readonly decisions: List };
  readonly recipients: List;
  readonly message: unknown;
  readonly replies: List;
  readonly dns: List;
}

const RECIPIENT =
  'number address verdict rule reason stage reply facts checks decisions calls modifications notes score outcome why';
const RECIPIENT_NAMES = RECIPIENT.split(' ');

function shortRecipient(recipient: RecipientRecord): unknown {
  const { facts, checks, decisions } = recipient;
  const short = {
    ...recipient,
    facts: shortFacts(facts),
    checks: checks.map(shortCheck),
    decisions: decisions.map(shortDecision),
  };
  return shaped(short, RECIPIENT_NAMES) ?? short;
}

function longRecipient(short: unknown): unknown {
  const recipient = (Array.isArray(short) ? unshaped(short, RECIPIENT_NAMES) : short) as Kept['recipients'][number] & {
    readonly facts: Named;
    readonly checks: List;
    readonly decisions: List;
  };
  return {
    ...recipient,
    facts: longFacts(recipient.facts),
    checks: recipient.checks.map(longCheck),
    decisions: recipient.decisions.map(longDecision),
  };
}

const IDENTITY = ['id', 'from', 'subject', 'size', 'sha256'];

/** 0 stands for what the facts of the message say. */
function shortMessage({ message, facts }: TransactionRecord): unknown {
  const [id, from, subject, size, sha256] = shaped(message, IDENTITY) ?? [];
  if (id === undefined) return message;
  const said = (facts.message ?? {}) as Named;
  return [said.id === id ? 0 : id, from, said.subject === subject ? 0 : subject, size, sha256];
}

function longMessage(short: unknown, facts: Named): unknown {
  if (!Array.isArray(short)) return short;
  const [id, from, subject, size, sha256] = short as List;
  const said = facts.message as Named;
  return unshaped([id === 0 ? said.id : id, from, subject === 0 ? said.subject : subject, size, sha256], IDENTITY);
}

const SENT = ['to', 'reply'];
const REPLY = ['code', 'enhanced', 'text'];

function shortReply(sent: object): unknown {
  const [to, reply] = shaped(sent, SENT) ?? [];
  const values = shaped(reply, REPLY);
  return values === undefined ? sent : [to, ...values];
}

function longReply(short: unknown): unknown {
  if (!Array.isArray(short)) return short;
  const [to, ...reply] = short as List;
  return { to, reply: unshaped(reply, REPLY) };
}
