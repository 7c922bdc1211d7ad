/** Facts: what is known about a transaction, by root (`client`, `spf`, …), and what is not known yet or cannot be. */

export type FactValue = string | number | boolean | readonly FactValue[] | { readonly [name: string]: FactValue };

/** By root: `{ client: { ip, port, … }, listener: 'mx', spf: { result, domain, status } }`. */
export type Facts = { readonly [root: string]: FactValue };

/** `session` facts hold for the connection, `transaction` facts for one message, `recipient` facts for one recipient. */
export type FactScope = 'session' | 'transaction' | 'recipient';

/** What a decision sees. A root is in exactly one of the three, or has no place at this stage. */
export interface FactView {
  readonly known: Facts;
  /** Roots whose check has not ended: a rule that needs one must wait. */
  readonly pending: ReadonlySet<string>;
  /** Roots whose check failed or timed out: nobody will ever know. Their `status` is still readable. */
  readonly unknown: ReadonlyMap<string, 'failed' | 'timed_out'>;
}

export type CheckStatus = 'completed' | 'failed' | 'timed_out' | 'skipped';
