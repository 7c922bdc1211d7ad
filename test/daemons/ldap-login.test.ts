/** Users of a real directory: looked up over TLS, asked for their password by a bind, never by an empty one; a directory that is gone defers. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { changeUser } from '../../src/adapters/auth/change-user.ts';
import { LdapUsers } from '../../src/adapters/auth/ldap-bind.ts';
import { Directory } from '../../src/adapters/auth/ldap-directory.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import type { UserSourceSettings } from '../../src/config/installation.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('slapd');
const CERTIFICATES = fileURLToPath(new URL('../support/certificates/', import.meta.url));
const NEVER = new AbortController().signal;
const MAY = async (): Promise<boolean> => true;

type Settings = Extract<UserSourceSettings, { kind: 'ldap' }>;

describe.skipIf(missing !== '')('users of a directory', () => {
  let slapd: Daemon;
  let gateway: Gateway | undefined;
  beforeAll(async () => {
    const env = { TLS_CERT: join(CERTIFICATES, 'by-address.pem'), TLS_KEY: join(CERTIFICATES, 'host.key') };
    slapd = await startDaemon('slapd-users', env);
  });
  afterAll(() => slapd?.stop());
  afterEach(async () => {
    endClients();
    await gateway?.stop();
    gateway = undefined;
  });

  const ca = (): string => readFileSync(join(CERTIFICATES, 'authority.pem'), 'utf8');
  const users = (more: Partial<Settings> = {}, password = 'reader-secret-7'): LdapUsers => {
    const settings: Settings = {
      kind: 'ldap',
      servers: [{ host: '127.0.0.1', port: Number(slapd.values.secure), tls: 'implicit' }],
      ca: ca(),
      base: 'ou=people,dc=example,dc=com',
      filter: '(uid={user})',
      name: 'uid',
      addresses: ['mail'],
      bindDn: 'cn=reader,dc=example,dc=com',
      password: undefined,
      timeout: 5000,
      ...more,
    };
    const health = { answered: () => {}, failed: () => {}, stop: () => {} };
    return new LdapUsers(settings, new Directory(settings, () => password), health, silentLog);
  };

  test('a right password is told from a wrong one and from nobody, over ldaps and StartTLS', async () => {
    for (const one of [
      users(),
      users({ servers: [{ host: '127.0.0.1', port: Number(slapd.port), tls: 'starttls' }] }),
    ]) {
      expect(await one.check('alice', 'correct horse 9', NEVER, MAY)).toEqual({
        kind: 'right',
        user: 'alice',
        addresses: ['alice@example.com', 'sales@example.com'],
      });
      expect(await one.check('alice', 'battery staple 7', NEVER, MAY)).toEqual({ kind: 'wrong', user: 'alice' });
      expect(await one.check('nobody', 'battery staple 7', NEVER, MAY)).toEqual({ kind: 'unknown' });
    }
  });

  test('an empty password is refused by ourselves: this directory would take it', async () => {
    expect(await users().check('alice', '', NEVER, MAY)).toEqual({ kind: 'wrong', user: 'alice' });
  });

  test('what a client calls itself is no filter', async () => {
    const byName = users({ filter: '(cn={user})' });
    expect(await byName.check('bob (the builder)*', 'battery staple 7', NEVER, MAY)).toMatchObject({ kind: 'right' });
    for (const name of ['*', 'a*', 'alice)(uid=*', 'bob*', '\\2a', 'x)(|(uid=alice)'])
      expect(await users().check(name, 'correct horse 9', NEVER, MAY)).toEqual({ kind: 'unknown' });
  });

  test('whatever an account is called by, it has the one name of its entry', async () => {
    const both = users({ filter: '(|(uid={user})(mail={user}))' });
    for (const typed of ['alice', 'alice@example.com', 'sales@example.com']) {
      expect(await both.check(typed, 'correct horse 9', NEVER, MAY)).toMatchObject({ kind: 'right', user: 'alice' });
      expect(await both.check(typed, 'battery staple 7', NEVER, MAY)).toEqual({ kind: 'wrong', user: 'alice' });
    }
    // As a directory has it that takes letters with accents for those without.
    const alike = users({ filter: '(uid~={user})' });
    for (const typed of ['josé', 'jose'])
      expect(await alike.check(typed, 'letter opener 3', NEVER, MAY)).toMatchObject({ kind: 'right', user: 'josé' });
    // Two values are no one name, and a stranger is not told.
    const byMail = users({ filter: '(mail={user})', name: 'mail' });
    expect(await byMail.check('alice@example.com', 'correct horse 9', NEVER, MAY)).toMatchObject({ kind: 'trouble' });
    expect(await byMail.check('alice@example.com', 'wrong', NEVER, MAY)).toMatchObject({ kind: 'wrong' });
    expect(await byMail.check('bob@example.com', 'battery staple 7', NEVER, MAY)).toMatchObject({
      kind: 'right',
      user: 'bob@example.com',
    });
  });

  test('an account that may not be tried now is looked up and not asked', async () => {
    const said: string[] = [];
    const no = async (account: string): Promise<boolean> => {
      said.push(account);
      return false;
    };
    const both = users({ filter: '(|(uid={user})(mail={user}))' });
    expect(await both.check('sales@example.com', 'correct horse 9', NEVER, no)).toEqual({ kind: 'throttled' });
    expect(said).toEqual(['alice']);
  });

  test('the next server is asked when the first is not there', async () => {
    const there = { host: '127.0.0.1', port: Number(slapd.values.secure), tls: 'implicit' } as const;
    const two = users({ servers: [{ ...there, port: 1 }, there] });
    for (let n = 0; n < 2; n += 1)
      expect(await two.check('alice', 'correct horse 9', NEVER, MAY)).toMatchObject({ kind: 'right' });
    expect(await users({ servers: [{ ...there, port: 1 }] }).check('alice', 'x', NEVER, MAY)).toMatchObject({
      kind: 'trouble',
      why: expect.stringContaining('127.0.0.1:1: '),
    });
  });

  test('who is meant must be beyond doubt', async () => {
    expect(
      await users({ filter: '(|(uid={user})(objectClass=inetOrgPerson))' }).check(
        'alice',
        'correct horse 9',
        NEVER,
        MAY,
      ),
    ).not.toMatchObject({
      kind: 'right',
    });
  });

  test('a directory whose certificate nobody vouches for hears no password', async () => {
    expect(await users({ ca: '' }).check('alice', 'correct horse 9', NEVER, MAY)).toMatchObject({ kind: 'trouble' });
    expect(await users({}, 'wrong').check('alice', 'correct horse 9', NEVER, MAY)).toMatchObject({ kind: 'trouble' });
  });

  test('users of a file and of a directory log in at one listener, SCRAM is not offered, and a directory that is gone is no wrong password', async () => {
    const folder = temporaryFolder();
    for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'policies/outbound.yaml'), 'policy: outbound\nchecks: {}\nrules: {}\n');
    const { certificate, key } = makePair('mx.gateway.test');
    writeFileSync(join(folder, 'tls/a.pem'), certificate);
    writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
    writeFileSync(join(folder, 'reader'), 'reader-secret-7\n', { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), ca());
    await changeUser(join(folder, 'users'), { user: 'carol', password: 'printer ink 5', scram: true });
    const directory = (port: string | number | undefined): string =>
      `{ ldap: { url: "ldaps://127.0.0.1:${port}", ca_file: ca.pem, base: "ou=people,dc=example,dc=com", addresses: [mail], bind_dn: "cn=reader,dc=example,dc=com", password_file: reader } }`;
    const said: string[] = [];
    const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
    const start = async (port: string | number | undefined): Promise<void> => {
      await gateway?.stop();
      writeFileSync(
        join(folder, 'postern.yaml'),
        `hostname: mx.gateway.test
listeners: { submissions: { address: "127.0.0.1:0", policy: outbound, tls: implicit, auth: required } }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users: { staff: { file: users }, people: ${directory(port)} }
domains: { example.com: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
default_route: files
limits: { login_delay: 10ms }
store: { path: store, min_free: 1 MiB }
`,
      );
      gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: note, warn: note, error: note } });
    };
    const login = async (user: string, password: string): Promise<readonly [SecureClient, string]> => {
      const one = await implicitly(Number(gateway!.addresses.submissions!.split(':')[1]));
      await one.reply();
      expect(await one.ask('EHLO client.test')).toMatch(/AUTH PLAIN LOGIN(\n|$)/);
      return [
        one,
        (await one.ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`)) ?? 'closed',
      ];
    };
    await start(slapd.values.secure);
    const [one, reply] = await login('alice', 'correct horse 9');
    expect(reply).toMatch(/^235/);
    // An address of hers that only the directory knows.
    expect(await one.ask('MAIL FROM:<sales@example.com>')).toMatch(/^250/);
    expect(await one.ask('RCPT TO:<ann@friend.example>')).toMatch(/^250/);
    expect((await login('carol', 'printer ink 5'))[1]).toMatch(/^235/);
    expect((await login('alice', 'battery staple 7'))[1]).toMatch(/^535/);
    expect((await login('nobody', 'battery staple 7'))[1]).toMatch(/^535/);
    await start(1);
    expect((await login('alice', 'correct horse 9'))[1]).toMatch(/^454 4\.7\.0 /);
    expect((await login('carol', 'printer ink 5'))[1]).toMatch(/^235/);
    for (const planted of ['reader-secret-7', 'correct horse 9', 'battery staple 7'])
      expect(said.join('\n')).not.toContain(planted);
  });
});
