/** Users, senders, certificates and providers as written: what does not load, with its remedy, and what it comes to. */
import { expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const PEM = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
const ID = '2b5d7f9a-1111-2222-3333-444455556666';
const load = (listener: string, rest = '') =>
  loadInstallation(
    FILE,
    filesOf({
      '/etc/postern/policies/outbound.yaml': 'policy: outbound\n',
      '/etc/postern/ca.pem': PEM,
      [FILE]: `hostname: mx1.example.com
listeners: { submission: { address: "127.0.0.1:0", policy: outbound, ${listener} } }
certificates: [{ names: [mx1.example.com], certificate: a.pem, key: a.key }]
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
default_route: store
${rest}`,
    }),
  );
const LDAP = 'url: "ldaps://ldap.internal", base: "dc=example,dc=com"';

test('what is written rightly loads, and users are in a file beside where nothing is said of them', () => {
  const { installation, problems, notYet } = load(
    `tls: implicit, auth: optional, users: [people, staff], client_certificates: { ca: ca.pem, names: [App.internal] }`,
    `users: { staff: { file: users }, people: { ldap: { ${LDAP} } } }\nsenders: { Boss@Example.com: [Example.ORG, Sales@example.com], tool: ["*"] }\n`,
  );
  expect([...problems, ...notYet]).toEqual([]);
  expect(installation?.listeners[0]).toMatchObject({
    auth: 'optional',
    users: ['people', 'staff'],
    clientCertificates: { ca: PEM, names: ['app.internal'], fingerprints: [] },
  });
  expect([...installation!.senders]).toEqual([
    ['boss@example.com', { anything: false, addresses: ['sales@example.com'], domains: ['example.org'] }],
    ['tool', { anything: true, addresses: [], domains: [] }],
  ]);
  const alone = load('auth: required').installation!;
  expect(alone.listeners[0]).toMatchObject({ tls: 'required', users: ['users'] });
  expect(alone.users.get('users')).toMatchObject({ kind: 'file', path: '/etc/postern/users' });
});

test.each<[string, string, string]>([
  ['the attribute that is asked', '', 'uid'],
  ['it among others that are not', ', filter: "(&(objectClass=person)(sAMAccountName={user}))"', 'sAMAccountName'],
  ['it though it is asked twice', ', filter: "(|(UID={user})(uid:caseExactMatch:={user}))"', 'UID'],
  ['what is written', ', filter: "(|(uid={user})(mail={user}))", name: employeeNumber', 'employeeNumber'],
])('a user of a directory is named by %s', (_, more, name) => {
  const { installation, problems } = load('auth: required', `users: { people: { ldap: { ${LDAP}${more} } } }`);
  expect(problems).toEqual([]);
  expect(installation!.users.get('people')).toMatchObject({ name });
});

test('a directory of users has one address or several', () => {
  const users = `users: { one: { ldap: { ${LDAP} } }, two: { ldap: { url: ["ldaps://a.internal", "ldap://b.internal:3389"], base: "dc=x" } } }`;
  const { installation } = load('auth: required', users);
  expect(installation!.users.get('one')).toMatchObject({
    servers: [{ host: 'ldap.internal', port: 636, tls: 'implicit' }],
  });
  expect(installation!.users.get('two')).toMatchObject({
    servers: [
      { host: 'a.internal', port: 636, tls: 'implicit' },
      { host: 'b.internal', port: 3389, tls: 'starttls' },
    ],
  });
});

const relay = (more: string) =>
  `tls: implicit, relay_for: [{ certificate: mail.protection.outlook.com, tenants: ["${ID}"], domains: [example.com] }]`.replace(
    /relay_for: .*/,
    more,
  );

test.each<[string, string, string, string]>([
  ['passwords in the clear', 'tls: none, auth: required', '', 'needs TLS'],
  ['certificates without TLS', 'tls: none, client_certificates: { ca: ca.pem }', '', 'needs TLS'],
  ['a source that is none', 'auth: required, users: [stuff]', 'users: { staff: { file: users } }', 'there are: staff'],
  ['users where nobody logs in', 'users: [staff]', 'users: { staff: { file: users } }', 'nobody logs in'],
  ['two kinds of source in one', 'auth: required', `users: { staff: { file: users, ldap: { ${LDAP} } } }`, 'not a key'],
  [
    'a directory in the clear',
    'auth: required',
    `users: { a: { ldap: { ${LDAP.replace('ldaps', 'ldap')}, tls: none } } }`,
    'for everybody to read',
  ],
  ['a filter without a user', 'auth: required', `users: { a: { ldap: { ${LDAP}, filter: "(uid=alice)" } } }`, '{user}'],
  [
    'a filter by which one account has several names',
    'auth: required',
    `users: { a: { ldap: { ${LDAP}, filter: "(|(uid={user})(mail={user}))" } } }`,
    'write `name:` with the attribute that names it',
  ],
  [
    'a filter that asks for a part of a value',
    'auth: required',
    `users: { a: { ldap: { ${LDAP}, filter: "(proxyAddresses=smtp:{user})" } } }`,
    'several names',
  ],
  ['a name that is none', 'auth: required', `users: { a: { ldap: { ${LDAP}, name: "uid=x" } } }`, 'no name of an attr'],
  [
    'one bad address of several',
    'auth: required',
    `users: { a: { ldap: { url: ["ldaps://one.internal", "two.internal"], base: "dc=x" } } }`,
    '"two.internal" is not where',
  ],
  [
    'one of several in the clear',
    'auth: required',
    `users: { a: { ldap: { url: ["ldap://127.0.0.1", "ldap://two.internal"], base: "dc=x", tls: none } } }`,
    'for everybody to read',
  ],
  [
    'a bind without a password',
    'auth: required',
    `users: { a: { ldap: { ${LDAP}, bind_dn: "cn=a" } } }`,
    'stand together',
  ],
  [
    'a password in the file',
    'auth: required',
    `users: { a: { ldap: { ${LDAP}, bind_dn: "cn=a", password: geheim } } }`,
    'does not stand here',
  ],
  ['a sender that is none', 'auth: required', 'senders: { alice: ["a b"] }', 'neither address nor domain'],
  ['a user twice', 'auth: required', 'senders: { alice: ["*"], ALICE: ["*"] }', 'twice'],
  ['certificates of nobody', 'tls: implicit, client_certificates: {}', '', 'who is trusted'],
  ['an authority that is no file', 'tls: implicit, client_certificates: { ca: none.pem }', '', 'holds no certificate'],
  [
    'names without an authority',
    `tls: implicit, client_certificates: { names: [a], fingerprints: ["${'a'.repeat(64)}"] }`,
    '',
    'with it',
  ],
  ['a fingerprint that is none', 'tls: implicit, client_certificates: { fingerprints: [abc] }', '', 'no fingerprint'],
  [
    'a provider by its certificate alone',
    relay('relay_for: [{ certificate: mail.protection.outlook.com, domains: [example.com] }]'),
    '',
    'tenants',
  ],
  [
    'a provider for every tenant',
    relay('relay_for: [{ certificate: a, tenants: ["*"], domains: [example.com] }]'),
    '',
    'no tenant',
  ],
  [
    'a provider from a domain of others',
    relay(`relay_for: [{ certificate: a, tenants: ["${ID}"], domains: [shop.example] }]`),
    '',
    'no domain of yours',
  ],
  ['a provider by its addresses', 'trusted_networks: [40.107.1.2]', '', 'use relay_for'],
  ['a provider by its addresses, IPv6', 'trusted_networks: ["2a01:111:f403::/64"]', '', 'use relay_for'],
  [
    'both kinds of authority',
    `tls: implicit, client_certificates: { ca: ca.pem }, relay_for: [{ certificate: a, tenants: ["${ID}"], domains: [example.com] }]`,
    '',
    'listener of its own',
  ],
])('does not load: %s', (_, listener, rest, expected) => {
  const { installation, problems } = load(listener, rest);
  expect(installation).toBeUndefined();
  expect(problems.map(({ message, remedy }) => `${message}; ${remedy}`).join('\n')).toContain(expected);
  for (const { place } of problems) expect(place.line).toBeGreaterThan(0);
});

test('who relays for anybody needs a way to other domains', () => {
  const without = (listener: string) =>
    load(listener).problems.length === 0 &&
    loadInstallation(
      FILE,
      filesOf({
        '/etc/postern/policies/outbound.yaml': 'policy: outbound\n',
        [FILE]: `hostname: mx1.example.com
listeners: { submission: { address: "127.0.0.1:0", policy: outbound, ${listener} } }
certificates: [{ names: [mx1.example.com], certificate: a.pem, key: a.key }]
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
`,
      }),
    ).problems.map(({ message }) => message);
  expect(without('auth: required')).toEqual([expect.stringContaining('relays for users, and no route leads')]);
});
