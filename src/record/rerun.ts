/** The rules once more over a record's facts: what makes `replay` exact, and the promise that a record holds all it rests on. */
import { advance, afterPatience, type Course, refuses, startOf, verdictOf } from '../policy/course.ts';
import { type Carry, type Disposition, NOTHING_CARRIED, type Verdict } from '../policy/disposition.ts';
import type { Facts, FactValue, FactView } from '../policy/facts.ts';
import type { Policy, Situation } from '../policy/policy.ts';
import type { Stage } from '../policy/stage.ts';
import type { RecipientRecord, TransactionRecord } from './record.ts';

export interface Rerun {
  /** False where a rule may read what the record was not allowed to keep: the verdicts are then no promise. */
  readonly exact: boolean;
  /** How the session or transaction ended before any recipient, if it did. */
  readonly session: { readonly verdict: Verdict; readonly reason: string; readonly stage: Stage } | null;
  readonly recipients: readonly {
    readonly number: number;
    readonly verdict: Verdict;
    readonly reason: string;
    readonly stage: Stage;
  }[];
}

/** Pure and without the message: what functions over its text answered stands in the record. */
export function rerun(record: TransactionRecord, policy: Policy): Rerun {
  if (record.bundle === '') return asItStands(record);
  let carry = NOTHING_CARRIED;
  let refusal: { readonly said: Disposition; readonly stage: Stage } | undefined;
  let session: Rerun['session'] = null;
  for (const stage of ['connect', 'helo', 'mail'] as const) {
    if (!record.stages.includes(stage) || refusal !== undefined) continue;
    const decided = ask(policy, stage, record.facts, record.session.calls, carry);
    carry = decided.carry;
    if (!refuses(decided.disposition)) continue;
    refusal = { said: decided.disposition, stage };
    if (stage === 'mail' || decided.disposition.speak === 'now')
      session = { verdict: decided.disposition.kind, reason: decided.disposition.by, stage };
  }
  return {
    exact: record.hidden === undefined || !mentionsSubject(policy),
    session,
    recipients: record.recipients.map((recipient) => again(record, recipient, policy, carry, refusal)),
  };
}

/** By any of its words, wherever they stand: rather once too often. */
const mentionsSubject = ({ bundle }: Policy): boolean => bundle.files.some(({ text }) => /\bsubject\b/i.test(text));

/** A notification of our own: no policy was asked, and none is asked again. */
function asItStands({ recipients }: TransactionRecord): Rerun {
  return {
    exact: true,
    session: null,
    recipients: recipients.map(({ number, verdict, reason, stage }) => ({ number, verdict, reason, stage })),
  };
}

function again(
  record: TransactionRecord,
  recipient: RecipientRecord,
  policy: Policy,
  begin: Carry,
  refusal: { readonly said: Disposition; readonly stage: Stage } | undefined,
): Rerun['recipients'][number] {
  // Relay control comes before every rule (docs/policy.md §2).
  if (recipient.reason === 'builtin:relay-denied')
    return { number: recipient.number, verdict: recipient.verdict, reason: recipient.reason, stage: recipient.stage };
  let course: Course = startOf('rcpt');
  let carry = begin;
  if (refusal !== undefined) course = advance(course, refusal.said, refusal.stage);
  const facts = { ...record.facts, ...recipient.facts };
  const builtin = recipient.reason.startsWith('builtin:') ? recipient : undefined;
  for (const stage of ['rcpt', 'data', 'content'] as const) {
    const reached = record.stages.includes(stage) && (stage === 'rcpt' || wentOn(recipient));
    if (!reached || refuses(course.disposition)) break;
    // A refusal of the built-in kind comes after the rules of rcpt, and before those of data.
    if (builtin?.stage === stage && stage !== 'rcpt') break;
    const decided = ask(policy, stage, facts, recipient.calls, carry);
    carry = decided.carry;
    const said = recipient.facts.patience === 'over' ? afterPatience(decided.disposition) : decided.disposition;
    course = advance(course, said, stage);
  }
  if (builtin !== undefined && !refuses(course.disposition))
    return { number: recipient.number, verdict: builtin.verdict, reason: builtin.reason, stage: builtin.stage };
  return {
    number: recipient.number,
    verdict: verdictOf(course.disposition),
    reason: course.reason,
    stage: course.stage,
  };
}

/** Its RCPT was answered 250, so that later stages asked about it. */
const wentOn = (recipient: RecipientRecord): boolean =>
  recipient.stage !== 'rcpt' || !['reject', 'defer'].includes(recipient.verdict);

function ask(
  policy: Policy,
  stage: Stage,
  facts: Facts,
  calls: { readonly [call: string]: FactValue },
  carry: Carry,
): { readonly disposition: Disposition; readonly carry: Carry } {
  const situation: Situation = { view: viewOf(facts), header: undefined, calls };
  const asked = policy.ask(stage, situation, carry);
  if (asked.kind === 'pending')
    throw new RangeError(
      `Cannot rerun stage "${stage}" as its record must hold every fact it reads: ${asked.waitFor.join(', ')} are missing`,
    );
  return asked.decision;
}

/** A root whose status says that its check failed is unknown; nothing is pending any more. */
function viewOf(facts: Facts): FactView {
  const known: { [root: string]: FactValue } = {};
  const unknown = new Map<string, 'failed' | 'timed_out'>();
  for (const [root, value] of Object.entries(facts)) {
    const status =
      typeof value === 'object' && !Array.isArray(value) ? (value as { status?: FactValue }).status : undefined;
    if (status === 'failed' || status === 'timed_out') unknown.set(root, status);
    else known[root] = value;
  }
  return { known, pending: new Set(), unknown };
}
