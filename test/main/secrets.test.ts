/** Every kind of secret the configuration knows, planted; peers that say them back; then all that comes out is searched, in every coding. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { installationSchema } from '../../src/config/schema.ts';
import { cliWorld } from '../../src/main/cli-world.ts';
import { GatewayProcess, posternIn } from '../support/gateway-process.ts';
import { codings, filesBelow, leaks, partsOfPem, secretiveKeys } from '../support/planted.ts';
import { Client } from '../support/receiver.ts';
import { PASSWORDS, PLANTED_KEYS, type SecretiveWorld, secretiveWorld, USERS } from '../support/secretive-world.ts';
import { ed25519Key } from '../support/signing.ts';
import { endClients, implicitly, type SecureClient, upgraded } from '../support/tls.ts';

/** One for all: each listens to the standard output. */
const here = cliWorld(new AbortController().signal);

afterEach(() => {
  endClients();
  vi.unstubAllEnvs();
});

/** Keys that sound like secrets and are none, with what they are. */
const NO_SECRETS: { readonly [key: string]: string } = {
  'listeners.*.auth': 'whether users log in',
  'listeners.*.client_certificates': 'what is shown to everybody',
  'listeners.*.client_certificates.ca': 'certificates',
  'listeners.*.client_certificates.fingerprints': 'of certificates',
  'listeners.*.relay_for.certificate': 'a name',
  'domains.*.recipients.file': 'addresses',
  'domains.*.recipients.ldap.url': 'an address; one with a password in it is refused',
  'domains.*.recipients.ldap.ca_file': 'certificates',
  'domains.*.recipients.sql.url': 'an address; one with a password in it is refused',
  'domains.*.recipients.sql.ca_file': 'certificates',
  'domains.*.aliases.file': 'addresses',
  'routes.*.path': 'a folder',
  'routes.*.certificate': 'what is shown to everybody',
  'routes.*.auth': 'a user and where its password is',
  certificates: 'a list',
  'certificates.certificate': 'what is shown to everybody',
  signing: 'a map',
  'services.rspamd.url': 'an address; one with a password in it is refused',
  'store.path': 'a folder',
  'limits.login_failures': 'a number',
  'limits.network_login_failures': 'a number',
  'limits.login_window': 'a time',
  'limits.login_delay': 'a time',
  'limits.signatures': 'a number',
  'records.jsonl.path': 'a file of ours',
  policies: 'a folder',
  'users.*.ldap.url': 'an address; one with a password in it is refused',
  'users.*.ldap.ca_file': 'certificates',
  'lists.*.file': 'a list of policies',
  'checks.dnsbl.lists.*.lookup_url': 'told to senders',
  'checks.links.lists.*.lookup_url': 'told to senders',
  'checks.dnsbl.lists.*.shown_as': 'what is shown in place of one',
  'checks.links.lists.*.shown_as': 'what is shown in place of one',
  'checks.rate.key': 'by what is counted',
  'checks.user_behaviour.key': 'by what is counted',
  'checks.links.self_test': 'a switch',
};

test('each key of the schemas that may hold or name a secret has one planted here, or is known to hold none', () => {
  const policy: unknown = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../policies/schema/policy.schema.json'), 'utf8'),
  );
  // A check is the same at each stage.
  const ofChecks = [...secretiveKeys(policy)].map((key) => key.replace(/^checks\.[a-z]+\./, 'checks.'));
  const keys = new Set([...secretiveKeys(installationSchema()), ...ofChecks]);
  const told = new Set([...Object.keys(PLANTED_KEYS), ...Object.keys(NO_SECRETS)]);
  expect([...keys].filter((key) => !told.has(key))).toEqual([]);
  expect(Object.keys(PLANTED_KEYS).filter((key) => !keys.has(key))).toEqual([]);
  expect([...secretiveKeys({ properties: { webhook: { properties: { hmac_salt: {} } } } })]).toEqual([
    'webhook.hmac_salt',
  ]);
});

test('the search finds a secret in every coding, and in a file of the store', async () => {
  const world = await secretiveWorld();
  const [first] = world.secrets;
  for (const form of first!.forms) expect(leaks(new Map([['log', `x${form}y`]]), world.secrets)).not.toEqual([]);
  const triple = Buffer.from(`\0relay\0${PASSWORDS['route-file']}`).toString('base64');
  expect(leaks(new Map([['log', triple]]), world.secrets)).not.toEqual([]);
  const { privateKey } = ed25519Key();
  const der = Buffer.from(privateKey.split('\n')[1]!, 'base64').toString('latin1');
  expect(leaks(new Map([['store', der]]), [{ kind: 'key', forms: partsOfPem(privateKey) }])).not.toEqual([]);
  writeFileSync(join(world.folder, 'spilt'), `password ${codings(USERS.typed).at(-1)}`);
  expect(leaks(filesBelow(world.folder, world.vaults), world.secrets)[0]).toMatch(/^typed in spilt: /);
});

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const plain = (user: string, password: string): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;

/** A client that keeps what it hears. */
async function says(client: Client, heard: string[], ...lines: readonly string[]): Promise<string> {
  let last = '';
  for (const line of lines) {
    last = (await client.ask(line)) ?? 'closed';
    heard.push(last);
  }
  return last;
}

const letter = (from: string, to: string, header = 'Subject: hello') => [
  `MAIL FROM:<${from}>`,
  `RCPT TO:<${to}>`,
  'DATA',
  `From: ${from}\r\n${header}\r\n\r\nhttps://links.example.org/\r\n.`,
];

/** RFC 5802 §3: the last message with a proof of this password. */
async function scram(client: SecureClient, heard: string[], password: string): Promise<string> {
  const bare = 'n=alice@files.test,r=fyko';
  const first = await says(client, heard, `AUTH SCRAM-SHA-256 ${base64(`n,,${bare}`)}`);
  const server = Buffer.from(first.slice(4), 'base64').toString();
  const part = (name: string) => new RegExp(`${name}=([^,]*)`).exec(server)![1]!;
  const salted = pbkdf2Sync(password, Buffer.from(part('s'), 'base64'), Number(part('i')), 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = hmac(salted, 'Client Key');
  const without = `c=biws,r=${part('r')}`;
  const signature = hmac(createHash('sha256').update(key).digest(), `${bare},${server},${without}`);
  const proof = Buffer.from(key.map((octet, n) => octet ^ signature[n]!)).toString('base64');
  return says(client, heard, base64(`${without},p=${proof}`));
}

/** Right and wrong, by each mechanism, over TLS and in the open, and as no client should. */
async function logIn(port: (listener: string) => Promise<number>, heard: string[]): Promise<SecureClient> {
  const secure = async () => upgraded(await Client.connect(await port('submission')));
  const [one, two, three, four] = [await secure(), await secure(), await secure(), await secure()];
  for (const client of [one, two, three, four]) await says(client, heard, 'EHLO c.test');
  expect(await says(one, heard, plain('alice@files.test', USERS.alice))).toMatch(/^235/);
  expect(await says(two, heard, plain('alice@files.test', USERS.wrong))).toMatch(/^535/);
  expect(await says(two, heard, plain(USERS.typed, USERS.wrong))).toMatch(/^535/);
  await says(two, heard, 'AUTH LOGIN', base64(USERS.typed), base64(USERS.wrong));
  await says(two, heard, 'AUTH LOGIN', base64('alice@files.test'), base64(USERS.alice));
  expect(await scram(three, heard, USERS.wrong)).toMatch(/^535/);
  expect(await scram(three, heard, USERS.alice)).toMatch(/^334/);
  await says(three, heard, '');
  await says(four, heard, `AUTH PLAIN ${USERS.wrong}`, `AUTH PLAIN =${base64(USERS.wrong)}`, `AUTH ${USERS.wrong}`);
  await says(four, heard, 'AUTH PLAIN', USERS.line, USERS.line, base64(`\0alice@files.test\0${USERS.line}`));
  await says(four, heard, `AUTH XOAUTH2 ${base64(USERS.line)}`, USERS.line);
  const open = await Client.connect(await port('submission'));
  await open.reply();
  await says(open, heard, 'EHLO c.test', plain('alice@files.test', USERS.opened), USERS.opened, base64(USERS.opened));
  const people = await implicitly(await port('people'));
  await people.reply();
  await says(people, heard, 'EHLO c.test');
  expect(await says(people, heard, plain('ann', USERS.ann))).toMatch(/^454/);
  expect(await says(people, heard, plain(USERS.typed, USERS.ann))).toMatch(/^454/);
  return one;
}

async function send(world: SecretiveWorld, gateway: GatewayProcess, heard: string[]): Promise<void> {
  const user = await logIn((listener) => gateway.port(listener), heard);
  for (const to of ['refuses', 'talks', 'nonsense', 'gone', 'shows', 'files'])
    expect(await says(user, heard, ...letter('alice@files.test', `bob@${to}.test`))).toMatch(/^250/);
  const mx = await Client.connect(await gateway.port());
  await mx.reply();
  await says(mx, heard, 'EHLO c.test');
  for (const to of ['ldap1', 'ldap2', 'ldap3', 'sql1', 'sql2'])
    await says(mx, heard, 'MAIL FROM:<a@sender.test>', `RCPT TO:<bob@${to}.test>`, 'RSET');
  expect(await says(mx, heard, ...letter('a@sender.test', 'out@files.test'))).toMatch(/^250/);
  expect(await says(mx, heard, ...letter('a@sender.test', 'bob@files.test', 'X-Hold: spam'))).toMatch(/^250/);
  expect(await says(mx, heard, ...letter('a@sender.test', 'bob@files.test', 'X-Tell: yes'))).toMatch(/^250/);
  // Each host has heard a password, and it has come to an attempt that ended.
  await expect
    .poll(() => world.hosts.every((one) => one.encrypted.some((line) => line.startsWith('AUTH PLAIN'))), WAIT)
    .toBe(true);
  const mail = () => [...filesBelow(world.folder).values()].filter((text) => /^To: <?(alice|it)@/m.test(text));
  // The notification of what `talks` refused for good, and the alarm.
  await expect.poll(() => mail().length, WAIT).toBeGreaterThanOrEqual(2);
}
const WAIT = { timeout: 30_000, interval: 50 };

/** A command as the program runs it, with all it prints. */
async function ran(...args: readonly string[]): Promise<readonly [number, string]> {
  let text = '';
  const write = (said: string) => {
    text += said;
    return Promise.resolve();
  };
  const code = await runCli(args, { ...here, out: write, err: write });
  return [code, text];
}

test('no secret comes out: not in log, record, store, command, reply, notification or backup', async () => {
  const world = await secretiveWorld();
  const heard: string[] = [];
  const gateway = new GatewayProcess(world.config, { env: world.env });
  await send(world, gateway, heard);

  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value);
  const said = new Map<string, string>();
  const run = async (...args: readonly string[]) => {
    const [code, text] = await ran(...args, '--config', world.config);
    expect(code, `${args.join(' ')}: ${text}`).toBeLessThan(2);
    said.set(args.join(' ') + (said.has(args.join(' ')) ? ' again' : ''), text);
    return text;
  };
  let records: readonly string[] = [];
  const list = async () => {
    const lines = (await run('log', '--json', '--limit', '200')).trim().split('\n');
    records = lines.map((line) => (JSON.parse(line) as { readonly id: string }).id);
    return records.length;
  };
  // What promises nothing is on disk within a second, and in the index a little later.
  await expect.poll(list, WAIT).toBeGreaterThan(10);
  const [aside] = [...(await run('quarantine', 'list', '--json')).matchAll(/"id":"([\w.]+)"/g)];
  const letters = join(world.folder, 'letter.eml');
  writeFileSync(letters, 'From: a@sender.test\nSubject: x\n\nhttps://links.example.org/\n');
  const asked = ['--client-ip', '127.0.0.9', '--mail-from', 'a@sender.test', '--rcpt'];
  const backup = join(world.folder, 'copy');
  const commands: readonly (readonly string[])[] = [
    ...records.flatMap((id) => [['trace', id, '--json']]),
    ...records.slice(0, 3).map((id) => ['trace', id]),
    ...[['status'], ['queue', 'list'], ['quarantine', 'list'], ['suspension', 'list'], ['override', 'list']],
    ['status', '--json'],
    ['queue', 'list', '--json'],
    ['queue', 'hold', '--route', 'gone', '--why', 'x', '--json'],
    ['queue', 'suspend', '--route', 'gone', '--json'],
    ['quarantine', 'show', aside![1]!, '--json'],
    ['quarantine', 'digest', '--json'],
    ['check', '--lint', '--json'],
    ['check'],
    ['explain', ...asked, 'bob@ldap1.test', '--live', '--json'],
    ['explain', ...asked, 'bob@sql2.test', '--live', letters],
    ['doctor', '--json'],
    ['dkim', 'show', 'files.test', '--json'],
    ['test', '--json'],
    ['reload', '--json'],
    ['suspension', 'begin', 'alice@files.test', '--for', '1h', '--why', 'x', '--json'],
    ['backup', backup, '--json'],
  ];
  for (const command of commands) await run(...command);
  said.set('schema', (await ran('schema'))[1]);
  const { out: spoken, err: complained } = await posternIn(world.env, 'status', '--json', '--config', world.config);
  said.set('a command as a process', spoken + complained);

  // A configuration that is refused while it runs.
  world.rewrite('password_file: secrets/route-gone', `password: '${PASSWORDS['route-gone']}'`);
  await run('reload', '--json');
  await run('check', '--json');
  gateway.signal('SIGHUP');
  await gateway.heard('reload.refused');
  world.rewrite(`password: '${PASSWORDS['route-gone']}'`, 'password_file: secrets/route-gone');
  await run('status', '--json');
  await run('status');
  gateway.signal('SIGTERM');
  const { out, err } = await gateway.ended;
  said.set('standard output', out).set('the log', err).set('replies', heard.join('\n'));
  writeFileSync(world.config, '');

  // What is searched has what it was made for: hosts, directories and databases did say them back.
  for (const where of ['the log', 'status']) expect(said.get(where), where).toContain('I heard');
  for (const where of ['reload --json again', 'check --json', 'status --json again'])
    expect(said.get(where), where).toContain('a secret stands in this file');
  const kept = filesBelow(world.folder, world.vaults);
  expect([...kept.keys()].some((name) => name.startsWith('copy/'))).toBe(true);
  expect([...kept.values()].some((text) => text.includes('I heard') && text.includes('message/delivery-status'))).toBe(
    true,
  );
  expect([...leaks(said, world.secrets), ...leaks(kept, world.secrets)]).toEqual([]);
}, 120_000);
