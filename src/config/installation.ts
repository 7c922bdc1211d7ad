/** The installation as `postern.yaml` describes it, validated, with every default in place. */
import type { Place } from '../language/problem.ts';
import type { Millis } from '../mail/time.ts';
import type { FactValue } from '../policy/facts.ts';
import type { HostAddress, Route } from '../queue/route.ts';
import type { DigestSettings } from './digest.ts';
import type { LdapServer, LiveSource, SecretAt } from './live-source.ts';
import type { QuarantineKeeping } from './quarantine.ts';
import type { RoutingEntry } from './routing.ts';

export interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly policy: string;
  /** `opportunistic` and `required` by STARTTLS, `implicit` from the first octet (RFC 8314 §3). */
  readonly tls: 'none' | 'opportunistic' | 'implicit' | 'required';
  readonly auth: 'none' | 'optional' | 'required';
  /** Names of the sources of users, in the order in which they are asked. */
  readonly users: readonly string[];
  readonly clientCertificates: ClientCertificates | undefined;
  readonly relayFor: readonly RelayFor[];
  /** CIDR ranges whose clients may relay. */
  readonly trustedNetworks: readonly string[];
  readonly xclientFrom: readonly string[];
  readonly proxyFrom: readonly string[];
  /** Time before the greeting in which early talkers give themselves away. */
  readonly greetWait: Millis;
  readonly newline: 'strict' | 'normalize';
  readonly mixed: 'quarantine' | 'dsn_if_verified' | 'split';
}

/** Clients trusted by what they show. */
export interface ClientCertificates {
  /** PEM; '' where only fingerprints count. */
  readonly ca: string;
  /** In lower case; empty: whoever the authority signed for. */
  readonly names: readonly string[];
  /** SHA-256 in lower-case hexadecimal digits. */
  readonly fingerprints: readonly string[];
}

/** A provider whose certificate many share: a message is ours by its tenant and its reverse-path. */
export interface RelayFor {
  readonly certificate: string;
  /** In lower case. */
  readonly tenants: readonly string[];
  /** A-labels. */
  readonly domains: readonly string[];
}

/** Where passwords of users are known; paths are absolute. */
export type UserSourceSettings =
  /** `place`: where it is named, or where users are first asked to log in. */
  | { readonly kind: 'file'; readonly path: string; readonly place: Place }
  | {
      readonly kind: 'ldap';
      /** The next is asked when one does not answer. */
      readonly servers: readonly LdapServer[];
      /** PEM, or ''. */
      readonly ca: string;
      readonly base: string;
      readonly filter: string;
      /** The attribute by whose value a user is known, whatever it called itself. */
      readonly name: string;
      readonly addresses: readonly string[];
      readonly bindDn: string;
      /** Undefined: whoever searches is nobody. */
      readonly password: (SecretAt & { readonly place: Place }) | undefined;
      readonly timeout: Millis;
    };

/** What a user may send as. */
export interface SendsAs {
  readonly anything: boolean;
  readonly addresses: readonly string[];
  readonly domains: readonly string[];
}

/** A pair of files that a client may be greeted with; the paths are absolute. */
export interface Certificate {
  /** As `serverName` writes them, `*.example.com` among them. */
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

/** A private key in the name of a domain, under its selector. */
export interface DomainKey {
  readonly selector: string;
  /** Absolute. */
  readonly keyFile: string;
  readonly state: 'publish' | 'active' | 'retired';
  /** How long its signatures hold; undefined: for ever. */
  readonly expire: Millis | undefined;
}

export type RecipientSource =
  | { readonly kind: 'any' }
  | { readonly kind: 'inline'; readonly addresses: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: string }
  | {
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      /** 0.1 for 10 %. */
      readonly maxShrink: number;
      readonly maxAge: Millis | undefined;
      readonly onStale: 'defer' | 'accept';
    }
  | LiveSource;

export type AliasSource =
  | { readonly kind: 'inline'; readonly map: ReadonlyMap<string, readonly string[]> }
  /** Absolute. */
  | { readonly kind: 'file'; readonly path: string };

export interface HostedDomain {
  readonly domain: string;
  readonly route: string;
  /** Every address of it is the one of that hosted domain; it has no recipients of its own. */
  readonly aliasOf?: string;
  readonly aliases?: AliasSource;
  /** Who gets what is for nobody. */
  readonly catchAll?: string;
  /** Recipients go on without their subaddress: `bob` for `bob+lists` (RFC 5233). */
  readonly stripTag?: boolean;
  /** Asked in order. */
  readonly recipients: readonly RecipientSource[];
  readonly settings: { readonly [name: string]: FactValue };
  /** The file is named from the folder of `postern.yaml`. */
  readonly place: Place;
}

/** Bounds an operator may move; `schema-limits.ts` says what each means and why it is so. */
export interface Limits {
  readonly messageBytes: number;
  readonly spoolingBytes: number;
  readonly headerBytes: number;
  readonly headerFieldBytes: number;
  readonly headerLines: number;
  readonly lineBytes: number;
  readonly commandLineBytes: number;
  readonly drainBytes: number;
  readonly recipients: number;
  readonly refusedRecipients: number;
  readonly transactions: number;
  readonly commands: number;
  readonly idleCommands: number;
  readonly greetings: number;
  readonly errors: number;
  readonly loginFailures: number;
  readonly networkLoginFailures: number;
  readonly loginWindow: Millis;
  readonly loginDelay: Millis;
  readonly hops: number;
  readonly signatures: number;
  readonly dnsQuestions: number;
  readonly parts: number;
  readonly partDepth: number;
  readonly textBytes: number;
  readonly proxyHeader: Millis;
  readonly handshake: Millis;
  readonly idle: Millis;
  readonly idleBusy: Millis;
  readonly command: Millis;
  readonly dataBlock: Millis;
  readonly dataRateBytes: number;
  readonly dataWindow: Millis;
  readonly dataStart: Millis;
  readonly decision: Millis;
  readonly commit: Millis;
  readonly cutThrough: Millis;
  readonly session: Millis;
  readonly sessions: number;
  readonly networkSessions: number;
  readonly connections: number;
  readonly networkConnections: number;
  readonly window: Millis;
  readonly lag: Millis;
}

/** Where the daemons are that checks may ask. */
export interface ServiceSettings {
  readonly clamav?: {
    readonly address: HostAddress;
    readonly connectTimeout: Millis;
    /** Longer files are not sent; infinite: clamd says what is too long. */
    readonly maxBytes: number;
  };
  readonly spamassassin?: { readonly address: HostAddress; readonly connectTimeout: Millis };
  readonly rspamd?: {
    /** Without a slash at its end. */
    readonly url: string;
    readonly connectTimeout: Millis;
  };
}

export interface Installation {
  /** Absolute path of postern.yaml. */
  readonly file: string;
  readonly hostname: string;
  readonly node: string;
  /** 0 to 1023, from the node's name: stands in every record id. */
  readonly nodeNumber: number;
  /** Session threads; `cores`: as many as the machine has for them. 0: the main thread's own. */
  readonly threads: number | 'cores';
  readonly postmaster: string;
  readonly listeners: readonly Listener[];
  /** None: listeners with `opportunistic` greet with a self-signed one. */
  readonly certificates: readonly Certificate[];
  readonly domains: ReadonlyMap<string, HostedDomain>;
  readonly routes: ReadonlyMap<string, Route>;
  /** What goes another way than its domain says; the first that holds counts. */
  readonly routing: readonly RoutingEntry[];
  readonly users: ReadonlyMap<string, UserSourceSettings>;
  /** By user as `sameUser` writes it; who is not there sends as itself. */
  readonly senders: ReadonlyMap<string, SendsAs>;
  /** For domains that are not ours; '' where nothing may leave. */
  readonly defaultRoute: string;
  /** Undefined: reverse-paths of mail that is sent on stay as they are. The path is absolute. */
  readonly srs?: { readonly domain: string; readonly keysFile: string; readonly place: Place } | undefined;
  /** By domain, in lower-case A-labels; in the order they are written. */
  readonly signing: ReadonlyMap<string, readonly DomainKey[]>;
  /** With which key forwarded mail is sealed; undefined: it is not. */
  readonly seal: { readonly domain: string; readonly selector: string; readonly keyFile: string } | undefined;
  readonly dns: { readonly servers: readonly string[]; readonly timeout: Millis };
  /** Absolute. */
  readonly policiesDir: string;
  readonly store: { readonly path: string; readonly minFreeBytes: number };
  readonly queue: {
    readonly retry: readonly Millis[];
    readonly expire: Millis;
    readonly delayNotice: Millis | 'never';
    readonly notificationExpire: Millis;
  };
  readonly quarantine: QuarantineKeeping;
  /** Undefined: recipients are not told what was held for them. */
  readonly digest: DigestSettings | undefined;
  readonly limits: Limits;
  readonly records: {
    readonly retention: Millis;
    readonly coalesce: Millis;
    readonly subject: 'full' | 'hash' | 'off';
    /** Absolute, or ''. */
    readonly jsonl: string;
  };
  /** Those that are configured. */
  readonly services: ServiceSettings;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}
