/** What of a record may be kept: the subject as the operator wishes, secrets masked, text from outside bounded. Done once, before it is stored. */
import type { Facts, FactValue } from '../policy/facts.ts';
import type { CheckRun, DnsEvidence, RecipientRecord, TransactionRecord } from './record.ts';

export interface Redaction {
  readonly subject: 'full' | 'hash' | 'off';
  /** What may stand nowhere (a zone with a key in its name), and what is shown in its place. */
  readonly masks: readonly { readonly secret: string; readonly shownAs: string }[];
  /** SHA-256 as hex. */
  readonly hash: (text: string) => string;
}

export const EVIDENCE_TEXT_MAX = 1024; // characters of one answer or evidence text: the longest SPF records in the wild have half of it
export const EVIDENCE_ITEMS_MAX = 64; // answers to one question, items of one list

/** A rule that reads the subject can only be asked again over a record that kept it (`rerun` says so): `subject: full` is the default for that. */
export function redact(record: TransactionRecord, { subject, masks, hash }: Redaction): TransactionRecord {
  const bounded: TransactionRecord = {
    ...record,
    dns: record.dns.map(boundAnswer),
    checks: record.checks.map(boundCheck),
    recipients: record.recipients.map(
      (recipient): RecipientRecord =>
        recipient.checks.length === 0 ? recipient : { ...recipient, checks: recipient.checks.map(boundCheck) },
    ),
  };
  const discreet = subject === 'full' ? bounded : hideSubject(bounded, subject === 'hash' ? hash : () => '');
  const secrets = masks.filter(({ secret }) => secret !== '');
  return secrets.length === 0 ? discreet : (mask(discreet, secrets) as TransactionRecord);
}

function boundAnswer(answer: DnsEvidence): DnsEvidence {
  const fits =
    answer.answer.length <= EVIDENCE_ITEMS_MAX && answer.answer.every((text) => text.length <= EVIDENCE_TEXT_MAX);
  return fits ? answer : { ...answer, answer: bound(answer.answer) as readonly string[] };
}

function boundCheck(check: CheckRun): CheckRun {
  for (const _ in check.evidence) return { ...check, evidence: bound(check.evidence) as CheckRun['evidence'] };
  return check;
}

function bound(value: FactValue): FactValue {
  if (typeof value === 'string')
    return value.length > EVIDENCE_TEXT_MAX ? `${value.slice(0, EVIDENCE_TEXT_MAX)}...` : value;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.slice(0, EVIDENCE_ITEMS_MAX).map(bound);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, bound(item)]));
}

/** The subject stands in the identity, among the facts, and in what `header('subject')` answered. */
function hideSubject(record: TransactionRecord, hide: (text: string) => string): TransactionRecord {
  const hideIn = (facts: Facts): Facts => {
    const message = facts.message as { readonly [name: string]: FactValue } | undefined;
    if (message === undefined || typeof message.subject !== 'string') return facts;
    return { ...facts, message: { ...message, subject: hide(message.subject) } };
  };
  const hideCalls = (calls: RecipientRecord['calls']): RecipientRecord['calls'] =>
    Object.fromEntries(
      Object.entries(calls).map(([call, answer]) => [
        call,
        ASKS_SUBJECT.test(call) ? hideAnswer(answer, hide) : answer,
      ]),
    );
  return {
    ...record,
    hidden: 'subject',
    facts: hideIn(record.facts),
    session: { ...record.session, calls: hideCalls(record.session.calls) },
    recipients: record.recipients.map((recipient) => ({ ...recipient, calls: hideCalls(recipient.calls) })),
    message: record.message === null ? null : { ...record.message, subject: hide(record.message.subject) },
  };
}

const ASKS_SUBJECT = /^headers?\(\s*["']subject["']\s*\)$/i;

function hideAnswer(answer: FactValue, hide: (text: string) => string): FactValue {
  if (typeof answer === 'string') return answer === '' ? '' : hide(answer);
  return Array.isArray(answer) ? answer.map((item: FactValue) => hideAnswer(item, hide)) : answer;
}

function mask(value: unknown, masks: Redaction['masks']): unknown {
  if (typeof value === 'string') {
    let shown = value;
    for (const { secret, shownAs } of masks) if (shown.includes(secret)) shown = shown.replaceAll(secret, shownAs);
    return shown;
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => mask(item, masks));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [mask(name, masks), mask(item, masks)]));
}
