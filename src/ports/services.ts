/** The daemons that checks may ask. Text in their answers comes from outside: bounded and cleaned by whoever speaks with them. */

export type VirusVerdict =
  | { readonly kind: 'clean' }
  /** `signature` as the scanner names it. */
  | { readonly kind: 'infected'; readonly signature: string }
  /** Limits of the scanner, not faults. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'encrypted' };

/** Whatever is not a verdict rejects with a `ServiceError`: nothing that went wrong can be read as clean. */
export interface VirusScanner {
  /** One file, its octets as they come; what the scanner has not taken yet is not asked of `octets`. */
  scan(octets: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<VirusVerdict>;
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

export interface SpamScanner {
  /** `size` octets. `user`: whose preferences hold, or ''. Rejects with a `ServiceError`. */
  scan(
    message: { readonly size: number; readonly octets: AsyncIterable<Uint8Array> },
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
