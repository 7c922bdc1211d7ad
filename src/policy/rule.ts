/** A rule as it is asked: its condition in three lists, its action with texts to fill. */
import type { Millis } from '../mail/time.ts';
import type { QuarantineClass, Strip } from './disposition.ts';
import type { Expression } from './expression.ts';
import type { RuleInfo } from './policy.ts';
import type { Template } from './template.ts';

export interface Condition {
  /** Every one must hold. */
  readonly all: readonly Expression[];
  /** One must hold, where there are any. */
  readonly any: readonly Expression[];
  /** None may hold: the exceptions. */
  readonly none: readonly Expression[];
}

export type Action =
  | {
      readonly kind: 'reject' | 'defer';
      readonly code: number;
      readonly enhanced: string;
      readonly text: Template;
      readonly help: Template | undefined;
      readonly speak: 'now' | 'rcpt';
    }
  | { readonly kind: 'quarantine'; readonly class: QuarantineClass; readonly reason: Template }
  | { readonly kind: 'hold' | 'discard'; readonly reason: Template }
  | { readonly kind: 'accept' }
  | { readonly kind: 'allow'; readonly skip: readonly string[] }
  | { readonly kind: 'add_header'; readonly name: string; readonly value: Template }
  | { readonly kind: 'remove_header'; readonly name: string }
  | { readonly kind: 'tag_subject'; readonly tag: Template }
  /** Never filled from facts. */
  | { readonly kind: 'redirect' | 'bcc'; readonly address: string }
  | {
      readonly kind: 'strip_attachments';
      readonly which: Strip['which'];
      readonly note: Template | undefined;
      readonly keep: boolean;
    }
  | { readonly kind: 'score'; readonly score: number }
  | { readonly kind: 'route'; readonly route: string }
  | { readonly kind: 'note'; readonly text: Template }
  | { readonly kind: 'suspend'; readonly span: Millis }
  /** `to` is '' for the postmaster, and never filled from facts. */
  | { readonly kind: 'notify'; readonly to: string; readonly text: Template };

export interface Rule {
  readonly info: RuleInfo;
  readonly condition: Condition;
  readonly action: Action;
  /** Instances whose facts its condition reads. */
  readonly checks: ReadonlySet<string>;
}

/** Rules that let mail through hold on nothing unknown; all others restrict (docs/policy.md §5). */
export const permits = ({ kind }: Action): boolean => kind === 'accept' || kind === 'allow';
