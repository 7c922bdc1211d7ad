/** What a patient is examined with: tests put zones and loopback hosts in the place of the world. */
import type { PairReading } from '../../config/certificate-pair.ts';
import type { Certificate, Installation, UserSourceSettings } from '../../config/installation.ts';
import type { LdapServer, LiveSource } from '../../config/live-source.ts';
import type { KeyReading } from '../../config/signing-key.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { Policy } from '../../policy/policy.ts';
import type { IdentityOf } from '../../ports/client-identity.ts';
import type { Controlled } from '../../ports/control.ts';
import type { Dial } from '../../ports/dial.ts';
import type { RecipientClient } from '../../ports/recipients.ts';
import type { DnsAnswer, DnsRecord, DnsType, Resolver } from '../../ports/resolver.ts';
import type { Services } from '../../ports/services.ts';
import type { TimeKept } from '../../ports/time-kept.ts';
import type { TransactionRecord } from '../../record/record.ts';

export type LdapUsers = Extract<UserSourceSettings, { kind: 'ldap' }>;
export type UsersAnswer =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'somebody' }
  | { readonly kind: 'trouble'; readonly why: string };

export interface Practice {
  readonly installation: Installation;
  readonly policies: readonly Policy[];
  readonly resolver: Resolver;
  readonly dial: Dial;
  /** What a route shows of us. */
  readonly identityOf: IdentityOf;
  readonly services: Services;
  /** A client of its own, to be closed. */
  readonly recipientClient: (source: LiveSource) => RecipientClient;
  /** Looks one server of a directory of users for a name that nobody has. Does not reject. */
  readonly askUsers: (source: LdapUsers, server: LdapServer, signal: AbortSignal) => Promise<UsersAnswer>;
  /** A local part that nobody has. */
  readonly nobody: () => string;
  /** A host beyond our own network whose port 25 is tried; '' for none. */
  readonly outwards: string;
  /** Permission bits; `absent` where it is not there, `hidden` where this user may not look. */
  readonly modeOf: (path: string) => Promise<number | 'absent' | 'hidden'>;
  readonly pair: (one: Certificate) => PairReading;
  /** A private key that signs mail, as far as it may be told of. */
  readonly signingKey: (file: string) => KeyReading;
  readonly timeKept: (signal: AbortSignal) => Promise<TimeKept>;
  readonly freeBytes: number | undefined;
  /** Octets kept aside; undefined where the store could not be looked into, or was never made. */
  readonly heldBytes: number | undefined;
  /** Why the store could not be looked into; '' where it could, or was never made. */
  readonly storeTrouble: string;
  /** Newest first; bounded. */
  readonly recent: readonly TransactionRecord[];
  /** What the running gateway said of itself. */
  readonly gateway: Controlled;
  /** The program that examines, and the digest of the configuration as its files are now. */
  readonly onDisk: { readonly version: string; readonly configuration: string };
  readonly now: Timestamp;
  readonly signal: AbortSignal;
}

/** Of a provider's many domains so many are looked at one by one. */
const DOMAINS_MAX = 50;

export const domainsOf = ({ installation }: Practice): readonly string[] =>
  [...installation.domains.keys()].slice(0, DOMAINS_MAX);

/** Domains beyond those; 0 where there are none. */
export const domainsLeft = ({ installation }: Practice): number => Math.max(0, installation.domains.size - DOMAINS_MAX);

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
export const ownAddresses = (practice: Practice): Promise<readonly string[]> =>
  addressesOf(practice, practice.installation.hostname);

export async function addressesOf(practice: Practice, name: string): Promise<readonly string[]> {
  const answers = await Promise.all((['A', 'AAAA'] as const).map((type) => ask(practice, name, type)));
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

/** What the gateway that runs says of itself; undefined where none answers. */
export const running = ({ gateway }: Practice) => (gateway.kind === 'answered' ? gateway.answer.status : undefined);
