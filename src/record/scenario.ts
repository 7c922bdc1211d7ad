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
  /** Left out: as the listener demands; whoever logs in, or shows a certificate, does so over TLS. */
  readonly tls?: boolean;
  /** The name in a client's certificate, which is valid. */
  readonly client_certificate?: string;
  readonly auth_user?: string;
  /** The user's own, as a directory would give them. */
  readonly auth_addresses?: readonly string[];
  /** What stands behind MAIL's path. */
  readonly mail_parameters?: string;
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
