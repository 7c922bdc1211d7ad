/** A check, whole: its definition gives the language its words and the gateway its work. */
import type { z } from 'zod';
import type { Timestamp } from '../mail/time.ts';
import type { Inside } from '../mime/inside.ts';
import type { CheckSpec } from '../policy/check-spec.ts';
import type { Facts, FactValue } from '../policy/facts.ts';
import type { HeaderView } from '../policy/policy.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { Services } from '../ports/services.ts';
import type { StateStore } from '../ports/state.ts';

/** The message, from `data` on. */
export interface MessageView {
  readonly content: SpooledContent;
  readonly header: HeaderView;
  /** What is inside, read as it arrived; undefined where nothing in the policy wants to know. */
  readonly inside?: Inside;
}

export interface CheckContext<Options> {
  /** The instance: its name in facts, and the policy it stands in. Keys of state carry both. */
  readonly instance: { readonly name: string; readonly policy: string };
  /** All facts known when the check started: `facts.client.ip`, those of `needs` and `after`. */
  readonly facts: Facts;
  readonly options: Options;
  /** What the client said at HELO or EHLO, as it said it; both '' at `connect`. */
  readonly helo: { readonly verb: 'HELO' | 'EHLO' | ''; readonly name: string };
  /** The record's time. Never ask another clock for a decision. */
  readonly now: Timestamp;
  /** Our own name (`hostname` of the installation). */
  readonly hostname: string;
  readonly resolver: Resolver;
  readonly state: StateStore;
  readonly services: Services;
  /** The transaction, or the connection before there is one: its id, and the recipients the check is asked for. */
  readonly envelope: { readonly id: string; readonly recipients: readonly string[] };
  /** What the installation lets a message cost. */
  readonly limits: { readonly signatures: number };
  /** Undefined before `data`. */
  readonly message: MessageView | undefined;
  /** Puts something the check saw on record. */
  readonly evidence: (name: string, value: FactValue) => void;
  /** Aborted at the check's timeout. */
  readonly signal: AbortSignal;
}

export interface Check extends CheckSpec {
  run(context: CheckContext<never>): Promise<{ readonly [fact: string]: FactValue }>;
}

/** Gives the definition its types: `options` in `run` are those of the schema, the facts returned must be total. */
export function defineCheck<O extends z.ZodObject, F extends z.ZodObject>(
  definition: Omit<CheckSpec, 'options' | 'facts'> & {
    readonly options: O;
    readonly facts: F;
    run(context: CheckContext<z.output<O>>): Promise<z.output<F>>;
  },
): Check {
  return definition as unknown as Check;
}
