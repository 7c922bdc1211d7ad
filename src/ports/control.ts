/** The control line: what a person's command may ask of the running gateway, and what it answers. */
import type { Problem } from '../language/problem.ts';
import type { Timestamp } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import type { SourceStatus } from './recipients.ts';
import type { ServiceStatus } from './services.ts';

export type ControlAsk =
  | { readonly verb: 'reload' }
  | { readonly verb: 'reload lists' }
  | { readonly verb: 'drain' }
  | { readonly verb: 'undrain' }
  | { readonly verb: 'status' }
  | { readonly verb: 'override'; readonly begin: OverrideWish }
  | { readonly verb: 'suspension'; readonly lift: { readonly user: string; readonly by: string } }
  | { readonly verb: 'suspension'; readonly begin: SuspensionWish }
  | { readonly verb: 'override'; readonly end: { readonly id: string; readonly by: string } };

export interface SuspensionWish {
  readonly user: string;
  readonly by: string;
  readonly why: string;
  /** Milliseconds from now. */
  readonly span: number;
}

export interface OverrideWish extends Pick<Override, 'kind' | 'name' | 'policy' | 'by' | 'why'> {
  /** Milliseconds from now. */
  readonly span: number;
}

/** What came of it; `problems` where the gateway would not. */
export interface ControlAnswer {
  readonly problems: readonly Problem[];
  readonly status: GatewayStatus;
  /** The override that began or ended. */
  readonly override?: Override;
}

export interface GatewayStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: Timestamp;
  /** Digest of the configuration in force, policies and overrides included: tells whether the files say the same. */
  readonly configuration: string;
  readonly draining: boolean;
  /** Bounds of the store that it keeps to, which the files may have changed since. */
  readonly room: { readonly minFreeBytes: number; readonly quarantineBytes: number };
  readonly listeners: readonly {
    readonly name: string;
    readonly address: string;
    readonly policy: string;
    readonly sessions: number;
  }[];
  readonly policies: readonly { readonly name: string; readonly bundle: string; readonly rules: number }[];
  /** Null: none since it started. */
  readonly lastReload: { readonly at: Timestamp; readonly problems: readonly Problem[] } | null;
  readonly services: readonly ServiceStatus[];
  /** Directories of users, by their names; left out by gateways that did not look at them. */
  readonly directories?: readonly ServiceStatus<string>[];
  /** Recipient sources that are asked over the network. */
  readonly sources: readonly SourceStatus[];
  /** Destinations that do not answer; not all of thousands. Left out by gateways that knew of none. */
  readonly dead?: readonly DeadDestination[];
  /** Null: recipients are not told of held mail. */
  readonly digest: {
    /** Where its pages are served. */
    readonly address: string;
    readonly next: Timestamp | null;
    /** Null: none since it started. */
    readonly last: { readonly at: Timestamp; readonly mails: number; readonly messages: number } | null;
  } | null;
  readonly overrides: readonly Override[];
  /** Users who may not send now. */
  readonly suspensions: readonly Suspended[];
}

export interface Suspended {
  readonly user: string;
  readonly since: Timestamp;
  readonly until: Timestamp;
  readonly by: string;
  readonly why: string;
  /** Of the message that a rule spoke about, or ''. */
  readonly recordId: string;
}

export interface DeadDestination {
  /** `route store`, or `example.com by route internet`. */
  readonly destination: string;
  /** What the last attempt came to. */
  readonly why: string;
  /** Milliseconds until it is asked again. */
  readonly probeIn: number;
}

export type Controlled =
  | { readonly kind: 'answered'; readonly answer: ControlAnswer }
  /** The gateway understood, and says why not. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Nobody listens there. */
  | { readonly kind: 'stopped'; readonly why: string };

export interface ControlLine {
  /** Never rejects. */
  ask(what: ControlAsk, signal: AbortSignal): Promise<Controlled>;
}
