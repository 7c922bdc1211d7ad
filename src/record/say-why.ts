/** Why a matter ended as it did, in one sentence, with the rule's file and line. */
import type { Reply } from '../mail/reply.ts';
import { sayReadings } from './say-value.ts';
import type { RecipientView, RecordView, RuleView } from './view.ts';

/** The sentence for the whole record: the session's end, or the count of verdicts and the gravest one's cause. */
export function sayWhy(view: RecordView): string {
  const { session, recipients } = view;
  if (session.verdict !== undefined && session.reply !== undefined) {
    const cause = sayCause(view, session.rules, session.rule ?? '', session.reason ?? '');
    return `${PAST[session.verdict]} at ${session.stage ?? ''} ${cause}: ${sayReply(session.reply)}`;
  }
  const worst = [...recipients].sort((a, b) => GRAVITY.indexOf(a.verdict) - GRAVITY.indexOf(b.verdict))[0];
  if (worst === undefined) return 'the client left before anything was decided';
  const counts = GRAVITY.flatMap((verdict) => {
    const n = recipients.filter((recipient) => recipient.verdict === verdict).length;
    return n === 0 ? [] : [`${n} ${PAST[verdict]}`];
  });
  if (recipients.length === 1) return sayRecipient(view, worst);
  const cause = sayCause(view, [...worst.rules, ...view.session.rules], worst.rule, worst.reason);
  return `${counts.join(', ')}; <${worst.address}> ${cause}`;
}

/** `.2  <carol@example.com> quarantined at data by rule dmarc-hold (inbound.yaml:44), …`. */
export function sayOne(view: RecordView, recipient: RecipientView): string {
  return `.${recipient.number}  <${recipient.address}> ${sayRecipient(view, recipient)}`;
}

export const sayReply = ({ code, enhanced, text }: Reply): string =>
  [String(code), enhanced, text].filter((part) => part !== '').join(' ');

function sayRecipient(view: RecordView, recipient: RecipientView): string {
  const cause = sayCause(
    view,
    [...recipient.rules, ...view.session.rules],
    recipient.rule,
    recipient.reason,
    recipient,
  );
  const because = recipient.why === '' ? '' : `, "${recipient.why}"`;
  const outcome = EXPECTED[recipient.verdict] === recipient.outcome ? '' : `, came out as ${recipient.outcome}`;
  const answer = recipient.reply.code === 0 ? '' : `, answered ${sayReply(recipient.reply)}`;
  return `${PAST[recipient.verdict]} at ${recipient.stage} ${cause}${because}${outcome}${answer}`;
}

function sayCause(
  view: RecordView,
  rules: readonly RuleView[],
  name: string,
  reason: string,
  recipient?: RecipientView,
): string {
  if (reason === 'otherwise') return 'as no rule ended it';
  if (reason.startsWith('builtin:')) return `by the gateway itself (${reason})`;
  if (reason.startsWith('on_error:')) return `because the check ${reason.slice('on_error:'.length)} did not answer`;
  const asked = rules.find((rule) => rule.rule === name && rule.came !== 'quiet');
  if (asked === undefined) return `by ${reason === '' ? 'nothing on record' : reason.replace(':', ' ')}`;
  const readings = sayReadings(asked.condition, rootsOf(view, recipient), recipient?.facts ?? {}, view.facts);
  const given = readings === '' ? '' : `, as ${readings}`;
  return `by rule ${asked.rule} (${asked.file}:${asked.line})${given}`;
}

/** The first words of facts: what a condition may name. */
export function rootsOf(view: RecordView, recipient?: RecipientView): ReadonlySet<string> {
  const checks = [...view.checks, ...(recipient?.checks ?? [])].map(({ name }) => name);
  return new Set([...Object.keys(view.facts), ...Object.keys(recipient?.facts ?? {}), ...checks]);
}

/** The gravest first. */
const GRAVITY = ['reject', 'discard', 'quarantine', 'hold', 'defer', 'accept'] as const;
const PAST = {
  reject: 'rejected',
  discard: 'discarded',
  quarantine: 'quarantined',
  hold: 'held',
  defer: 'deferred',
  accept: 'accepted',
} as const;
/** The outcome that each verdict leads to by itself; any other is worth a word. */
const EXPECTED = {
  reject: 'refused',
  discard: 'discarded',
  quarantine: 'quarantined',
  hold: 'held',
  defer: 'deferred',
  accept: 'queued',
} as const;
