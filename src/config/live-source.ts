/** Recipient sources that are asked over the network, as they are used: whom to ask, how long, and what holds while nobody answers. */
import type { Millis } from '../mail/time.ts';
import { sayHost } from '../queue/host.ts';
import type { CertificateFiles, HostAddress, TlsLevel } from '../queue/route.ts';
import { type HostPort, sayHostPort } from './host-port.ts';

/** Where a secret is to be found; never the secret. */
export type SecretAt =
  /** Absolute. */
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'env'; readonly name: string };

interface Live {
  /** Of one question, waiting for its turn included. */
  readonly timeout: Millis;
  /** Questions at once. */
  readonly connections: number;
  readonly knownFor: Millis;
  readonly unknownFor: Millis;
  readonly lastKnown: Millis;
  readonly onError: 'defer' | 'accept';
}

export type LdapServer = HostPort & { readonly tls: 'implicit' | 'starttls' | 'none' };

export interface LdapSource extends Live {
  readonly kind: 'ldap';
  /** Asked in order. */
  readonly servers: readonly LdapServer[];
  /** Absolute, or ''. */
  readonly caFile: string;
  readonly base: string;
  /** Checked by `checkFilter`. */
  readonly filter: string;
  /** '': anonymously. */
  readonly bindDn: string;
  readonly password: SecretAt | undefined;
  /** Loaded whole, and looked up here; undefined: asked for each address. */
  readonly list: LdapList | undefined;
}

export interface LdapList {
  readonly every: Millis;
  /** Whose values are addresses. */
  readonly attributes: readonly string[];
  /** 0.1 for 10 %. */
  readonly maxShrink: number;
}

export interface SqlSource extends Live {
  readonly kind: 'sql';
  /** A name, an address, or the absolute path of the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly tls: 'verified' | 'none';
  /** Absolute, or ''. */
  readonly caFile: string;
  readonly query: string;
  readonly password: SecretAt | undefined;
}

export interface CalloutSource extends Live {
  readonly kind: 'callout';
  readonly hosts: readonly HostAddress[];
  readonly protocol: 'smtp' | 'lmtp';
  readonly tls: TlsLevel;
  /** The route's, where its hosts are asked. */
  readonly certificate?: CertificateFiles;
  readonly probeRandom: boolean;
  /** Questions a second. */
  readonly rate: number;
}

export type LiveSource = LdapSource | SqlSource | CalloutSource;

export const isLive = (source: { readonly kind: string }): source is LiveSource =>
  source.kind === 'ldap' || source.kind === 'sql' || source.kind === 'callout';

/** A directory that is loaded whole: its addresses lie in a file, as an operator's own do. */
export type LoadedSource = LdapSource & { readonly list: LdapList };
export const isLoaded = (source: { readonly kind: string }): source is LoadedSource =>
  source.kind === 'ldap' && (source as LdapSource).list !== undefined;

/** As a person knows it: `ldap ldap.internal:636`. */
export function sayLive(source: LiveSource): string {
  switch (source.kind) {
    case 'ldap':
      return `ldap ${source.servers.map(sayHostPort).join(', ')}`;
    case 'sql':
      return `sql ${source.host.startsWith('/') ? source.host : sayHostPort(source)}/${source.database}`;
    case 'callout':
      return `callout ${source.hosts.map(sayHost).join(', ')}`;
  }
}
