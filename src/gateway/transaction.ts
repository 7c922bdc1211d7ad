/** What a session has gathered so far, and how a record is made of it. */
import type { BodyType, MailParameters, Recipient, ReversePath } from '../mail/envelope.ts';
import type { Reply } from '../mail/reply.ts';
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Inside } from '../mime/inside.ts';
import { type Course, startOf } from '../policy/course.ts';
import type { Carry, Decision, QuarantineClass } from '../policy/disposition.ts';
import type { FactValue } from '../policy/facts.ts';
import type { Stage } from '../policy/stage.ts';
import type { Edit } from '../queue/entry.ts';
import type {
  MessageIdentity,
  Outcome,
  RecipientCopy,
  RemovedPart,
  SentReply,
  StageDecision,
  Verdictum,
} from '../record/record.ts';
import { Ledger } from './ledger.ts';
import type { Target } from './world.ts';

/** What else comes of the message on a recipient's behalf; `number` makes it `<record id>.<number>`. */
export type Copy = RecipientCopy &
  (
    | ({ readonly kind: 'bcc' } & Target)
    | ({ readonly kind: 'alias' } & Target)
    /** With the edits that leave its attachments where they are. */
    | { readonly kind: 'original'; readonly edits: readonly Edit[] }
  );

/** What becomes of the message on its way to this recipient. */
export interface Changes {
  readonly edits: readonly Edit[];
  /** Where it goes instead. */
  readonly target: (Target & { readonly by: string }) | undefined;
  readonly removed: readonly RemovedPart[];
  readonly copies: readonly Copy[];
}
const UNCHANGED: Changes = { edits: [], target: undefined, removed: [], copies: [] };

/** One accepted or refused RCPT. */
export interface RecipientState {
  readonly number: number;
  readonly recipient: Recipient;
  readonly route: string;
  readonly hosted: boolean;
  readonly ledger: Ledger;
  readonly decisions: StageDecision[];
  readonly calls: { [call: string]: FactValue };
  carry: Carry;
  course: Course;
  reply: Reply;
  outcome: Outcome;
  why: string;
  /** Known once all recipients are settled. */
  changes: Changes;
  /** Kept aside by no verdict: a change that rules want cannot be made. */
  aside: { readonly class: QuarantineClass; readonly by: string } | undefined;
  /** Whom the address stands for, and how it came to; empty: itself. */
  targets: readonly (Target & { readonly by: string })[];
  /** It may be relayed to by a provider's certificate alone, which the message has yet to bear out. */
  byRelay: boolean;
  /** Takes part in DATA: its RCPT was answered 250. */
  taken: boolean;
}

/** From MAIL to the reply that ends it. */
export interface TransactionState {
  readonly id: string;
  readonly at: Timestamp;
  readonly started: Millis;
  readonly path: ReversePath;
  readonly parameters: MailParameters;
  readonly body: BodyType;
  readonly ledger: Ledger;
  readonly decisions: StageDecision[];
  readonly calls: { [call: string]: FactValue };
  readonly recipients: RecipientState[];
  readonly replies: SentReply[];
  readonly stages: Stage[];
  carry: Carry;
  end: Verdictum | null;
  message: MessageIdentity | null;
  /** Its header says `TLS-Required: No` (RFC 8689 §5). */
  tlsOptional: boolean;
  /** Reads what is inside as it comes; undefined where nobody asks. */
  /** It is a report about another message: nobody is told what becomes of it. */
  report: boolean;
  walked: { readonly inside: Inside | undefined } | undefined;
}

/** Adds what a decision said to where it is kept. */
export function keep(
  into: { readonly decisions: StageDecision[]; readonly calls: { [call: string]: FactValue } },
  decision: Decision,
): void {
  // A stage without rules and outages has nothing to tell.
  if (decision.trace.length > 0 || decision.outages.length > 0)
    into.decisions.push({ stage: decision.stage, rules: decision.trace, outages: decision.outages });
  Object.assign(into.calls, decision.calls);
}

export function newRecipient(
  tx: TransactionState,
  recipient: Recipient,
  route: string,
  hosted: boolean,
): RecipientState {
  return {
    number: tx.recipients.length + 1,
    recipient,
    route,
    hosted,
    ledger: new Ledger(tx.ledger),
    decisions: [],
    calls: {},
    carry: tx.carry,
    course: startOf('rcpt'),
    reply: { code: 250, enhanced: '2.1.5', text: 'recipient ok' },
    outcome: 'none',
    why: '',
    changes: UNCHANGED,
    aside: undefined,
    targets: [],
    byRelay: false,
    taken: false,
  };
}
