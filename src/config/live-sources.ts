/** `ldap`, `sql` and `callout` as written made into sources as used: encrypted or on this machine, their secrets elsewhere. */

import { isVariable } from '../language/unsaid.ts';
import { parseIp } from '../mail/ip.ts';
import type { HostAddress } from '../queue/route.ts';
import { parseNextHop } from './host-port.ts';
import { checkFilter, isAttribute, LIST_PRESETS, PRESETS } from './ldap-filter.ts';
import type { CalloutSource, LdapSource, SecretAt, SqlSource } from './live-source.ts';
import { namedSecret } from './named-secret.ts';
import { resolvePath } from './paths.ts';
import type { SourceSpot } from './recipient-sources.ts';
import type { WrittenCallout, WrittenLdap, WrittenSql } from './schema-recipients.ts';
import { isHere, parseLdapUrl, parseSqlUrl } from './server-url.ts';
import { checkQuery } from './sql-query.ts';

type Tell = (path: readonly (string | number)[], message: string, remedy: string, what?: 'key' | 'value') => void;

const tellerOf =
  (kind: string, { at, findings }: SourceSpot): Tell =>
  (path, message, remedy, what) =>
    void findings.problems.push(at.problem([kind, ...path], message, remedy, what));

export function ldapSource(written: WrittenLdap, spot: SourceSpot): LdapSource | undefined {
  const tell = tellerOf('ldap', spot);
  const urls = typeof written.url === 'string' ? [written.url] : written.url;
  const servers = urls.flatMap((text, n) => {
    const at = typeof written.url === 'string' ? ['url'] : ['url', n];
    const url = parseLdapUrl(text);
    if (url === undefined) {
      tell(
        at,
        `"${text}" is not the address of a directory`,
        'expected one such as "ldaps://ldap.internal" or "ldap://127.0.0.1:389"',
      );
      return [];
    }
    const { encrypted, host, port } = url;
    const tls = encrypted ? ('implicit' as const) : (written.tls ?? 'starttls');
    if (encrypted && written.tls !== undefined)
      tell(['tls'], '`tls` is of `ldap:` addresses, and `ldaps:` is encrypted from the start', 'remove it', 'key');
    if (tls === 'none' && !isHere(host)) tell(['tls'], unencrypted('who is asked for', host), 'remove `tls: none`');
    return [{ host, port, tls }];
  });
  const presets = written.list === undefined ? PRESETS : LIST_PRESETS;
  const filter = written.preset === undefined ? (written.filter ?? '') : presets[written.preset];
  const wrong = checkFilter(filter, written.list !== undefined);
  if ((written.preset === undefined) === (written.filter === undefined))
    tell(
      [],
      'one filter is needed',
      'write `preset: active-directory`, `preset: openldap` or `filter:` of your own',
      'key',
    );
  else if (wrong !== '')
    tell(['filter'], `the filter cannot be asked: ${wrong}`, `expected one such as "${presets.openldap}"`);
  const password = secretOf(written, 'ldap', spot);
  if (password !== undefined && written.bind_dn === undefined)
    tell([], 'nobody is named whose password this is', 'add `bind_dn:`', 'key');
  if (password === undefined && written.bind_dn !== undefined)
    // RFC 4513 §5.1.2: a name without a password is taken by many servers, and proves nothing.
    tell(['bind_dn'], 'a name without a password', 'add `password_file:` or `password: env:NAME`', 'key');
  return {
    kind: 'ldap',
    servers,
    caFile: caFileOf(written.ca_file, 'ldap', spot),
    base: written.base,
    filter,
    bindDn: written.bind_dn ?? '',
    password,
    list: listOf(written, tell),
    ...spansOf(written),
  };
}

function listOf({ list }: WrittenLdap, tell: Tell): LdapSource['list'] {
  if (list === undefined) return undefined;
  list.attributes.forEach((name, n) => {
    if (!isAttribute(name))
      tell(['list', 'attributes', n], `"${name}" is no name of an attribute`, 'expected one such as mail');
  });
  return { every: list.every, attributes: list.attributes, maxShrink: Number.parseFloat(list.max_shrink) / 100 };
}

export function sqlSource(written: WrittenSql, spot: SourceSpot): SqlSource | undefined {
  const tell = tellerOf('sql', spot);
  const url = parseSqlUrl(written.url);
  const why = checkQuery(written.query);
  if (why !== '')
    tell(
      ['query'],
      `the query cannot be asked: ${why}`,
      'expected one such as "SELECT 1 FROM mailboxes WHERE address = $1"',
    );
  const password = secretOf(written, 'sql', spot);
  if (url === undefined) {
    tell(
      ['url'],
      'this is not the address of a database',
      'expected one such as "postgres://reader@db.internal/mail" or "postgres://reader@/mail?host=/run/postgresql"',
    );
    return undefined;
  }
  if (url.secret)
    tell(['url'], 'a secret stands in this file', 'write `password_file:` and a path, or `password: env:NAME`');
  if (url.user === '')
    tell(['url'], 'it does not say who asks', 'write a role that may read and no more: postgres://reader@…');
  const tls = written.tls ?? (url.host.startsWith('/') ? 'none' : 'verified');
  if (tls === 'none' && !isHere(url.host))
    tell(['tls'], unencrypted('who is asked for', url.host), 'remove `tls: none`');
  if (tls === 'verified' && url.host.startsWith('/'))
    tell(['tls'], 'a unix socket has no name that a certificate could prove', 'remove it', 'key');
  const { host, port, user, database } = url;
  return {
    kind: 'sql',
    host,
    port,
    user,
    database,
    tls,
    caFile: caFileOf(written.ca_file, 'sql', spot),
    query: written.query,
    password,
    ...spansOf(written),
  };
}

export function calloutSource(written: WrittenCallout, spot: SourceSpot): CalloutSource | undefined {
  const tell = tellerOf('callout', spot);
  const { route } = spot;
  const rest = { probeRandom: written.probe_random, rate: written.rate, ...spansOf(written) };
  if (written.hosts === undefined) {
    if (route === undefined) return undefined; // told of where the route is named
    if (route.kind !== 'hosts') {
      tell(
        [],
        `the route "${route.name}" has no hosts that could be asked`,
        'name them here: `callout: { hosts: ["mail1.internal:25"] }`',
        'key',
      );
      return undefined;
    }
    // No password of a route goes out to ask who is known.
    return {
      kind: 'callout',
      hosts: route.hosts,
      protocol: route.protocol,
      tls: written.tls ?? calloutTls(route.tls),
      ...(route.certificate && { certificate: route.certificate }),
      ...rest,
    };
  }
  const hosts = written.hosts.flatMap((text, n): HostAddress[] => {
    const host = parseNextHop(text, SMTP_PORT);
    if (host === undefined)
      tell(['hosts', n], `"${text}" is not a host`, 'expected one such as "mail1.internal:2525" or "[2001:db8::1]:25"');
    return host === undefined ? [] : [host];
  });
  return { kind: 'callout', hosts, protocol: 'smtp', tls: written.tls ?? 'opportunistic', ...rest };
}

const SMTP_PORT = 25;

/** What a list of hosts can keep; DANE and MTA-STS are of a domain's MX. */
const calloutTls = (tls: CalloutSource['tls']): CalloutSource['tls'] =>
  tls === 'dane' || tls === 'mta-sts' ? 'opportunistic' : tls;

const unencrypted = (what: string, host: string): string =>
  `${what} would go to ${host} unencrypted, and anybody on the way could answer${parseIp(host) === undefined ? '' : ' for it'}`;

function secretOf(
  written: { readonly password?: string | undefined; readonly password_file?: string | undefined },
  kind: string,
  spot: SourceSpot,
): SecretAt | undefined {
  const tell = tellerOf(kind, spot);
  const { password, password_file: file } = written;
  if (password !== undefined && file !== undefined)
    tell(['password'], 'two passwords are named', 'keep `password_file:` or `password:`', 'key');
  if (file === undefined && password !== undefined && !isVariable(password)) {
    tell(
      ['password'],
      'a secret stands in this file',
      'write `password_file:` and a path, or `password: env:NAME`',
      'key',
    );
    return undefined;
  }
  return namedSecret(written, spot.folder);
}

function caFileOf(written: string | undefined, kind: string, spot: SourceSpot): string {
  if (written === undefined) return '';
  const path = resolvePath(spot.folder, written);
  if (!spot.files.exists(path))
    tellerOf(kind, spot)(['ca_file'], `there is no file "${written}"`, `looked for ${spot.files.show(path)}`);
  return path;
}

const spansOf = (written: WrittenLdap | WrittenSql | WrittenCallout) => ({
  timeout: written.timeout,
  connections: written.connections,
  knownFor: written.known_for,
  unknownFor: written.unknown_for,
  lastKnown: written.last_known,
  onError: written.on_error,
});
