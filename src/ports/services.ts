/** The daemons that checks may ask. Text in their answers comes from outside: bounded and cleaned by whoever speaks with them. */
import type { Timestamp } from '../mail/time.ts';
import type { ServiceName } from '../policy/services.ts';

export type VirusVerdict =
  | { readonly kind: 'clean' }
  /** `signature` as the scanner names it. */
  | { readonly kind: 'infected'; readonly signature: string }
  /** Limits of the scanner, not faults. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'encrypted' };

/** What every service can be asked. */
export interface Service {
  /** Does it live? Resolves with what it says of itself; rejects with a `ServiceError`. */
  probe(signal: AbortSignal): Promise<string>;
}

/** Whatever is not a verdict rejects with a `ServiceError`: nothing that went wrong can be read as clean. */
export interface VirusScanner extends Service {
  /**
   * One file, its octets as they come; what the scanner has not taken yet is not asked of `octets`. `message`: the SHA-256 of
   * the message it is or stands in, so that one message that breaks the scanner is told from a scanner that is broken.
   */
  scan(
    file: { readonly message: string; readonly octets: AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<VirusVerdict>;
  /** Engine and signatures, such as `ClamAV 1.4.3/27800`. */
  version(signal: AbortSignal): Promise<string>;
}

/** What a spam scanner is told beside the octets. */
export interface ScannedEnvelope {
  readonly client: { readonly ip: string; readonly name: string };
  readonly helo: string;
  /** Who authenticated, or ''. */
  readonly user: string;
  /** '' for the null reverse-path. */
  readonly from: string;
  readonly recipients: readonly string[];
  /** The record's id. */
  readonly id: string;
  /** Our own name. */
  readonly by: string;
  /** When it came: the record's time. */
  readonly at: Timestamp;
}

export interface SpamSymbol {
  readonly name: string;
  readonly score: number;
  readonly about: string;
}

export interface SpamVerdict {
  readonly score: number;
  /** From which score the scanner calls it spam. */
  readonly required: number;
  /** What the scanner would do, in its word; '' where it names none. */
  readonly action: string;
  readonly symbols: readonly SpamSymbol[];
}

export interface SpamScanner extends Service {
  /** `size` octets, `sha256` of them all. `user`: whose preferences hold, or ''. Rejects with a `ServiceError`. */
  scan(
    message: { readonly size: number; readonly sha256: string; readonly octets: AsyncIterable<Uint8Array> },
    envelope: ScannedEnvelope,
    user: string,
    signal: AbortSignal,
  ): Promise<SpamVerdict>;
}

/** Why a service gave no verdict. */
export class ServiceError extends Error {
  /** `unreachable`, `silent`, `broken` (closed midway), `garbage`, `refused` (it said why), `resting` (its breaker is open). */
  readonly kind: 'unreachable' | 'silent' | 'broken' | 'garbage' | 'refused' | 'resting';
  constructor(kind: ServiceError['kind'], why: string) {
    super(why);
    this.name = 'ServiceError';
    this.kind = kind;
  }
}

/** Those that are configured under `services:`. */
export interface Services {
  readonly clamav?: VirusScanner;
  readonly spamassassin?: SpamScanner;
  readonly rspamd?: SpamScanner;
}

/**
 * A service, or a directory of users by its name, went out of use in one thread, came back, or is not asked any more since its
 * configuration went.
 */
export interface ServiceNews<Name extends string = ServiceName> {
  readonly service: Name;
  readonly state: 'down' | 'up' | 'retired';
  readonly at: Timestamp;
  /** Why it is down; '' else. */
  readonly why: string;
}

/** A configured service as `status` tells of it. */
export interface ServiceStatus<Name extends string = ServiceName> {
  readonly service: Name;
  readonly state: 'up' | 'down';
  readonly since: Timestamp;
  /** Why it is down, or was down last; '' where it never was. */
  readonly lastError: string;
}
