/** Facts of other checks and of the edge, read with the type the reader expects. */
import type { Facts, FactValue } from '../policy/facts.ts';

/** A group of facts, empty where there is none: its check was not part of the policy or did not complete. */
export function groupOf(facts: Facts, root: string): { readonly [fact: string]: FactValue } {
  const value = facts[root];
  return typeof value === 'object' && !Array.isArray(value) ? (value as { readonly [fact: string]: FactValue }) : {};
}

export const textOf = (value: FactValue | undefined): string => (typeof value === 'string' ? value : '');
export const listOf = (value: FactValue | undefined): readonly FactValue[] => (Array.isArray(value) ? value : []);
