/** The record as other programs read it: the words of docs/promises.md, rules joined with their names, files and lines, later events at the end. */

import { parseReply, type Reply } from '../mail/reply.ts';
import { sayDuration } from '../mail/time.ts';
import type { RuleTrace, Truth, Verdict } from '../policy/disposition.ts';
import type { CheckStatus, Facts, FactValue } from '../policy/facts.ts';
import type { Override } from '../policy/override.ts';
import type { RuleInfo } from '../policy/policy.ts';
import type { Stage } from '../policy/stage.ts';
import type {
  CheckRun,
  DnsEvidence,
  MessageIdentity,
  Outcome,
  RecipientCopy,
  RecipientRecord,
  RecordEvent,
  RemovedPart,
  SentReply,
  StageDecision,
  TransactionRecord,
  Verdictum,
} from './record.ts';

/** What of a policy the view needs: a loaded one, or the one rebuilt from the bundle that decided. */
export interface RuleBook {
  readonly rules: readonly RuleInfo[];
  readonly bundle?: { readonly files: readonly { readonly path: string }[] };
}

/** A rule that was asked, and what came of it. Without the policy only its number is known. */
export interface RuleView {
  readonly rule: string;
  readonly number: number;
  readonly group: string;
  readonly stage: Stage;
  /** From the policies' folder, wherever that lies. */
  readonly file: string;
  readonly line: number;
  readonly condition: string;
  readonly action: string;
  readonly mode: string;
  /** The brake a person put on it, as the bundle that decided has it. */
  readonly override?: OverrideView;
  readonly truth: Truth;
  readonly came: RuleTrace['came'];
  /** The rule that passed it over, or ''. */
  readonly allowed_by: string;
}

export interface OverrideView {
  readonly id: string;
  readonly kind: 'rule' | 'check';
  readonly name: string;
  readonly by: string;
  readonly why: string;
  readonly since: string;
  readonly until: string;
}

export interface CheckView {
  readonly name: string;
  readonly check: string;
  readonly stage: Stage;
  readonly status: CheckStatus;
  readonly why: string;
  readonly inputs: { readonly [name: string]: FactValue };
  readonly took_ms: number;
  /** Places in the record's `dns`. */
  readonly dns: readonly number[];
  readonly evidence: { readonly [name: string]: FactValue };
}

/** A check that did not answer, and what the policy says about that (`on_error`). */
export interface OutageView {
  readonly stage: Stage;
  readonly check: string;
  readonly means: 'skip' | 'defer' | 'quarantine';
  readonly spoke: boolean;
}

export interface RecipientView {
  readonly number: number;
  readonly address: string;
  readonly verdict: Verdict;
  readonly rule: string;
  readonly reason: string;
  readonly stage: Stage;
  readonly reply: Reply;
  readonly outcome: Outcome;
  readonly why: string;
  readonly facts: Facts;
  readonly score: number;
  readonly checks: readonly CheckView[];
  readonly rules: readonly RuleView[];
  readonly outages: readonly OutageView[];
  readonly calls: { readonly [call: string]: FactValue };
  /** Fields the rules put on top of this recipient's copy. */
  readonly headers: readonly { readonly name: string; readonly value: string; readonly by: string }[];
  /** Names of fields that rules took off what was received. */
  readonly removed_headers?: readonly string[];
  /** What stands before the subject. */
  readonly subject_tags?: readonly string[];
  /** What rules had done beside the message. */
  readonly orders?: readonly { readonly kind: 'suspend' | 'notify'; readonly text: string; readonly by: string }[];
  /** Set where a rule chose the route. */
  readonly route?: string;
  /** Where it went instead. */
  readonly redirect?: { readonly address: string; readonly by: string };
  readonly removed?: readonly RemovedPart[];
  readonly copies?: readonly RecipientCopy[];
  readonly notes: readonly { readonly by: string; readonly text: string }[];
}

export interface SessionView {
  /** These five are there when the session or transaction ended before any recipient. */
  readonly verdict?: Verdict;
  readonly rule?: string;
  readonly reason?: string;
  readonly stage?: Stage;
  readonly reply?: Reply;
  readonly rules: readonly RuleView[];
  readonly outages: readonly OutageView[];
  readonly calls: { readonly [call: string]: FactValue };
}

export interface EventView {
  readonly at: string;
  readonly recipient: number;
  readonly kind: RecordEvent['kind'];
  readonly by: string;
  readonly text: string;
}

export interface RecordView {
  readonly version: number;
  readonly id: string;
  readonly kind: TransactionRecord['kind'];
  readonly node: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly took_ms: number;
  readonly listener: string;
  readonly policy: string;
  readonly bundle: string;
  readonly stages: readonly Stage[];
  readonly facts: Facts;
  readonly session: SessionView;
  readonly recipients: readonly RecipientView[];
  readonly message: MessageIdentity | null;
  readonly replies: readonly SentReply[];
  readonly checks: readonly CheckView[];
  readonly dns: readonly DnsEvidence[];
  /** Set where the subject was not kept. */
  readonly hidden?: 'subject';
  /** More of the same from one network, folded into this one. */
  readonly count: number;
  readonly events: readonly EventView[];
}

export function recordView(
  record: TransactionRecord,
  events: readonly RecordEvent[],
  policy: RuleBook | undefined,
): RecordView {
  const { session, recipients, checks, took, at, ...rest } = answeredLate(record, events);
  const end = endOf(record);
  return {
    version: rest.version,
    id: rest.id,
    kind: rest.kind,
    node: rest.node,
    at: isoTime(at),
    took_ms: took,
    listener: rest.listener,
    policy: rest.policy,
    bundle: rest.bundle,
    stages: rest.stages,
    facts: rest.facts,
    session: {
      ...(end === null ? {} : endView(end)),
      rules: rulesView(session.decisions, policy),
      outages: outagesView(session.decisions),
      calls: session.calls,
    },
    recipients: recipients.map((recipient) => recipientView(recipient, policy)),
    message: rest.message,
    replies: rest.replies,
    checks: checks.map(checkView),
    dns: rest.dns,
    ...(rest.hidden === undefined ? {} : { hidden: rest.hidden }),
    count: rest.count,
    events: events.map(eventView),
  };
}

/** Where no rule ended it, what the wire answered to MAIL did: a login that is owed, a sender that is no address. */
function endOf({ session, recipients, replies, kind }: TransactionRecord): Verdictum | null {
  if (session.end !== null || kind !== 'connection' || recipients.length > 0) return session.end;
  const last = replies.findLast(({ to, reason, reply }) => to === 'MAIL' && reason !== undefined && reply.code >= 400);
  if (last === undefined) return null;
  const verdict = last.reply.code >= 500 ? 'reject' : 'defer';
  return { verdict, rule: '', reason: `builtin:${last.reason}`, stage: 'mail', reply: last.reply };
}

/** Its client waited for the next hop: what it heard in the end takes the place of the reply that was kept with the promise. */
function answeredLate(record: TransactionRecord, events: readonly RecordEvent[]): TransactionRecord {
  const said = events.find(({ kind }) => kind === 'answered');
  const refused = new Set(events.flatMap(({ kind, recipient }) => (kind === 'refused' ? [recipient] : [])));
  if (said === undefined && refused.size === 0) return record;
  const reply = said && parseReply([said.text]);
  return {
    ...record,
    replies: record.replies.map((sent) => (sent.to === 'content' && reply ? { ...sent, reply } : sent)),
    recipients: record.recipients.map((one): RecipientRecord => {
      if (one.outcome !== 'queued' && one.outcome !== 'duplicate') return one;
      // One that stands for several is refused when all are: their entries have numbers of their own.
      const outcome = refused.has(one.number) && (reply === undefined || reply.code >= 500) ? 'refused' : one.outcome;
      return { ...one, outcome, ...(reply === undefined ? {} : { reply }) };
    }),
  };
}

function recipientView(recipient: RecipientRecord, policy: RuleBook | undefined): RecipientView {
  return {
    number: recipient.number,
    address: recipient.address,
    ...endView(recipient),
    outcome: recipient.outcome,
    why: recipient.why,
    facts: recipient.facts,
    score: recipient.score,
    checks: recipient.checks.map(checkView),
    rules: rulesView(recipient.decisions, policy),
    outages: outagesView(recipient.decisions),
    calls: recipient.calls,
    ...changesView(recipient),
    notes: recipient.notes,
  };
}

function changesView({
  modifications,
  removed,
  copies,
  target,
}: RecipientRecord): Pick<
  RecipientView,
  'headers' | 'orders' | 'removed_headers' | 'subject_tags' | 'route' | 'redirect' | 'removed' | 'copies'
> {
  const headers: { name: string; value: string; by: string }[] = [];
  const fields: string[] = [];
  const tags: string[] = [];
  const orders: { kind: 'suspend' | 'notify'; text: string; by: string }[] = [];
  let route: string | undefined;
  let redirect = target;
  for (const change of modifications) {
    switch (change.kind) {
      case 'addHeader':
        headers.push({ name: change.name, value: change.value, by: change.by });
        break;
      case 'removeHeader':
        fields.push(change.name);
        break;
      case 'tagSubject':
        tags.push(change.tag);
        break;
      case 'route':
        route = change.route;
        break;
      case 'redirect':
        redirect = { address: change.address, by: change.by };
        break;
      case 'suspend':
        orders.push({ kind: 'suspend', text: `for ${sayDuration(change.span)}`, by: change.by });
        break;
      case 'notify':
        orders.push({ kind: 'notify', text: change.text, by: change.by });
        break;
      // What came of these stands in `copies` and `removed`.
      case 'bcc':
      case 'stripAttachments':
        break;
    }
  }
  return {
    headers,
    ...(fields.length === 0 ? {} : { removed_headers: fields }),
    ...(tags.length === 0 ? {} : { subject_tags: tags }),
    ...(orders.length === 0 ? {} : { orders }),
    ...(route === undefined ? {} : { route }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(removed === undefined ? {} : { removed }),
    ...(copies === undefined ? {} : { copies }),
  };
}

function endView({ verdict, rule, reason, stage, reply }: Verdictum): Verdictum {
  return { verdict, rule, reason, stage, reply: { code: reply.code, enhanced: reply.enhanced, text: reply.text } };
}

function checkView({ took, ...run }: CheckRun): CheckView {
  return {
    name: run.name,
    check: run.check,
    stage: run.stage,
    status: run.status,
    why: run.why,
    inputs: run.inputs,
    took_ms: took,
    dns: run.dns,
    evidence: run.evidence,
  };
}

function rulesView(decisions: readonly StageDecision[], policy: RuleBook | undefined): readonly RuleView[] {
  return decisions.flatMap((decision) =>
    decision.rules.map((trace): RuleView => {
      const info = policy?.rules[trace.rule];
      return {
        rule: info?.name ?? '',
        number: trace.rule,
        group: info?.group ?? '',
        stage: decision.stage,
        file: fileOf(info, policy),
        line: info?.place.line ?? 0,
        condition: info?.condition ?? '',
        action: info?.action ?? '',
        mode: info?.mode ?? '',
        ...(info?.override === undefined ? {} : { override: overrideView(info.override) }),
        truth: trace.truth,
        came: trace.came,
        allowed_by:
          trace.allowedBy === undefined ? '' : (policy?.rules[trace.allowedBy]?.name ?? `#${trace.allowedBy}`),
      };
    }),
  );
}

export const overrideView = ({ id, kind, name, by, why, since, until }: Override): OverrideView => ({
  id,
  kind,
  name,
  by,
  why,
  since: isoTime(since),
  until: isoTime(until),
});

/** A policy that was read from disk names its files as the reader found them, one from its bundle as the bundle does. */
function fileOf(info: RuleInfo | undefined, policy: RuleBook | undefined): string {
  const file = info?.place.file ?? '';
  const paths = policy?.bundle?.files.map(({ path }) => path) ?? [];
  return paths.find((path) => file === path || file.endsWith(`/${path}`)) ?? file;
}

function outagesView(decisions: readonly StageDecision[]): readonly OutageView[] {
  return decisions.flatMap(({ stage, outages }) => outages.map((outage) => ({ stage, ...outage })));
}

const isoTime = (at: number): string => new Date(at).toISOString();

export const eventView = (event: RecordEvent): EventView => ({
  at: isoTime(event.at),
  recipient: event.recipient,
  kind: event.kind,
  by: event.by,
  text: event.text,
});
