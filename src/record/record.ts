/** The record: one a transaction, and one a connection that ends without any; complete enough to run the rules again. */
import type { Reply } from '../mail/reply.ts';
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Bundle } from '../policy/bundle.ts';
import type { Modification, RuleTrace, Verdict } from '../policy/disposition.ts';
import type { CheckStatus, Facts, FactValue } from '../policy/facts.ts';
import type { Stage } from '../policy/stage.ts';

/** One DNS question with its answer, stored once a transaction; checks refer to it by its place in `dns`. */
export interface DnsEvidence {
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly kind: 'found' | 'empty' | 'failed';
  /** Records in words: `192.0.2.1`, `10 mx.example.com`, a TXT's text; or the cause of a failure. */
  readonly answer: readonly string[];
  readonly ttl: number;
  readonly cached: boolean;
  readonly secure: boolean;
  readonly server: string;
}

export interface CheckRun {
  /** The instance; its facts stand under this name. */
  readonly name: string;
  readonly check: string;
  readonly stage: Stage;
  readonly status: CheckStatus;
  /** Why it was skipped or failed: `guard`, `not asked`, or an error in our words. */
  readonly why: string;
  readonly inputs: { readonly [name: string]: FactValue };
  readonly took: Millis;
  /** Places in the record's `dns`. */
  readonly dns: readonly number[];
  /** What else it saw: a scanner's raw verdict, a state's key. */
  readonly evidence: { readonly [name: string]: FactValue };
}

/** The rules asked at one stage, as they came. */
export interface StageDecision {
  readonly stage: Stage;
  readonly rules: readonly RuleTrace[];
  readonly outages: readonly {
    readonly check: string;
    readonly means: 'skip' | 'defer' | 'quarantine';
    readonly spoke: boolean;
  }[];
}

export type Outcome =
  | 'none'
  | 'queued'
  | 'quarantined'
  | 'held'
  | 'discarded'
  | 'refused'
  | 'deferred'
  /** Refused after our 250, told to the sender by a DSN. */
  | 'bounced'
  /** The client went away, or another recipient's defer kept it back. */
  | 'not_taken'
  /** The same mailbox as an earlier RCPT of the transaction: one copy goes to it. */
  | 'duplicate';

/** How a matter ended. `rule` is a rule's name or ''; `reason` is `rule:NAME`, `builtin:WORD`, `on_error:CHECK` or `otherwise`. */
export interface Verdictum {
  readonly verdict: Verdict;
  readonly rule: string;
  readonly reason: string;
  readonly stage: Stage;
  /** What was sent. */
  readonly reply: Reply;
}

export interface RecipientRecord extends Verdictum {
  /** From 1; `(ref <id>.<n>)`. */
  readonly number: number;
  readonly address: string;
  readonly facts: Facts;
  readonly checks: readonly CheckRun[];
  readonly decisions: readonly StageDecision[];
  readonly calls: { readonly [call: string]: FactValue };
  readonly modifications: readonly Modification[];
  readonly notes: readonly { readonly by: string; readonly text: string }[];
  readonly score: number;
  readonly outcome: Outcome;
  /** Why it is held, quarantined or discarded. */
  readonly why: string;
  /** Where there are any: attachments taken out of what is delivered. */
  readonly removed?: readonly RemovedPart[];
  /** Where there are any: what else was kept or sent on this recipient's behalf. */
  readonly copies?: readonly RecipientCopy[];
  /** Whom the address stands for: the first of them, others are copies. */
  readonly target?: { readonly address: string; readonly by: string };
}

/** Text from outside is cleaned and bounded. */
export interface RemovedPart {
  readonly part: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
  readonly by: string;
}

export interface RecipientCopy {
  /** Its entry or quarantine item is `<record id>.<number>`; numbers go on where those of recipients end. */
  readonly number: number;
  readonly address: string;
  /** `original`: the message as it came, kept aside as attachments were taken out. */
  /** `alias`: one more of those that the address stands for. */
  readonly kind: 'bcc' | 'original' | 'alias';
  readonly by: string;
}

export interface SessionRecord {
  readonly decisions: readonly StageDecision[];
  readonly calls: { readonly [call: string]: FactValue };
  /** Set when the session or transaction ended before any recipient. */
  readonly end: Verdictum | null;
}

export interface SentReply {
  readonly to: 'connect' | 'HELO' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'content' | 'other';
  readonly reply: Reply;
  /** The word of a refusal that the wire or a fault made. */
  readonly reason?: string;
  /** What the client had said, for such a refusal; bounded. */
  readonly said?: string;
}

export interface MessageIdentity {
  readonly id: string;
  readonly from: string;
  readonly subject: string;
  readonly size: number;
  readonly sha256: string;
}

export const RECORD_VERSION = 1;

export interface TransactionRecord {
  readonly version: typeof RECORD_VERSION;
  readonly id: string;
  readonly kind: 'transaction' | 'connection';
  readonly node: string;
  readonly at: Timestamp;
  readonly took: Millis;
  readonly listener: string;
  readonly policy: string;
  /** Digest of the bundle that decided. */
  readonly bundle: string;
  /** Facts of session and transaction. */
  readonly facts: Facts;
  readonly checks: readonly CheckRun[];
  readonly dns: readonly DnsEvidence[];
  readonly stages: readonly Stage[];
  readonly session: SessionRecord;
  readonly recipients: readonly RecipientRecord[];
  readonly message: MessageIdentity | null;
  readonly replies: readonly SentReply[];
  /** Set where the subject was not kept (`records.subject`): a rule that reads it cannot be asked again. */
  readonly hidden?: 'subject';
  /** More of the same from one network, folded into this one. 1 for a record of its own. */
  readonly count: number;
}

/** What happened later, joined to a record. */
export interface RecordEvent {
  readonly recordId: string;
  readonly at: Timestamp;
  /** The recipient's number, 0 for the whole. */
  readonly recipient: number;
  readonly kind:
    | 'queued'
    | 'attempted'
    | 'delivered'
    | 'deferred'
    | 'bounced'
    /** By the next hop, while the client waited for its word and was told: `text` says by what. */
    | 'refused'
    /** The client waited for the next hop, and heard this in place of the reply that was kept with the promise. */
    | 'answered'
    | 'held'
    | 'quarantined'
    | 'released'
    /** A person wanted it out of quarantine; `text` says why it stayed. */
    | 'not_released'
    /** A person asked for another try at once. */
    | 'retried'
    | 'removed'
    | 'notified'
    /** What left or waits bears our signatures, or a seal; `text` says by which keys. */
    | 'signed'
    | 'sealed'
    /** It does not, though it is our senders', or forwarded where forwarded mail is sealed; `text` says why. */
    | 'unsigned'
    | 'unsealed'
    | 'orphaned';
  /** Who or what: a host, an operator, a notification's record id. */
  readonly by: string;
  /** The remote reply or the reason. */
  readonly text: string;
}

export type StoredBundle = Bundle;
