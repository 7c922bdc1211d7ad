/** A route: how entries of a domain leave. */
import type { Millis } from '../mail/time.ts';

export type TlsLevel = 'none' | 'opportunistic' | 'required' | 'verified' | 'dane' | 'mta-sts';

export type HostAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** When a route tries, how long, and who hears of it. */
export interface RouteTiming {
  readonly name: string;
  /** Waits between attempts; the last repeats. */
  readonly retry: readonly Millis[];
  readonly expire: Millis;
  readonly delayNotice: Millis | 'never';
  /** Who hears when the store refuses after our 250. */
  readonly refusedAfterAccept: 'dsn_if_verified' | 'quarantine';
}

export type Route =
  | (RouteTiming & {
      readonly kind: 'hosts';
      readonly protocol: 'smtp' | 'lmtp';
      /** Asked in order: the next one when this one cannot be reached, or answers 4yz before it has taken the message. */
      readonly hosts: readonly HostAddress[];
      readonly tls: TlsLevel;
      readonly auth: { readonly user: string; readonly password: string } | null;
    })
  | (RouteTiming & { readonly kind: 'maildir'; readonly path: string })
  | (RouteTiming & { readonly kind: 'mx'; readonly port: number; readonly tls: TlsLevel });
