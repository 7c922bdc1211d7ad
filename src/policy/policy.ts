/** A loaded policy: everything the gateway asks of it, with nothing left to parse. The loader makes it, `decide` runs it. */
import type { Place } from '../language/problem.ts';
import type { Millis } from '../mail/time.ts';
import type { Bundle } from './bundle.ts';
import type { OnError } from './check-spec.ts';
import type { Asked, Carry } from './disposition.ts';
import type { FactScope, FactValue, FactView } from './facts.ts';
import type { Override } from './override.ts';
import type { Stage } from './stage.ts';

/** A list of one kind; `has` knows ranges, subdomains, case and A-labels as its kind says. */
export interface List {
  readonly name: string;
  readonly kind: 'network' | 'domain' | 'address' | 'pattern' | 'word';
  /** `at` is a `Timestamp`: an entry whose `until` is over is not in it. */
  has(value: string, at: number): boolean;
  readonly size: number;
  /** How many entries are over at a `Timestamp`. */
  expired(at: number): number;
}

/** A check as the policy has it. */
export interface CheckInstance {
  /** Its name in facts: `as`, else the check's own. */
  readonly name: string;
  readonly check: string;
  readonly stage: Stage;
  readonly scope: FactScope;
  readonly timeout: Millis;
  readonly onError: OnError;
  /** The first stage, not before `rcpt`, in which a rule reads it; undefined where none does. */
  readonly speaksAt: Stage | undefined;
  /** Instances it waits for: declared needs and `after`. */
  readonly after: readonly string[];
  readonly place: Place;
  /** Options validated; expressions, lists and templates are resolved by `prepare`. */
  readonly options: { readonly [name: string]: unknown };
  /** The values its facts have when its guard skipped it. */
  readonly absent: { readonly [fact: string]: FactValue };
}

/** A file whose one line is known to nobody but the resolver that puts it in the place of `shownAs`. */
export interface Secret {
  /** From the policies' folder. */
  readonly file: string;
  readonly shownAs: string;
  /** Where the file is named. */
  readonly place: Place;
}

export interface RuleInfo {
  readonly index: number;
  readonly name: string;
  readonly group: string;
  readonly stage: Stage;
  readonly mode: 'enforce' | 'monitor' | 'soft';
  /** Why it only monitors, where a person put the brake on. */
  readonly override?: Override;
  /** One word: `reject`, `allow`, … */
  readonly action: string;
  readonly place: Place;
  /** The condition as written, for the trace. */
  readonly condition: string;
  /** Check instances whose facts the condition reads. */
  readonly reads: readonly string[];
}

/** Settings of one recipient: recipient, then domain, then tenant, then the policy's default. */
export interface ResolvedSettings {
  readonly values: { readonly [name: string]: FactValue };
  /** Where each that is not the default came from. */
  readonly places: { readonly [name: string]: Place };
  readonly tenant: string;
}

/** What an instance needs to start. */
export type Prepared =
  | { readonly kind: 'pending'; readonly waitFor: readonly string[] }
  | { readonly kind: 'skip' }
  /** An option is an expression over a fact nobody will know: the check ends `failed`, and its `on_error` speaks. */
  | { readonly kind: 'fail'; readonly why: string }
  /** `options` with expressions evaluated, lists as `List`, templates filled. `inputs` is what of it goes on record. */
  | {
      readonly kind: 'run';
      readonly options: { readonly [name: string]: unknown };
      readonly inputs: { readonly [name: string]: FactValue };
    };

/** Header fields, for `header()` and `headers()`: decoded values by lower-case name, in order. */
export interface HeaderView {
  values(name: string): readonly string[];
}

/** Everything a decision may look at. `now` stands in `facts.known.now`. */
export interface Situation {
  readonly view: FactView;
  /** Undefined before `data`, and in a rehearsal over records, where `calls` answers. */
  readonly header: HeaderView | undefined;
  /** The decoded text of the message, for `rx_body()`; undefined where nobody read it. */
  readonly texts?: (() => readonly string[]) | undefined;
  /** Answers kept in a record (`Decision.calls`); asked first. */
  readonly calls: { readonly [call: string]: FactValue };
}

export interface Policy {
  readonly name: string;
  readonly bundle: Bundle;
  readonly mode: 'enforce' | 'monitor' | 'soft';
  readonly rules: readonly RuleInfo[];
  readonly checks: readonly CheckInstance[];
  readonly lists: ReadonlyMap<string, List>;
  /** Of all its checks; the bundle holds where they stand, never what. */
  readonly secrets: readonly Secret[];
  /** Some expression asks for the text of the message. */
  readonly readsBody: boolean;
  /** May this check start, and with what? A guard that cannot be evaluated runs the check. */
  prepare(instance: CheckInstance, situation: Situation): Prepared;
  /**
   * Asks this stage's rules top to bottom over whatever is known. `pending` names the checks to wait for; asking again
   * with more known never changes what was already decided. Pure.
   */
  ask(stage: Stage, situation: Situation, carry: Carry): Asked;
  settings(recipient: string, domain: string): ResolvedSettings;
}
