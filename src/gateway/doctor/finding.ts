/** What the doctor found: what was seen, and what to do about it. */
import type { Installation } from '../../config/installation.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Dial } from '../../ports/dial.ts';
import type { DnsAnswer, DnsRecord, DnsType, Resolver } from '../../ports/resolver.ts';

export interface Finding {
  readonly topic: string;
  readonly level: 'ok' | 'warning' | 'problem';
  readonly saw: string;
  /** '' where nothing is to be done. */
  readonly remedy: string;
}

/** What a patient is examined with: tests put zones and loopback hosts in the place of the world. */
export interface Practice {
  readonly installation: Installation;
  readonly policies: readonly Policy[];
  readonly resolver: Resolver;
  readonly dial: Dial;
  /** A host beyond our own network whose port 25 is tried; '' for none. */
  readonly outwards: string;
  /** Permission bits; undefined where it is not there. */
  readonly modeOf: (path: string) => Promise<number | undefined>;
  readonly freeBytes: number | undefined;
  /** When the newest record was made. */
  readonly newest: Timestamp | undefined;
  readonly now: Timestamp;
  readonly signal: AbortSignal;
}

export const ok = (topic: string, saw: string): Finding => ({ topic, level: 'ok', saw, remedy: '' });
export const warning = (topic: string, saw: string, remedy: string): Finding => ({
  topic,
  level: 'warning',
  saw,
  remedy,
});
export const problem = (topic: string, saw: string, remedy: string): Finding => ({
  topic,
  level: 'problem',
  saw,
  remedy,
});

export const ask = ({ resolver, signal }: Practice, name: string, type: DnsType): Promise<DnsAnswer> =>
  resolver.resolve(name, type, signal);

export function recordsOf<T extends DnsRecord['type']>(
  answer: DnsAnswer,
  type: T,
): readonly Extract<DnsRecord, { type: T }>[] {
  if (answer.kind !== 'found') return [];
  return answer.records.filter((record): record is Extract<DnsRecord, { type: T }> => record.type === type);
}

/** Our addresses as the world finds them: those of our name. */
export async function ownAddresses(practice: Practice): Promise<readonly string[]> {
  const { hostname } = practice.installation;
  const answers = await Promise.all((['A', 'AAAA'] as const).map((type) => ask(practice, hostname, type)));
  return answers.flatMap(addressesIn);
}

export const addressesIn = (answer: DnsAnswer): readonly string[] =>
  answer.kind === 'found'
    ? answer.records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))
    : [];

/** Why no answer came; '' where one came. */
export const trouble = (answer: DnsAnswer): string =>
  answer.kind === 'failed'
    ? `the question for ${answer.type} of ${answer.name} failed (${answer.rcode || answer.cause})`
    : '';
