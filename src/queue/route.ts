/** A route: how entries of a domain leave. */
import type { Millis } from '../mail/time.ts';
import type { Flow } from './flow.ts';

export type TlsLevel = 'none' | 'opportunistic' | 'required' | 'verified' | 'dane' | 'mta-sts';

export type HostAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** What a route is known to take. */
export interface Takes {
  /** Internationalized mail (RFC 6531). */
  readonly utf8: boolean;
  /** Octets of a message as it comes to us; infinite where the operator named none. */
  readonly sizeBytes: number;
}

/** What every kind of route may say of itself. */
interface RouteBase extends RouteTiming {
  /** What the operator knows of what lies behind; absent where nothing was said (`queue/takes.ts`). */
  readonly takes?: Takes;
  /** How much at once; absent where nothing was said (`queue/flow.ts`). */
  readonly flow?: Flow;
}

/** When a route tries, how long, and who hears of it. */
export interface RouteTiming {
  readonly name: string;
  /** Waits between attempts; the last repeats. */
  readonly retry: readonly Millis[];
  readonly expire: Millis;
  /** For notifications of our own; absent: as for everything else. */
  readonly notificationExpire?: Millis;
  readonly delayNotice: Millis | 'never';
  /** Who hears when the store refuses after our 250. */
  readonly refusedAfterAccept: 'dsn_if_verified' | 'quarantine';
}

export type Route =
  | (RouteBase & {
      readonly kind: 'hosts';
      readonly protocol: 'smtp' | 'lmtp';
      /** Asked in order: the next one when this one cannot be reached, or answers 4yz before it has taken the message. */
      readonly hosts: readonly HostAddress[];
      readonly tls: TlsLevel;
      readonly auth: { readonly user: string; readonly password: string } | null;
    })
  | (RouteBase & { readonly kind: 'maildir'; readonly path: string })
  | (RouteBase & { readonly kind: 'mx'; readonly port: number; readonly tls: TlsLevel });
