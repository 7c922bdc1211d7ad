/** Recipients by a real slapd and a real PostgreSQL: whom they know, and what senders are told while both are dead. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ldapClient, loadAddresses } from '../../src/adapters/recipients/ldap.ts';
import { sqlClient } from '../../src/adapters/recipients/sql.ts';
import { PRESETS } from '../../src/config/ldap-filter.ts';
import type { LdapSource, SqlSource } from '../../src/config/live-source.ts';
import { quoteLocal } from '../../src/mail/address.ts';
import type { RecipientClient } from '../../src/ports/recipients.ts';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { type InstallationFolder, installationFolder } from '../support/installation-folder.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('slapd', 'postgres');
const PASSWORD = 'planted-s3cret';
const CERTIFICATES = fileURLToPath(new URL('../support/certificates', import.meta.url));
const USERS = 1000;

describe.skipIf(missing !== '')('with slapd and PostgreSQL', () => {
  let slapd: Daemon;
  let postgres: Daemon;

  beforeAll(async () => {
    process.env.POSTERN_TEST_PASSWORD = PASSWORD;
    const env = {
      PASSWORD,
      USERS: String(USERS),
      CERT: `${CERTIFICATES}/by-address.pem`,
      KEY: `${CERTIFICATES}/host.key`,
    };
    [slapd, postgres] = (await Promise.all(['slapd', 'postgres'].map((recipe) => startDaemon(recipe, env)))) as [
      Daemon,
      Daemon,
    ];
  });
  afterAll(async () => {
    delete process.env.POSTERN_TEST_PASSWORD;
    await Promise.all([slapd.stop(), postgres.stop()]);
  });

  const SPANS = { timeout: 5000, connections: 2, knownFor: 0, unknownFor: 0, lastKnown: 0, onError: 'defer' } as const;
  const ldap = (more: Partial<LdapSource> = {}): LdapSource => ({
    kind: 'ldap',
    servers: [{ host: '127.0.0.1', port: slapd.port, tls: 'starttls' }],
    caFile: `${CERTIFICATES}/authority.pem`,
    base: 'dc=store,dc=test',
    list: undefined,
    filter: PRESETS.openldap,
    bindDn: 'cn=reader,dc=store,dc=test',
    password: { kind: 'env', name: 'POSTERN_TEST_PASSWORD' },
    ...SPANS,
    ...more,
  });
  const sql = (query: string, more: Partial<SqlSource> = {}): SqlSource => ({
    kind: 'sql',
    host: '127.0.0.1',
    port: postgres.port,
    user: 'reader',
    database: 'postgres',
    tls: 'none',
    caFile: '',
    query,
    password: { kind: 'env', name: 'POSTERN_TEST_PASSWORD' },
    ...SPANS,
    ...more,
  });
  const ask = async (client: RecipientClient, local: string): Promise<string> => {
    const asked = { address: `${quoteLocal(local.toLowerCase())}@store.test`, local, domain: 'store.test' };
    try {
      return await client.ask(asked, AbortSignal.timeout(5000));
    } catch (error) {
      return `${(error as { kind?: string }).kind}: ${(error as Error).message}`;
    } finally {
      client.close();
    }
  };

  test.each<[string, string, string]>([
    ['user7', PRESETS.openldap, 'known'],
    ['USER7', PRESETS.openldap, 'known'],
    ['b.ob', PRESETS.openldap, 'known'],
    ['nobody', PRESETS.openldap, 'unknown'],
    ['a.lice', PRESETS['active-directory'], 'known'],
    ['alice', PRESETS['active-directory'], 'known'],
    ['alice.sip', PRESETS['active-directory'], 'unknown'],
    ['user7', '(&(objectClass=inetOrgPerson)(uid={local})(mail=*@{domain}))', 'known'],
    // Whatever stands in an address is a value.
    ['*', PRESETS.openldap, 'unknown'],
    ['user*', PRESETS.openldap, 'unknown'],
    ['x)(uid=*', PRESETS.openldap, 'unknown'],
    ['*)(objectClass=*', PRESETS.openldap, 'unknown'],
    ['x))(|(uid=*', '(uid={local})', 'unknown'],
    ['user7', '(uid={local})', 'known'],
    ['us\\65r7', '(uid={local})', 'unknown'],
    ['ünder', PRESETS.openldap, 'unknown'],
  ])('slapd: %s by %s is %s', async (local, filter, answer) => {
    expect(await ask(ldapClient(ldap({ filter })), local)).toBe(answer);
  });

  test('slapd over LDAPS, its certificate verified', async () => {
    const servers = [{ host: '127.0.0.1', port: Number(slapd.values.secure), tls: 'implicit' as const }];
    expect(await ask(ldapClient(ldap({ servers })), 'user7')).toBe('known');
    expect(await ask(ldapClient(ldap({ servers, caFile: '' })), 'user7')).toMatch(/^down: .*certificate/);
    expect(await ask(ldapClient(ldap({ caFile: '' })), 'user7')).toMatch(/^down: .*certificate/);
  });

  test('slapd that refuses the password says so without it, and a base that is not there is no "unknown"', async () => {
    process.env.POSTERN_TEST_WRONG = `${PASSWORD}-not`;
    const wrong = await ask(ldapClient(ldap({ password: { kind: 'env', name: 'POSTERN_TEST_WRONG' } })), 'user7');
    expect(wrong).toMatch(/^down: InvalidCredentials/);
    expect(wrong).not.toContain(PASSWORD);
    expect(await ask(ldapClient(ldap({ base: 'dc=other,dc=test' })), 'user7')).toMatch(/^down: NoSuchObject/);
    // Whoever may read nothing is told of no entry: here of no base.
    expect(await ask(ldapClient(ldap({ bindDn: '', password: undefined })), 'user7')).toMatch(/^down: /);
  });

  test('of several servers the next is asked when one is dead', async () => {
    const dead = { host: '127.0.0.1', port: 1, tls: 'starttls' as const };
    expect(await ask(ldapClient(ldap({ servers: [dead, ...ldap().servers] })), 'user7')).toBe('known');
  });

  test('slapd is loaded whole, in pages, where a list is wanted; and asked for one of the list by the doctor', async () => {
    const list = { every: 60_000, attributes: ['MAIL', 'proxyAddresses', 'mailAlternateAddress'], maxShrink: 0.1 };
    const source = { ...ldap({ filter: '(objectClass=inetOrgPerson)' }), list };
    const loaded = await loadAddresses(source, AbortSignal.timeout(20_000));
    expect(loaded).toHaveLength(USERS + 4);
    for (const local of ['user0', `user${USERS - 1}`, 'alice', 'a.lice', 'bob', 'b.ob'])
      expect(loaded).toContain(`${local}@store.test`);
    expect(loaded).not.toContain('alice.sip@store.test');
    expect(await ask(ldapClient(source), 'a.lice')).toBe('known');
    expect(await ask(ldapClient(source), 'b.ob')).toBe('known');
    expect(await ask(ldapClient(source), 'nobody')).toBe('unknown');
    await expect(
      loadAddresses({ ...source, base: 'dc=other,dc=test' }, AbortSignal.timeout(20_000)),
    ).rejects.toMatchObject({ kind: 'down' });
  });

  test.each<[string, string, string]>([
    ['user7', 'SELECT 1 FROM mailboxes WHERE address = $1', 'known'],
    ['USER7', 'SELECT 1 FROM mailboxes WHERE address = $1;', 'known'],
    ['nobody', 'SELECT 1 FROM mailboxes WHERE address = $1', 'unknown'],
    ['user7', "SELECT 1 FROM mailboxes WHERE address = $2 || '@' || $3 -- by its parts", 'known'],
    ['user7', 'SELECT EXISTS (SELECT 1 FROM mailboxes WHERE address = $1)', 'known'],
    ['nobody', 'SELECT EXISTS (SELECT 1 FROM mailboxes WHERE address = $1)', 'unknown'],
    ['nobody', 'SELECT count(*) FROM mailboxes WHERE address = $1', 'unknown'],
    ['gone', 'SELECT active FROM mailboxes WHERE address = $1', 'unknown'],
    ['user7', 'WITH found AS (SELECT * FROM mailboxes WHERE address = $1) SELECT address FROM found', 'known'],
    ["x' OR '1'='1", 'SELECT 1 FROM mailboxes WHERE address = $1', 'unknown'],
    // The server works, and can make nothing of this one.
    ['user7', 'SELECT 1 FROM mailboxes WHERE length(address) = $2::int', 'unsure'],
    ['user7', 'SELECT 1 FROM absent WHERE address = $1', 'down'],
    ['user7', 'WITH gone AS (DELETE FROM mailboxes RETURNING *) SELECT 1 FROM gone WHERE address = $1', 'down'],
  ])('PostgreSQL: %s by %s is %s', async (local, query, answer) => {
    expect((await ask(sqlClient(sql(query)), local)).split(':')[0]).toBe(answer);
  });

  test('PostgreSQL that takes too long is left, and goes on with nothing', async () => {
    const said = await ask(sqlClient(sql('SELECT pg_sleep(30), $1', { timeout: 300 })), 'user7');
    expect(said).toMatch(/^down: .*timeout/);
  });

  test('killed and started again in mid-load, nobody valid is refused and nobody unknown is told yes', async () => {
    const folder = gatewayFor(slapd, postgres);
    const gateway = new GatewayProcess(folder.config);
    const port = await gateway.port();
    const people = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `user${from + n}`);
    const strangers = (count: number) => Array.from({ length: count }, (_, n) => `stranger${n}`);

    // Most are known before; a hundred have never been asked for.
    const warm = await tell(port, [...people(0, 900), ...strangers(100)]);
    expect(counted(warm)).toEqual({ 'valid 250': 1800, 'unknown 550': 200 });

    let over = false;
    const seen: Told[] = [];
    const load = (async () => {
      while (!over)
        seen.push(...(await tell(port, [...people(0, 1000).filter(() => Math.random() < 0.3), ...strangers(60)])));
    })();
    for (const daemon of [slapd, postgres]) kill(daemon);
    await Promise.all([1, 2].map(() => gateway.heard('recipients.source.down')));
    const down = await tell(port, [...people(0, 900), ...strangers(100)]);
    expect(counted(down)).toEqual({ 'valid 250': 1800, 'unknown 450': 200 });

    for (const daemon of [slapd, postgres]) rmSync(join(daemon.dir, 'down'));
    await gateway.heard('recipients.source.up');
    // Both: each is probed by who comes.
    while (gateway.said('recipients.source.up').length < 2) await tell(port, ['user1', 'stranger1']);
    over = true;
    await load;
    const never = seen.filter(
      ({ valid, code }) => !(valid ? code === 250 || code === 450 : code === 550 || code === 450),
    );
    expect(never).toEqual([]);
    const known = (one: Told) => one.valid && Number(/\d+/.exec(one.local)?.[0]) < 900;
    expect(seen.filter((one) => known(one) && one.code !== 250)).toEqual([]);
    const after = await tell(port, [...people(0, 1000), ...strangers(100)]);
    expect(counted(after)).toEqual({ 'valid 250': 2000, 'unknown 550': 200 });
    process.stderr.write(`recipients in mid-load: ${seen.length} answers, ${JSON.stringify(counted(seen))}\n`);

    // Whom it knew it knows after a restart, though both are dead.
    for (const daemon of [slapd, postgres]) kill(daemon);
    gateway.signal('SIGTERM');
    await gateway.ended;
    const again = new GatewayProcess(folder.config);
    const reborn = await again.port();
    expect(counted(await tell(reborn, [...people(0, 1000), ...strangers(20)]))).toEqual({
      'valid 250': 2000,
      'unknown 450': 40,
    });
    const status = await postern('status', '--config', folder.config);
    expect(status.out).toMatch(/recipients +ldap 127\.0\.0\.1:\d+ DOWN/);
    expect(status.out).toMatch(/recipients +sql 127\.0\.0\.1:\d+\/postgres DOWN/);
    const json = await postern('status', '--json', '--config', folder.config);
    const doctor = await postern('doctor', '--json', '--offline', '--config', folder.config);
    expect(doctor.out).toContain('gives no answer');
    again.signal('SIGTERM');
    const ended = await again.ended;
    for (const daemon of [slapd, postgres]) rmSync(join(daemon.dir, 'down'));

    const said = [(await gateway.ended).err, ended.err, status.out, json.out, doctor.out, doctor.err].join('\n');
    expect(said).not.toContain(PASSWORD);
    expect(filesWith(folder.store, PASSWORD)).toEqual([]);
  });
});

function gatewayFor(slapd: Daemon, postgres: Daemon): InstallationFolder {
  const spans = 'known_for: 200ms, unknown_for: 0s, timeout: 3s';
  const folder = installationFolder([
    'threads: 2',
    'domains:',
    '  store.test:',
    '    route: files',
    `    recipients: { ldap: { url: "ldap://127.0.0.1:${slapd.port}", ca_file: "${CERTIFICATES}/authority.pem", base: "dc=store,dc=test", preset: openldap, bind_dn: "cn=reader,dc=store,dc=test", password_file: password, ${spans} } }`,
    '  sql.test:',
    '    route: files',
    `    recipients: { sql: { url: "postgres://reader@127.0.0.1:${postgres.port}/postgres", tls: none, query: "SELECT 1 FROM mailboxes WHERE address = $2 || '@store.test' AND active", password_file: password, ${spans} } }`,
    'routes: { files: { protocol: maildir, path: mail } }',
    'limits: { network_connections: 1000000, network_sessions: 100, connections: 1000000, refused_recipients: 1000 }',
  ]);
  mkdirSync(join(folder.folder, 'mail'), { recursive: true });
  folder.write('password', `${PASSWORD}\n`);
  chmodSync(join(folder.folder, 'password'), 0o600);
  return folder;
}

function kill(daemon: Daemon): void {
  writeFileSync(join(daemon.dir, 'down'), '');
  if (!existsSync(daemon.values.pidfile!)) return;
  process.kill(Number(readFileSync(daemon.values.pidfile!, 'utf8').split('\n')[0]), 'SIGKILL');
}

interface Told {
  readonly local: string;
  readonly valid: boolean;
  readonly code: number;
}

const counted = (told: readonly Told[]): { readonly [what: string]: number } => {
  const counts: { [what: string]: number } = {};
  for (const { valid, code } of told) {
    const what = `${valid ? 'valid' : 'unknown'} ${code}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
};

const AT_ONCE = 8;
const PER_SESSION = 50;

/** Asks for each of them in both domains, in several sessions at once. */
async function tell(port: number, locals: readonly string[]): Promise<Told[]> {
  const waiting = ['store.test', 'sql.test'].flatMap((domain) =>
    Array.from({ length: Math.ceil(locals.length / PER_SESSION) }, (_, n) => ({
      domain,
      some: locals.slice(n * PER_SESSION, (n + 1) * PER_SESSION),
    })),
  );
  const told: Told[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { domain, some } = next;
      const codes = await rcpt(
        port,
        some.map((local) => `${local}@${domain}`),
      );
      for (const [n, local] of some.entries())
        told.push({ local, valid: local.startsWith('user'), code: codes[n] ?? 0 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return told;
}

/** One session: what each was answered. */
function rcpt(port: number, addresses: readonly string[]): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('error', reject);
    socket.on('data', (octets: Buffer) => {
      heard += octets.toString();
      if (heard.startsWith('220') && !heard.includes('250')) socket.write('EHLO client.test\r\n');
      else if (/^250 /m.test(heard) && !heard.includes('\n250 2.1.0')) {
        if (!asked)
          socket.write(
            `MAIL FROM:<a@sender.test>\r\n${addresses.map((one) => `RCPT TO:<${one}>\r\n`).join('')}QUIT\r\n`,
          );
        asked = true;
      }
    });
    let asked = false;
    socket.on('close', () => {
      const after = heard.slice(heard.indexOf('\n250 2.1.0') + 1).split('\r\n');
      resolve(after.slice(1, 1 + addresses.length).map((line) => Number(line.slice(0, 3))));
    });
  });
}

/** Files below the folder that hold the text. */
const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .filter((path) => readFileSync(path).includes(text));
