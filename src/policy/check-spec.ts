/** What the policy language knows of a check: enough to validate, type and document it; how it runs is another floor's affair. */
import type { z } from 'zod';
import type { Millis } from '../mail/time.ts';
import type { FactScope } from './facts.ts';
import type { ServiceName } from './services.ts';
import type { Stage } from './stage.ts';

/** What a check that failed or timed out means when no written rule has ended the matter (docs/policy.md §4). */
export type OnError =
  | { readonly kind: 'skip' }
  | { readonly kind: 'defer' }
  | { readonly kind: 'quarantine' }
  | { readonly kind: 'deferThenQuarantine'; readonly span: Millis };

export type ScopeOf = (options: { readonly [name: string]: unknown }, stage: Stage) => FactScope;

export interface CheckSpec {
  readonly name: string;
  /** One sentence for the reference: what it observes and by which RFC. */
  readonly about: string;
  /** The earliest stage it can run in. */
  readonly stage: Stage;
  /** Or, where options and place decide (`rate`), a function of the options as written and the stage it stands in. */
  readonly scope: FactScope | ScopeOf;
  readonly timeout: Millis;
  readonly onError: OnError['kind'];
  /** Options as written. Values made with `expression`, `listOf` and `template` are compiled by the loader. */
  readonly options: z.ZodObject;
  /** The facts it states, all of them, always; enums where there are few words. Use `.meta({ about, example })`. */
  readonly facts: z.ZodObject;
  /** Checks whose facts it reads; they must be in the policy and are awaited. */
  readonly needs: readonly string[];
  /** Runs although one of those it waits for failed or timed out; its facts are absent then, and this check says what that means. */
  readonly bearsSilence?: true;
  /** Reads what is inside the message: where no check does, nobody looks. */
  readonly looksInside?: true;
  /** The daemon it asks: it must be configured, or a guard must keep the check from running. */
  readonly service?: ServiceName;
  /** Checks it waits for where the policy has them; whether they came to an end or not is no reason not to run. */
  readonly awaits?: readonly string[];
  /** What it calls by the world: for the reference page. */
  readonly evidence: string;
}

/** Checks by name. */
export type CheckCatalog = ReadonlyMap<string, CheckSpec>;
