/** An installation with a secret of every kind the configuration knows, and with peers that say back what they were told. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { changeUser } from '../../src/adapters/auth/change-user.ts';
import { digestKeys } from '../../src/adapters/files/digest-keys.ts';
import { scriptedDns } from './dns-server.ts';
import { codings, partsOfPem, planted, type Secret } from './planted.ts';
import { type HostScript, ScriptedHost } from './scripted-host.ts';
import { ed25519Key, rsaKey } from './signing.ts';
import { temporaryFolder } from './store-folder.ts';
import { talkingDatabase, talkingDirectory } from './talking-services.ts';
import { makePair } from './tls.ts';

/** Each has letters that codings change; no two begin alike. */
const secretOf = (what: string): string => `${what}-plánted/9"Q+${what.length}z`;
const NAMES = [
  'route-file',
  'route-env',
  'route-talks',
  'route-gone',
  'ldap-file',
  'ldap-env',
  'ldap-gone',
  'sql-file',
  'sql-env',
  'bind-file',
  'bind-env',
] as const;
export const PASSWORDS = Object.fromEntries(NAMES.map((name) => [name, secretOf(name)])) as {
  readonly [name in (typeof NAMES)[number]]: string;
};
export const USERS = {
  alice: 'correct-plánted+horse/7',
  ann: 'directory-plánted+staple/8',
  /** Guessed, typed in the wrong place, or said in the open. */
  wrong: 'guessed-plánted+wrong/9',
  typed: 'typed-as-name-planted-5',
  opened: 'before-tls-plánted+4',
  line: 'as-a-command-planted-3',
};
const SRS_KEY = 'planted-key-of-rewritten-senders-0123';
const ZONES = { dnsbl: 'q7w3planted9key5zz', links: 'k4uriplanted8key2yy' };

/** What is said back, in every coding. */
const echo = (...secrets: readonly string[]): string => `I heard ${secrets.flatMap(codings).join(' and ')}`;

/** Keys of the schemas whose secrets are planted here; of a password both ways stand there. */
export const PLANTED_KEYS: { readonly [key: string]: string } = {
  'certificates.key': 'tls/a.key',
  'domains.*.recipients.ldap.password': 'ldap-env',
  'domains.*.recipients.ldap.password_file': 'ldap-file, ldap-gone',
  'domains.*.recipients.sql.password': 'sql-env',
  'domains.*.recipients.sql.password_file': 'sql-file',
  'routes.*.key': 'tls/client.key',
  'routes.*.auth.password': 'route-env',
  'routes.*.auth.password_file': 'route-file, route-talks, route-gone',
  'signing.*.key_file': 'keys/rsa.pem, keys/ed.pem',
  'srs.keys_file': 'secrets/srs',
  'users.*.file': 'users',
  'users.*.ldap.password': 'bind-env',
  'users.*.ldap.password_file': 'bind-file',
  'checks.dnsbl.lists.*.zone_file': 'secrets/zone-dnsbl',
  'checks.links.lists.*.zone_file': 'secrets/zone-links',
};

export interface SecretiveWorld {
  readonly folder: string;
  readonly config: string;
  /** Where secrets rightly lie, from the folder. */
  readonly vaults: readonly string[];
  readonly secrets: readonly Secret[];
  readonly env: { readonly [name: string]: string };
  readonly hosts: readonly ScriptedHost[];
  /** Its text with these words in it for others. */
  rewrite(from: string, to: string): void;
}

const pem = (name: string) => readFileSync(join(import.meta.dirname, 'certificates', name), 'utf8');

async function host(script: HostScript): Promise<ScriptedHost> {
  const one = await ScriptedHost.start({ tls: { key: pem('host.key'), cert: pem('by-name.pem') }, ...script });
  onTestFinished(() => one.stop());
  return one;
}

export async function secretiveWorld(): Promise<SecretiveWorld> {
  const folder = temporaryFolder();
  const write = (name: string, text: string, mode = 0o600) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  for (const [name, text] of Object.entries(PASSWORDS)) write(`secrets/${name}`, `${text}\n`);
  write('secrets/srs', `${SRS_KEY}\n`);
  for (const [name, key] of Object.entries(ZONES)) write(`secrets/zone-${name}`, `${key}.${name}.dq.test\n`);
  const pair = makePair('mx.gateway.test');
  write('tls/a.pem', pair.certificate);
  write('tls/a.key', pair.key);
  const client = makePair('relay.gateway.test');
  write('tls/client.pem', client.certificate);
  write('tls/client.key', client.key);
  const [rsa, ed] = [rsaKey(2048), ed25519Key()];
  write('keys/rsa.pem', rsa.privateKey);
  write('keys/ed.pem', ed.privateKey);
  await changeUser(join(folder, 'users'), { user: 'alice@files.test', password: USERS.alice, scram: true });
  const [, argon2 = '', scram = ''] = readFileSync(join(folder, 'users'), 'utf8').trim().split(/\s+/);

  mkdirSync(join(folder, 'store'), { mode: 0o700 });
  const digest = Buffer.from(digestKeys(join(folder, 'store')).signing(Date.now()));

  const dns = await scriptedDns(({ name }) =>
    name.startsWith('2.0.0.127.')
      ? { answers: [{ name, type: 'A', ttl: 60, data: '127.0.0.2' }] }
      : // Of some lists it will know nothing.
        { rcode: name.includes(ZONES.links) ? 'REFUSED' : 'NXDOMAIN' },
  );
  onTestFinished(() => dns.close());
  const refuses = await host({ AUTH: `535 5.7.8 ${echo(PASSWORDS['route-file'])}` });
  const talks = await host({
    MAIL: (_, connection) => (connection > 1 ? '250 2.1.0 ok' : `451 4.3.0 ${echo(PASSWORDS['route-talks'])}`),
    RCPT: `550 5.1.1 ${echo(PASSWORDS['route-talks'])}`,
  });
  const shown = await host({});
  const nonsense = await host({ AUTH: echo(PASSWORDS['route-env']) });
  const ok = { code: 0, words: '' };
  const refusal = (...secrets: readonly string[]) => ({ code: 49, words: echo(...secrets) });
  const broken = (...secrets: readonly string[]) => ({ code: 1, words: echo(...secrets) });
  const directories = {
    file: await talkingDirectory([refusal(PASSWORDS['ldap-file'])]),
    env: await talkingDirectory([ok], broken(PASSWORDS['ldap-env'])),
    bind: await talkingDirectory([refusal(PASSWORDS['bind-file'])]),
    user: await talkingDirectory([ok, broken(PASSWORDS['bind-env'], USERS.ann)]),
  };
  const databases = {
    file: await talkingDatabase('the password', echo(PASSWORDS['sql-file'])),
    env: await talkingDatabase('the query', echo(PASSWORDS['sql-env'])),
  };
  const at = (one: ScriptedHost) => `localhost:${one.address.kind === 'tcp' ? one.address.port : 0}`;
  const route = (name: string, hosts: string, password: string) =>
    `  ${name}: { hosts: ["${hosts}"], tls: verified, auth: { user: relay, ${password} }, retry: [1s, 1h] }`;
  const ldap = (port: number, password: string) =>
    `{ ldap: { url: "ldap://127.0.0.1:${port}", tls: none, base: "dc=x", filter: "(mail={address})", bind_dn: "cn=r", ${password} } }`;
  const sql = (port: number, password: string) =>
    `{ sql: { url: "postgres://reader@127.0.0.1:${port}/mail", tls: none, query: "SELECT 1 FROM m WHERE a = $1", ${password} } }`;
  const users = (port: number, password: string) =>
    `{ ldap: { url: "ldap://127.0.0.1:${port}", tls: none, base: "dc=x", bind_dn: "cn=r", ${password} } }`;

  write(
    'policies/inbound.yaml',
    `policy: inbound
checks:
  connect:
    - dnsbl: { lists: { zen: { zone_file: ../secrets/zone-dnsbl, shown_as: key.dnsbl.dq.test, codes: { "127.0.0.2": 1 } } } }
  content:
    - links: { lists: { uri: { zone_file: ../secrets/zone-links, shown_as: key.links.dq.test, codes: { "127.0.0.2": 1 } } } }
rules:
  data:
    - { name: aside, when: "header('X-Hold') == 'spam'", quarantine: { class: spam, reason: looks bad } }
    - { name: told, when: "header('X-Tell') == 'yes'", notify: { text: "{client.ip} wants to be told of" } }
`,
    0o644,
  );
  write('policies/outbound.yaml', 'policy: outbound\nchecks: {}\nrules: {}\n', 0o644);
  write('policies/tests/inbound.yaml', TESTS, 0o644);
  write(
    'postern.yaml',
    `hostname: mx.gateway.test
postmaster: it@files.test
log: { level: debug }
records: { jsonl: { path: records.jsonl } }
store: { path: store, min_free: 1 MiB }
dns: { servers: ["${dns.server}"], timeout: 1s }
limits: { login_delay: 10ms }
listeners:
  mx: { address: "127.0.0.1:0", policy: inbound }
  submission: { address: "127.0.0.1:0", policy: outbound, tls: opportunistic, auth: optional, users: [staff] }
  people: { address: "127.0.0.1:0", policy: outbound, tls: implicit, auth: required, users: [byfile, byenv] }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users:
  staff: { file: users }
  byfile: ${users(directories.bind.port, 'password_file: secrets/bind-file')}
  byenv: ${users(directories.user.port, 'password: env:PLANTED_BIND')}
signing:
  files.test: [{ selector: r, key_file: keys/rsa.pem }, { selector: e, key_file: keys/ed.pem }]
srs: { domain: files.test, keys_file: secrets/srs }
quarantine: { digest: { link: "https://held.files.test", address: "127.0.0.1:0", at: ["07:00"] } }
queue: { delay_notice: 1s }
default_route: files
domains:
  files.test: { route: files, recipients: any, aliases: { inline: { out: carol@elsewhere.test } } }
  refuses.test: { route: refuses, recipients: any }
  talks.test: { route: talks, recipients: any }
  nonsense.test: { route: nonsense, recipients: any }
  gone.test: { route: gone, recipients: any }
  shows.test: { route: shows, recipients: any }
  ldap1.test: { route: files, recipients: ${ldap(directories.file.port, 'password_file: secrets/ldap-file')} }
  ldap2.test: { route: files, recipients: ${ldap(directories.env.port, 'password: env:PLANTED_LDAP')} }
  ldap3.test: { route: files, recipients: ${ldap(1, 'password_file: secrets/ldap-gone')} }
  sql1.test: { route: files, recipients: ${sql(databases.file.port, 'password_file: secrets/sql-file')} }
  sql2.test: { route: files, recipients: ${sql(databases.env.port, 'password: env:PLANTED_SQL')} }
routes:
  files: { protocol: maildir, path: mail }
${route('refuses', at(refuses), 'password_file: secrets/route-file')}
${route('talks', at(talks), 'password_file: secrets/route-talks')}
${route('nonsense', at(nonsense), 'password: env:PLANTED_ROUTE')}
${route('gone', 'localhost:1', 'password_file: secrets/route-gone')}
  shows: { hosts: ["${at(shown)}"], tls: verified, certificate: tls/client.pem, key: tls/client.key }
`,
    0o644,
  );
  const config = join(folder, 'postern.yaml');
  return {
    folder,
    config,
    vaults: ['secrets', 'tls', 'keys', 'users', 'store/digest-keys.json'],
    hosts: [refuses, talks, nonsense],
    env: {
      PLANTED_ROUTE: PASSWORDS['route-env'],
      PLANTED_LDAP: PASSWORDS['ldap-env'],
      PLANTED_SQL: PASSWORDS['sql-env'],
      PLANTED_BIND: PASSWORDS['bind-env'],
      NODE_EXTRA_CA_CERTS: join(import.meta.dirname, 'certificates/authority.pem'),
    },
    secrets: [
      ...Object.entries({ ...PASSWORDS, ...USERS, srs: SRS_KEY, ...ZONES }).map(([kind, text]) => planted(kind, text)),
      { kind: 'digest', forms: [digest.toString('base64url'), digest.toString('hex'), digest.toString('latin1')] },
      { kind: 'tls key', forms: partsOfPem(pair.key) },
      { kind: 'client key', forms: partsOfPem(client.key) },
      { kind: 'dkim rsa', forms: partsOfPem(rsa.privateKey) },
      { kind: 'dkim ed25519', forms: partsOfPem(ed.privateKey) },
      ...argon2
        .split('$')
        .slice(-2)
        .map((part) => planted('argon2id', part)),
      ...(scram.match(/[A-Za-z0-9+/]{16,}=*/g) ?? []).map((part) => planted('scram', part.replace(/=+$/, ''))),
    ],
    rewrite: (from, to) => write('postern.yaml', readFileSync(config, 'utf8').replace(from, to), 0o644),
  };
}

const TESTS = `policy: inbound
cases:
  - name: nothing is wrong
    given: { client_ip: 192.0.2.1, helo: c.test, mail_from: a@sender.test, rcpt: [bob@files.test] }
    expect: { recipients: { bob@files.test: accept } }
`;
