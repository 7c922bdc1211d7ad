/** Directories of users, recipients of a domain and its aliases as written: what is taken, and what each mistake is told. */
import { describe, expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
function load({ domain = '', more = '', listener = '' }) {
  const { installation, problems } = loadInstallation(
    FILE,
    filesOf({
      '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
      '/etc/postern/people': 'alice\n',
      [FILE]: `hostname: mx1.example.com
listeners: { mx: { address: "0.0.0.0:25"${listener} } }
certificates: [{ names: [mx1.example.com], certificate: a.pem, key: a.key }]
routes: { r: { mx: true }, other: { mx: true } }
default_route: r
domains:
  example.com: { route: other, ${domain === '' ? 'recipients: any' : domain} }
${more}`,
    }),
  );
  return { installation, problems: problems.map(({ message }) => message) };
}

describe('a directory of users', () => {
  const ldap = (more: string, url = 'ldaps://ldap.internal') =>
    load({
      listener: ', tls: required, auth: optional',
      more: `users: { a: { ldap: { url: "${url}", base: "dc=x", ${more} } } }`,
    });
  test.each([
    ['in the clear on this machine', 'tls: none', 'ldap://127.0.0.1', []],
    [
      'in the clear on another',
      'tls: none',
      'ldap://ldap.internal',
      ['passwords would cross the network for everybody to read'],
    ],
    [
      'with two passwords',
      'bind_dn: "cn=a", password: env:PW, password_file: pw',
      'ldaps://ldap.internal',
      ['there are two passwords'],
    ],
    [
      'with a password and nobody to say it',
      'password: env:PW',
      'ldaps://ldap.internal',
      ['`bind_dn` and its password stand together'],
    ],
    ['with both', 'bind_dn: "cn=a", password_file: pw', 'ldaps://ldap.internal', []],
    ['that is none', 'tls: required', 'https://ldap.internal', ['"https://ldap.internal" is not where a directory is']],
  ])('%s', (_, more, url, problems) => {
    expect(ldap(more, url).problems).toEqual(problems);
  });
  test('is asked only where somebody may log in: there is no file of users beside', () => {
    expect([...load({}).installation!.users]).toEqual([]);
    expect([...ldap('tls: required').installation!.users.keys()]).toEqual(['a']);
  });
});

describe('recipients', () => {
  test('of a file may shrink by so many in a hundred', () => {
    const { installation, problems } = load({ domain: 'recipients: { file: people, max_shrink: 25% }' });
    expect(problems).toEqual([]);
    expect(installation!.domains.get('example.com')!.recipients).toMatchObject([{ kind: 'file', maxShrink: 0.25 }]);
  });
  test.each([
    ['[any, { inline: [alice] }]', ['`any` knows everybody, so what follows is never asked']],
    ['[{ inline: [alice] }, any]', []],
    ['{ inline: [alice, "bob@Example.com"] }', []],
    ['{ inline: ["bob@example.org"] }', ['"bob@example.org" is not in example.com']],
    ['{ file: nobody }', ['there is no file "nobody"']],
  ])('%s', (recipients, problems) => {
    expect(load({ domain: `recipients: ${recipients}` }).problems).toEqual(problems);
  });
});

describe('a domain that is another', () => {
  const more = (of: string) => `  example.org: { alias_of: example.com }\n  example.net: { alias_of: ${of} }\n`;
  test('has its route', () => {
    const { installation } = load({ more: more('Example.com') });
    const { aliasOf, route } = installation!.domains.get('example.net')!;
    expect([aliasOf, route]).toEqual(['example.com', 'other']);
  });
  test('is none of one that is itself another', () => {
    expect(load({ more: more('example.org') }).problems).toEqual(['"example.org" is itself an alias']);
    expect(load({ more: more('example.info') }).problems).toEqual(['"example.info" is not a hosted domain']);
  });
});

test('an alias is known by its local part, however it is written', () => {
  const { installation, problems } = load({
    domain: 'recipients: any, aliases: { inline: { sales: [bob], "info@example.com": carol } }',
  });
  expect(problems).toEqual([]);
  const { aliases } = installation!.domains.get('example.com')!;
  expect(aliases?.kind === 'inline' && [...aliases.map]).toEqual([
    ['sales', ['bob']],
    ['info', ['carol']],
  ]);
});
