/** A made-up transaction: what `explain` runs, what a policy test gives, and what replay rebuilds. Names are those of the command line with underscores. */

/** ZONES.yaml as data: a name to a list of one-key maps, or the bare words TIMEOUT and SERVFAIL. */
export type Zones = {
  readonly [name: string]: readonly (string | { readonly [type: string]: unknown })[];
};

export interface Scenario {
  readonly listener?: string;
  readonly client_ip?: string;
  readonly client_port?: number;
  /** Given by a trusted upstream (XCLIENT NAME); else the rdns check finds it. */
  readonly client_name?: string;
  readonly helo?: string;
  /** `<>` or '' for the null reverse-path. */
  readonly mail_from?: string;
  readonly rcpt?: readonly string[];
  readonly tls?: boolean;
  readonly auth_user?: string;
  /** ISO 8601, or seconds since 1970. */
  readonly now?: string | number;
  /** A path to a zone file, or the zones themselves. */
  readonly dns?: string | Zones;
  /** A path to a message. */
  readonly message?: string;
  /** The message itself; a text without any CRLF gets its lines ended with CRLF. */
  readonly raw?: string;
  readonly state?: 'passed' | 'fresh' | 'live';
  /** Facts of checks that ask a daemon, by instance. */
  readonly answers?: { readonly [check: string]: { readonly [fact: string]: unknown } };
  readonly all_stages?: boolean;
  readonly live?: boolean;
}
