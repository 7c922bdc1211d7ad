/** What the policy says about a recipient or a session, and what is to be changed in the message. */
import type { Reply } from '../mail/reply.ts';
import type { Millis } from '../mail/time.ts';
import type { FactValue } from './facts.ts';
import type { Stage } from './stage.ts';

export type QuarantineClass = 'spam' | 'bulk' | 'policy' | 'spoof' | 'malware' | 'attachment' | 'mixed';
export type Verdict = 'accept' | 'reject' | 'defer' | 'quarantine' | 'discard' | 'hold';

/** `by` is `rule:NAME`, `on_error:CHECK` or `otherwise`. */
export type Disposition =
  /** Nothing ended this stage's rules: go on. */
  | { readonly kind: 'continue' }
  | { readonly kind: 'accept'; readonly by: string }
  | { readonly kind: 'reject'; readonly by: string; readonly reply: Reply; readonly speak: 'rcpt' | 'now' }
  | {
      readonly kind: 'defer';
      readonly by: string;
      readonly reply: Reply;
      readonly speak: 'rcpt' | 'now';
      /**
       * `on_error: { defer: { for, then: quarantine } }`: a message first seen longer ago than this is quarantined for
       * `reason` instead. Whoever asks counts, by sender, recipient and content; a decision knows no yesterday.
       */
      readonly patience?: { readonly span: Millis; readonly reason: string };
    }
  | { readonly kind: 'quarantine'; readonly by: string; readonly class: QuarantineClass; readonly reason: string }
  | { readonly kind: 'discard'; readonly by: string; readonly reason: string }
  | { readonly kind: 'hold'; readonly by: string; readonly reason: string };

/** What a rule wants changed. */
export type Modification =
  | Strip
  | Way
  | { readonly kind: 'removeHeader'; readonly name: string; readonly by: string }
  | { readonly kind: 'tagSubject'; readonly tag: string; readonly by: string }
  | { readonly kind: 'addHeader'; readonly name: string; readonly value: string; readonly by: string }
  | { readonly kind: 'route'; readonly route: string; readonly by: string }
  | Order;

/** What is done beside the message, whatever becomes of it. */
export type Order =
  | { readonly kind: 'suspend'; readonly span: Millis; readonly by: string }
  /** `to` is '' for the postmaster. */
  | { readonly kind: 'notify'; readonly to: string; readonly text: string; readonly by: string };

/** Attachments replaced by a note that says what they were. */
export interface Strip {
  readonly kind: 'stripAttachments';
  readonly which:
    | { readonly kind: 'all' }
    | { readonly kind: 'extensions'; readonly extensions: readonly string[] }
    /** A list of kind word, by its name. */
    | { readonly kind: 'list'; readonly list: string };
  /** What the operator says to whoever reads the note, or ''. */
  readonly note: string;
  /** The message as it came is kept aside. */
  readonly keep: boolean;
  readonly by: string;
}

/** Another address the message goes to: instead of the recipient, or besides. */
export interface Way {
  readonly kind: 'redirect' | 'bcc';
  /** As the policy names it: it may lead anywhere. */
  readonly address: string;
  readonly by: string;
}

export type Truth = 'yes' | 'no' | 'unknown';

/** One rule asked: its number in the policy (over all stages, from 0) and what came of it. */
export interface RuleTrace {
  readonly rule: number;
  readonly truth: Truth;
  /**
   * `held`: true and acted upon. `quiet`: did not hold. `would`: true, in monitor mode.
   * `passedOver`: an `allow` skipped its group. `softened`: acted upon, 5yz sent as 4yz.
   */
  readonly came: 'held' | 'quiet' | 'would' | 'passedOver' | 'softened';
  /** For `passedOver`: the rule that allowed it. */
  readonly allowedBy?: number;
}

/** What one recipient (or the session) carries from stage to stage. Starts as `NOTHING_CARRIED`. */
export interface Carry {
  readonly skipped: { readonly [group: string]: number };
  readonly score: number;
  readonly modifications: readonly Modification[];
  readonly notes: readonly { readonly by: string; readonly text: string }[];
  /** An `accept` ended a stage: there is nothing left for `otherwise`. */
  readonly accepted?: true;
}
export const NOTHING_CARRIED: Carry = { skipped: {}, score: 0, modifications: [], notes: [] };

export interface Decision {
  readonly stage: Stage;
  readonly disposition: Disposition;
  readonly trace: readonly RuleTrace[];
  readonly carry: Carry;
  /** What functions over large text answered, by call text: kept in the record so that replay needs no text. */
  readonly calls: { readonly [call: string]: FactValue };
  /** Checks whose failure spoke or was passed by (`on_error: skip`), for the record. */
  readonly outages: readonly {
    readonly check: string;
    readonly means: 'skip' | 'defer' | 'quarantine';
    readonly spoke: boolean;
  }[];
}

export type Asked =
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] }
  | { readonly kind: 'decided'; readonly decision: Decision };
