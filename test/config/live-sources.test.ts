/** `ldap`, `sql` and `callout` as they are written, and what is said of them where they are wrong. */
import { expect, test } from 'vitest';
import { checkFilter, escapeValue, fillFilter } from '../../src/config/ldap-filter.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { parseLdapUrl, parseSqlUrl } from '../../src/config/server-url.ts';
import { checkQuery, isYes } from '../../src/config/sql-query.ts';
import { filesOf } from '../support/installation-files.ts';

const load = (recipients: string, route = 'store') =>
  loadInstallation(
    '/etc/postern/postern.yaml',
    filesOf({
      '/etc/postern/policies/inbound.yaml': '',
      '/etc/postern/ca.pem': '',
      '/etc/postern/postern.yaml': `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:25", policy: inbound } }
routes: { files: { protocol: maildir, path: var/mail }, store: { hosts: ["mail1.internal"], tls: none } }
domains:
  example.net:
    route: ${route}
    recipients: ${recipients}
`,
    }),
  );

test('a directory, with what fits where nothing is said', () => {
  const { installation, problems, notYet } = load(
    '{ ldap: { url: ["ldaps://dc1.internal", "ldap://dc2.internal"], ca_file: ca.pem, base: "dc=x", preset: active-directory, bind_dn: "cn=r", password_file: secrets/ldap } }',
  );
  expect([...problems, ...notYet]).toEqual([]);
  expect(installation?.domains.get('example.net')?.recipients).toEqual([
    {
      kind: 'ldap',
      servers: [
        { host: 'dc1.internal', port: 636, tls: 'implicit' },
        { host: 'dc2.internal', port: 389, tls: 'starttls' },
      ],
      caFile: '/etc/postern/ca.pem',
      base: 'dc=x',
      filter: '(|(mail={address})(proxyAddresses=smtp:{address}))',
      bindDn: 'cn=r',
      password: { kind: 'file', path: '/etc/postern/secrets/ldap' },
      list: undefined,
      timeout: 5000,
      connections: 4,
      knownFor: 900_000,
      unknownFor: 60_000,
      lastKnown: 7 * 86_400_000,
      onError: 'defer',
    },
  ]);
});

test('a directory whose addresses are loaded whole', () => {
  const { installation, problems } = load(
    '{ ldap: { url: "ldaps://l.internal", base: "dc=x", preset: openldap, list: {} } }',
  );
  expect(problems).toEqual([]);
  expect(installation?.domains.get('example.net')?.recipients).toMatchObject([
    {
      filter: '(|(mail=*)(mailAlternateAddress=*))',
      list: { every: 900_000, attributes: ['mail', 'proxyAddresses', 'mailAlternateAddress'], maxShrink: 0.1 },
    },
  ]);
});

test('a database over its socket, and a store that is the route', () => {
  const { installation, problems } = load(
    '[{ sql: { url: "postgres://reader@/mail?host=/run/postgresql", query: "SELECT 1 FROM m WHERE a = $1", password: "env:DB" } }, { callout: {} }]',
  );
  expect(problems).toEqual([]);
  expect(installation?.domains.get('example.net')?.recipients).toMatchObject([
    {
      kind: 'sql',
      host: '/run/postgresql',
      database: 'mail',
      user: 'reader',
      tls: 'none',
      password: { kind: 'env', name: 'DB' },
    },
    {
      kind: 'callout',
      hosts: [{ kind: 'tcp', host: 'mail1.internal', port: 25 }],
      protocol: 'smtp',
      tls: 'none',
      probeRandom: true,
    },
  ]);
});

const LDAP = 'url: "ldaps://l.internal", base: "dc=x"';
const SQL = 'query: "SELECT 1 FROM m WHERE a = $1"';
test.each([
  [`{ ldap: { ${LDAP} } }`, 'one filter is needed', 'preset: active-directory'],
  [`{ ldap: { ${LDAP}, preset: openldap, filter: "(mail={address})" } }`, 'one filter is needed', 'openldap'],
  [`{ ldap: { ${LDAP}, filter: "(mail=*)" } }`, 'it does not ask for {address}', 'mailAlternateAddress'],
  [`{ ldap: { ${LDAP}, filter: "(mail={address})", list: {} } }`, 'the list is of all', '(mail=*)'],
  [`{ ldap: { ${LDAP}, preset: openldap, list: { attributes: ["a=b"] } } }`, 'is no name of an attribute', 'mail'],
  [`{ ldap: { ${LDAP}, filter: "(mail={address}" } }`, 'is not (attribute=value)', 'mail={address}'],
  [`{ ldap: { url: "http://l", base: x, preset: openldap } }`, 'is not the address of a directory', 'ldaps://'],
  [`{ ldap: { url: "ldap://l.internal", tls: none, base: x, preset: openldap } }`, 'unencrypted', 'remove'],
  [`{ ldap: { ${LDAP}, preset: openldap, tls: starttls } }`, 'encrypted from the start', 'remove it'],
  [`{ ldap: { ${LDAP}, preset: openldap, bind_dn: "cn=r" } }`, 'a name without a password', 'password_file'],
  [`{ ldap: { ${LDAP}, preset: openldap, password: "env:X" } }`, 'nobody is named', 'bind_dn'],
  [`{ ldap: { ${LDAP}, preset: openldap, ca_file: no.pem } }`, 'there is no file "no.pem"', 'no.pem'],
  [`{ sql: { url: "mysql://u@h/d", ${SQL} } }`, 'not the address of a database', 'postgres://'],
  [`{ sql: { url: "postgres://h/d", ${SQL} } }`, 'does not say who asks', 'reader@'],
  [`{ sql: { url: "postgres://u@h/d", tls: none, ${SQL} } }`, 'unencrypted', 'remove'],
  [`{ sql: { url: "postgres://u@h/d", query: "SELECT 1" } }`, 'it does not ask for $1', '$1'],
  [`{ sql: { url: "postgres://u@h/d", query: "DELETE FROM m WHERE a = $1" } }`, 'it is not a SELECT', '$1'],
  [`{ callout: { hosts: ["mail1.internal:99999"] } }`, 'is not a host', '2525'],
  [`{ callout: { timeout: 2m } }`, 'expected 60s or less', ''],
])('%s', (recipients, message, remedy) => {
  const { problems } = load(recipients);
  const told = problems.find((problem) => problem.message.includes(message) || problem.remedy.includes(message));
  expect(told, JSON.stringify(problems)).toMatchObject({ place: { file: 'postern.yaml', line: 7 } });
  expect(told?.remedy).toContain(remedy);
});

test('a route without hosts cannot be asked', () => {
  expect(load('{ callout: {} }', 'files').problems).toMatchObject([
    { message: expect.stringContaining('"files" has no hosts') },
  ]);
});

test.each([
  `{ ldap: { ${LDAP}, preset: openldap, bind_dn: "cn=r", password: "planted" } }`,
  `{ sql: { url: "postgres://u:planted@h/d", ${SQL} } }`,
  `{ sql: { url: "postgres://u:planted@h", ${SQL} } }`,
])('a secret in the file is refused, and not said again: %s', (recipients) => {
  const { problems } = load(recipients);
  expect(problems.length).toBeGreaterThan(0);
  expect(JSON.stringify(problems)).not.toContain('planted');
});

test.each([
  ['plain@example.net', 'plain@example.net'],
  ['a*b', 'a\\2ab'],
  ['x)(uid=*', 'x\\29\\28uid=\\2a'],
  ['back\\slash', 'back\\5cslash'],
  ['nul\0', 'nul\\00'],
  ['ü', 'ü'],
])('in a filter, %j is written %j (RFC 4515 §3)', (text, escaped) => {
  expect(escapeValue(text)).toBe(escaped);
});

test('a place is filled once: an address that looks like a place stays an address', () => {
  const asked = { address: '{local}@{domain}', local: '{local}', domain: '{domain}' };
  expect(fillFilter('(|(mail={address})(uid={local}))', asked)).toBe('(|(mail={local}@{domain})(uid={local}))');
  expect(fillFilter('(mail={address})', { address: "$&$'", local: '', domain: '' })).toBe("(mail=$&$')");
});

test.each([
  ['(mail={address})', ''],
  ['(&(objectClass=*)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(mail={address}))', ''],
  ['(uid={local})', ''],
  ['(mail={adress})', 'it does not ask for {address}'],
  ['(&(mail={address})(x={y}))', '{y} is no place'],
  ['mail={address}', 'each part stands in parentheses'],
  ['(mail={address}))', 'something stands after'],
  ['(|(mail={address})', 'a parenthesis is not closed'],
  ['(!(a=b)(mail={address}))', '! is followed by 2 parts'],
  [`${'(&'.repeat(40)}(mail={address})${')'.repeat(40)}`, 'nested deeper'],
])('the filter %s: %j', (filter, wrong) => {
  expect(checkFilter(filter)).toContain(wrong);
  if (wrong === '') expect(checkFilter(filter)).toBe('');
});

test.each([
  ['SELECT 1 FROM m WHERE a = $1', ''],
  ['with x as (select 1) select * from x where y = $2 and z = $3', ''],
  ['SELECT 1 FROM m WHERE domain = $3', 'the domain alone'],
  ['SELECT 1 FROM m WHERE a = $4', '$4 is nothing'],
  ['UPDATE m SET a = $1', 'it is not a SELECT'],
])('the query %s: %j', (query, wrong) => {
  expect(checkQuery(query)).toContain(wrong);
  if (wrong === '') expect(checkQuery(query)).toBe('');
});

test.each<[string | null, number, boolean]>([
  ['t', 16, true],
  ['f', 16, false],
  ['f', 25, true],
  ['0', 20, false],
  ['0.00', 1700, false],
  ['0', 25, true],
  ['3', 23, true],
  ['', 25, true],
  [null, 25, false],
])('a row that begins with %j of type %i says %s', (value, type, yes) => {
  expect(isYes(value, type)).toBe(yes);
});

test('addresses of servers', () => {
  expect(parseLdapUrl('ldaps://[2001:db8::1]:3269')).toEqual({ host: '2001:db8::1', port: 3269, encrypted: true });
  for (const text of ['ldap://user@host', 'ldap://host/dc=x', 'ldap://', 'ldapi:///'])
    expect(parseLdapUrl(text)).toBeUndefined();
  expect(parseSqlUrl('postgresql://r%40x@db:5433/m%20l')).toEqual({
    host: 'db',
    port: 5433,
    user: 'r@x',
    database: 'm l',
    secret: false,
  });
  for (const text of [
    'postgres://db',
    'postgres://u@db/d?sslmode=disable',
    'postgres://u@db/%zz',
    'postgres://u@db:0/d',
  ])
    expect(parseSqlUrl(text)).toBeUndefined();
});
