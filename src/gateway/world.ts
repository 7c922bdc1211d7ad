/** What a session stands on: the ports, the checks, and the configuration in force. */
import type { Check } from '../checks/define.ts';
import type { Installation, Listener } from '../config/installation.ts';
import type { Mailbox } from '../mail/envelope.ts';
import type { RangeSet } from '../mail/ip.ts';
import type { FactValue } from '../policy/facts.ts';
import type { Policy } from '../policy/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { ContentStore } from '../ports/content.ts';
import type { Log } from '../ports/log.ts';
import type { UserSource } from '../ports/logins.ts';
import type { Lease, LeaseRequest, QueueStore, RecordStore } from '../ports/queue.ts';
import type { AnsweredBy } from '../ports/recipients.ts';
import type { Resolver } from '../ports/resolver.ts';
import type { Services } from '../ports/services.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';
import type { StateStore } from '../ports/state.ts';
import type { KeyedZones } from './dns/keyed-zones.ts';
import type { Srs } from './rewrite/srs.ts';
import type { Awaited, StoreWords } from './store-words.ts';

/** Says whether a hosted domain knows a recipient (docs/policy.md §9 `recipient.result`, `.source`). */
export interface RecipientDirectory {
  /** `assume`: sources beyond this process are not asked; they are taken to know whoever no earlier one knows. */
  resolve(mailbox: Mailbox, asking: 'ask' | 'assume'): Promise<Found>;
}

export interface Found {
  readonly result: 'known' | 'unknown' | 'unsure';
  readonly source: string;
  /** A source names exactly this address: not a pattern, not a whole domain, not another one less its tag. */
  readonly listed: boolean;
  /** How a source that is asked over the network came to it; '' for all others. */
  readonly by: AnsweredBy | '';
  /** Whom it stands for, where it is rewritten; left out: itself. By which route is for whoever sends (`routing.ts`). */
  readonly targets?: readonly Mailbox[];
}

/** Where a message goes in the end. */
export interface Target {
  readonly mailbox: Mailbox;
  readonly route: string;
}

/** In a rehearsal no source is asked unless it is a live one. */
export const askingOf = (rehearsal: Rehearsal | undefined): 'ask' | 'assume' =>
  rehearsal === undefined || rehearsal.live ? 'ask' : 'assume';

/** A listener with its trusted networks ready to be asked. */
export interface OpenListener extends Listener {
  readonly trusted: RangeSet;
}

/** The configuration in force: replaced whole by a reload, held by a session from its greeting to its end. */
export interface Current {
  readonly installation: Installation;
  /** By name. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly directory: RecipientDirectory;
  /** Undefined: reverse-paths of mail that is sent on stay as they are. */
  readonly srs?: Srs | undefined;
  /** Zones of blocklists with a key in their names. */
  readonly zones: KeyedZones;
  /** Sources of users by name. */
  readonly logins: ReadonlyMap<string, UserSource>;
  /** Daemons that checks may ask. */
  readonly services: Services;
}

/** What a rehearsal does otherwise than the gateway. */
export interface Rehearsal {
  /** Ask daemons for real. */
  readonly live: boolean;
  /** Go on with later stages after a refusal. */
  readonly allStages: boolean;
  /** Facts given instead of asking, by instance. */
  readonly answers: { readonly [instance: string]: { readonly [fact: string]: FactValue } };
}

export interface World {
  readonly clock: Clock;
  /** A fresh record id (docs/promises.md §2). */
  readonly newId: () => string;
  readonly resolver: Resolver;
  readonly content: ContentStore;
  readonly queue: Pick<QueueStore, 'admit' | 'suspend' | 'suspensions'>;
  readonly records: Pick<RecordStore, 'append'>;
  readonly state: StateStore;
  /** Undefined: nothing is signed, as in a rehearsal. */
  readonly signingKeys: SigningKeys | undefined;
  readonly checks: ReadonlyMap<string, Check>;
  readonly log: Log;
  readonly current: () => Current;
  /**
   * With which entries due at once are claimed in the admitting commit. Undefined where nobody delivers, or when the
   * dispatcher's hands are full: they wait in the store.
   */
  readonly claim: () => LeaseRequest | undefined;
  /** Takes over what was claimed; `awaited`: its client waits for what comes of it. */
  readonly admitted: (leases: readonly Lease[], awaited?: Awaited) => void;
  /** Undefined: no client waits for a store (a rehearsal). */
  readonly words: StoreWords | undefined;
  readonly rehearsal: Rehearsal | undefined;
}
