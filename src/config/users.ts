/** Sources of users and what users may send as, as written made into what is used. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import type { Place } from '../language/problem.ts';
import { isVariable } from '../language/unsaid.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
import { sameUser } from '../mail/user-name.ts';
import type { Findings } from './findings.ts';
import type { SendsAs, UserSourceSettings } from './installation.ts';
import { isAttribute, namingAttribute } from './ldap-filter.ts';
import type { LdapServer } from './live-source.ts';
import { namedSecret } from './named-secret.ts';
import { resolvePath } from './paths.ts';
import type { USER_SOURCE } from './schema-users.ts';
import type { InstallationFiles, Sections, Spot } from './sections.ts';
import { isHere, parseLdapUrl } from './server-url.ts';

type Ldap = Extract<z.output<typeof USER_SOURCE>, { ldap: unknown }>['ldap'];

export function buildUsers(
  { maps }: Sections,
  folder: string,
  files: InstallationFiles,
  findings: Findings,
): Map<string, UserSourceSettings> {
  const users = new Map<string, UserSourceSettings>();
  const wanted = [...maps.listeners.values()].find(({ value }) => (value?.auth ?? 'none') !== 'none');
  // Where users log in and nothing is said of them: the file that `postern passwd` makes.
  if (maps.users.size === 0 && wanted !== undefined)
    users.set('users', { kind: 'file', path: resolvePath(folder, 'users'), place: placeOf(wanted.at, 'auth') });
  for (const [name, { value, at }] of maps.users) {
    if (value === undefined) continue;
    if ('file' in value)
      users.set(name, { kind: 'file', path: resolvePath(folder, value.file), place: placeOf(at, 'file') });
    else users.set(name, ldapOf(value.ldap, at, folder, files, findings));
  }
  return users;
}

function ldapOf(
  written: Ldap,
  at: Spot,
  folder: string,
  files: InstallationFiles,
  { problems }: Findings,
): UserSourceSettings {
  const wrong = (path: readonly (string | number)[], message: string, remedy: string, what?: 'key' | 'value'): void =>
    void problems.push(at.problem(['ldap', ...path], message, remedy, what));
  const servers = serversOf(written, wrong);
  if (!written.filter.includes('{user}'))
    wrong(['filter'], 'the filter asks for no user', 'write {user} in it, such as (uid={user})');
  else if (written.name === undefined && namingAttribute(written.filter) === undefined)
    wrong(
      ['filter'],
      'one account could log in by several names, and be another user by each',
      'write `name:` with the attribute that names it, of one value, such as `name: uid`',
    );
  if (written.name !== undefined && !isAttribute(written.name))
    wrong(['name'], `"${written.name}" is no name of an attribute`, 'expected one such as uid');
  if (written.password !== undefined && !isVariable(written.password))
    wrong(['password'], 'a password does not stand here', 'write `password_file:`, or env: and the name of a variable');
  if (written.password !== undefined && written.password_file !== undefined)
    wrong(['password_file'], 'there are two passwords', 'keep one', 'key');
  const secret = written.password !== undefined || written.password_file !== undefined;
  // RFC 4513 §5.1.2: a name without a password asks for nothing but anonymity.
  if ((written.bind_dn !== undefined) !== secret)
    wrong([], '`bind_dn` and its password stand together', 'write both, or none to search as nobody', 'key');
  const ca = written.ca_file === undefined ? '' : files.read(resolvePath(folder, written.ca_file));
  if (ca === undefined) wrong(['ca_file'], `there is no file "${written.ca_file}"`, 'expected certificates in PEM');
  return {
    kind: 'ldap',
    servers,
    ca: ca ?? '',
    base: written.base,
    filter: written.filter,
    name: written.name ?? namingAttribute(written.filter) ?? '',
    addresses: written.addresses ?? [],
    bindDn: written.bind_dn ?? '',
    password: secretOf(written, at, folder),
    timeout: written.timeout,
  };
}

type Tell = (path: readonly (string | number)[], message: string, remedy: string) => void;

function serversOf(written: Ldap, wrong: Tell): readonly LdapServer[] {
  const urls = [written.url].flat();
  const servers = urls.flatMap((text, n): readonly LdapServer[] => {
    const url = parseLdapUrl(text);
    if (url !== undefined)
      return [{ host: url.host, port: url.port, tls: url.encrypted ? 'implicit' : PLAIN[written.tls] }];
    const at = typeof written.url === 'string' ? ['url'] : ['url', n];
    wrong(at, `"${text}" is not where a directory is`, 'expected ldaps://ldap.internal, with :port or not');
    return [];
  });
  if (written.tls === 'none' && servers.some(({ host }) => !isHere(host)))
    wrong(
      ['tls'],
      'passwords would cross the network for everybody to read',
      'write `tls: required`; `none` is for a server on this machine',
    );
  return servers;
}

/** Of addresses that are not encrypted from the start. */
const PLAIN = { required: 'starttls', none: 'none' } as const;

function secretOf(written: Ldap, at: Spot, folder: string): LdapUsersSettings['password'] {
  const named = namedSecret(written, folder);
  return named && { ...named, place: placeOf(at, 'ldap') };
}

const placeOf = (at: Spot, key: string): Place => ({
  ...at.source.place([...at.path, key], 'value'),
  file: at.name,
});

type LdapUsersSettings = Extract<UserSourceSettings, { kind: 'ldap' }>;

export function buildSenders({ maps }: Sections, { problems }: Findings): Map<string, SendsAs> {
  const senders = new Map<string, SendsAs>();
  for (const [name, { value, at }] of maps.senders) {
    const user = sameUser(name);
    if (user === undefined)
      problems.push(at.problem([], `"${name}" is no name of a user`, 'expected one without blanks', 'key'));
    else if (senders.has(user)) problems.push(at.problem([], `"${name}" stands in senders twice`, 'keep one', 'key'));
    if (value === undefined || user === undefined) continue;
    senders.set(user, {
      anything: value.includes('*'),
      ...placesOf(value, at, problems),
    });
  }
  return senders;
}

function placesOf(
  written: readonly string[],
  at: Spot,
  problems: Findings['problems'],
): Pick<SendsAs, 'addresses' | 'domains'> {
  const addresses: string[] = [];
  const domains: string[] = [];
  for (const [n, text] of written.entries()) {
    if (text === '*') continue;
    const mailbox = text.includes('@') && !text.startsWith('@') ? parseMailbox(text, true) : undefined;
    const domain = mailbox === undefined ? toAscii(text.replace(/^@/, '')) : undefined;
    if (mailbox?.kind === 'ok') addresses.push(mailbox.value.address.toLowerCase());
    else if (domain !== undefined) domains.push(domain);
    else
      problems.push(
        at.problem([n], `"${text}" is neither address nor domain`, 'expected alice@example.com, example.com or "*"'),
      );
  }
  return { addresses, domains };
}

/** Which sources a listener asks. */
export function usersOf(
  written: readonly string[] | undefined,
  known: ReadonlyMap<string, unknown>,
  at: Spot,
  { problems }: Findings,
): readonly string[] {
  for (const [n, name] of (written ?? []).entries()) {
    if (known.has(name)) continue;
    const remedy = `${didYouMean(name, known.keys())} there are: ${[...known.keys()].join(', ') || 'none'}`.trim();
    problems.push(at.problem(['users', n], `there is no source of users "${name}"`, remedy));
  }
  return written ?? [...known.keys()];
}
