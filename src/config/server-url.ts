/** Addresses of directories and databases as operators write them: `ldaps://ldap.internal`, `postgres://reader@db.internal/mail`. */
import { type HostPort, parseHostPort } from './host-port.ts';

export interface LdapUrl extends HostPort {
  readonly encrypted: boolean;
}

const LDAP_PORT = 389; // RFC 4513 §3: StartTLS is spoken here
const LDAPS_PORT = 636;
const POSTGRES_PORT = 5432;

export function parseLdapUrl(text: string): LdapUrl | undefined {
  const [, scheme, rest] = /^(ldaps?):\/\/([^/?#@]+)\/?$/i.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  const encrypted = scheme.toLowerCase() === 'ldaps';
  const address = parseHostPort(rest, encrypted ? LDAPS_PORT : LDAP_PORT);
  return address === undefined || address.port === 0 ? undefined : { ...address, encrypted };
}

export interface SqlUrl extends HostPort {
  readonly user: string;
  readonly database: string;
  /** A password stands in it. */
  readonly secret: boolean;
}

/** With `?host=/run/postgresql` the server is asked over its unix socket, as libpq has it. */
export function parseSqlUrl(text: string): SqlUrl | undefined {
  const parts = /^postgres(?:ql)?:\/\/(?:([^:@/?#]*)(:[^@/?#]*)?@)?([^/?#@]*)\/([^/?#]+)(?:\?host=(\/[^&#]*))?$/i.exec(
    text,
  );
  if (parts === null) return undefined;
  const [, user = '', password, authority = '', database = '', socket] = parts;
  const names = [user, database, socket ?? ''].map(decoded);
  if (names.includes(undefined)) return undefined;
  const [who = '', which = '', folder = ''] = names;
  const address =
    folder === '' ? parseHostPort(authority, POSTGRES_PORT) : parseHostPort(`localhost${authority}`, POSTGRES_PORT);
  if (address === undefined || address.port === 0) return undefined;
  return {
    host: folder === '' ? address.host : folder,
    port: address.port,
    user: who,
    database: which,
    secret: password !== undefined,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a % that is followed by no two digits: no address
  }
}

/** What is said to it leaves this machine by no wire. */
export const isHere = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
