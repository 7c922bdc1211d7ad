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
  /** The client waits for what the next hop says; absent: it hears that the message is queued. */
  readonly deliver?: 'cut_through';
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

/** Own addresses to speak from, at most one a family; a family that is not named is not used. */
export interface SourceAddresses {
  readonly v4?: string;
  readonly v6?: string;
}

/** How one of several hosts is chosen. The others follow when it does not take the message. */
export type HostStrategy =
  /** In the order they are written. */
  | { readonly kind: 'failover' }
  /** Each message begins with the next one. */
  | { readonly kind: 'roundRobin' }
  /** By chance, as often as its share of all weights says; one a host, in their order. */
  | { readonly kind: 'weighted'; readonly weights: readonly number[] };

/** A certificate and its key, by their absolute paths. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What routes have in common that speak to hosts. */
interface Speaking extends RouteBase {
  readonly tls: TlsLevel;
  /** Absent: the system chooses. */
  readonly source?: SourceAddresses;
  /** Shown where a host asks for one in TLS. */
  readonly certificate?: CertificateFiles;
  /** Relays that are asked, in order, when nobody else could be reached or all put the message off. */
  readonly fallback?: readonly HostAddress[];
}

/** `from` is where the password was read, or has to be. */
export interface RouteAuth {
  readonly user: string;
  readonly password: string;
  readonly from?: (
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'env'; readonly name: string }
  ) & {
    readonly place: { readonly file: string; readonly line: number; readonly column: number };
  };
}

export interface HostsRoute extends Speaking {
  readonly kind: 'hosts';
  readonly protocol: 'smtp' | 'lmtp';
  /** The next one is asked when one cannot be reached, or answers 4yz before it has taken the message. */
  readonly hosts: readonly HostAddress[];
  /** Absent: failover. */
  readonly strategy?: HostStrategy;
  readonly auth: RouteAuth | null;
}

/** To the hosts that the recipient's domain names in DNS (RFC 5321 §5.1). */
export interface MxRoute extends Speaking {
  readonly kind: 'mx';
  readonly port: number;
}

export type Route = HostsRoute | MxRoute | (RouteBase & { readonly kind: 'maildir'; readonly path: string });
