/** Users who log in and send, over real TLS: mechanisms, files that change, limits, who sends as whom, and secrets that stand nowhere. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeUser } from '../../src/adapters/auth/change-user.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { speak } from '../support/speak.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';

const ALICE = 'correct horse 9';
const BOB = 'battery staple 7';

let folder = '';
let said: string[] = [];
let gateway: Gateway | undefined;
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);

beforeEach(() => {
  said = [];
  folder = temporaryFolder();
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'policies/outbound.yaml'), 'policy: outbound\nchecks: {}\nrules: {}\n');
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
});
afterEach(async () => {
  endClients();
  await gateway?.stop();
  gateway = undefined;
});

const users = (): string => join(folder, 'users');
const give = (user: string, password: string | undefined, scram = true) =>
  changeUser(users(), { user, password, scram });

async function start(more = '', listener = 'auth: required', threads?: number): Promise<void> {
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners:
  submissions: { address: "127.0.0.1:0", policy: outbound, tls: implicit, ${listener} }
  submission: { address: "127.0.0.1:0", policy: outbound, tls: opportunistic, auth: required }
  behind: { address: "127.0.0.1:0", policy: outbound, xclient_from: [127.0.0.1/32] }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users: { staff: { file: users } }
domains: { example.com: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
default_route: files
store: { path: store, min_free: 1 MiB }
${more}`,
  );
  const log = { event: note, warn: note, error: note };
  gateway = await startGateway(join(folder, 'postern.yaml'), threads === undefined ? { log } : { threads });
}

const port = (listener = 'submissions'): number => Number(gateway!.addresses[listener]!.split(':')[1]);

async function client(): Promise<SecureClient> {
  const one = await implicitly(port());
  await one.reply();
  await one.ask('EHLO client.test');
  return one;
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const plain = (user: string, password: string): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;

async function sends(one: SecureClient, from: string, author = from, to = 'ann@friend.example'): Promise<string> {
  for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
    const reply = (await one.ask(command)) ?? 'closed';
    if (!/^[23]/.test(reply)) return reply;
  }
  return (await one.ask(`From: ${author}\r\nSubject: hello\r\n\r\nBody.\r\n.`)) ?? 'closed';
}

/** As a client does it (RFC 5802 §3), with the server's signature checked. */
async function scram(one: SecureClient, user: string, password: string): Promise<string> {
  const bare = `n=${user},r=fyko`;
  const first = (await one.ask(`AUTH SCRAM-SHA-256 ${base64(`n,,${bare}`)}`)) ?? '';
  const server = Buffer.from(first.slice(4), 'base64').toString();
  const { r, s, i } = Object.fromEntries(server.split(',').map((part) => [part[0], part.slice(2)])) as {
    [k: string]: string;
  };
  const salted = pbkdf2Sync(password, Buffer.from(s!, 'base64'), Number(i), 32, 'sha256');
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const message = `${bare},${server},c=biws,r=${r}`;
  const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
  const proof = Buffer.from(clientKey.map((octet, n) => octet ^ signature[n]!)).toString('base64');
  const last = (await one.ask(base64(`c=biws,r=${r},p=${proof}`))) ?? '';
  if (!last.startsWith('334')) return last;
  const verifier = hmac(hmac(salted, 'Server Key'), message).toString('base64');
  expect(Buffer.from(last.slice(4), 'base64').toString()).toBe(`v=${verifier}`);
  return (await one.ask('')) ?? 'closed';
}

async function records(): Promise<readonly TransactionRecord[]> {
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  const found = await store.records.search({});
  await store.close();
  return found;
}

test('a user logs in by each mechanism and sends; the record says who', async () => {
  await give('alice@example.com', ALICE);
  await start();
  const one = await implicitly(port());
  await one.reply();
  expect(await one.ask('EHLO client.test')).toMatch(/AUTH SCRAM-SHA-256 PLAIN LOGIN(\n|$)/);
  expect(await one.ask('MAIL FROM:<alice@example.com>')).toMatch(/^530 5\.7\.0 /);
  expect(await one.ask(plain('Alice@Example.com', ALICE))).toBe('235 2.7.0 logged in');
  expect(await one.ask(plain('alice@example.com', ALICE))).toMatch(/^503 5\.5\.1 /);
  expect(await one.ask('EHLO client.test')).not.toContain('AUTH');
  expect(await sends(one, 'alice@example.com')).toMatch(/^250 2\.0\.0 queued/);

  const two = await client();
  expect(await two.ask('AUTH LOGIN')).toBe(`334 ${base64('Username:')}`);
  expect(await two.ask(base64('alice@example.com'))).toBe(`334 ${base64('Password:')}`);
  expect(await two.ask(base64(ALICE))).toBe('235 2.7.0 logged in');
  expect(await sends(two, 'alice+list@example.com')).toMatch(/^250 2\.0\.0 queued/);

  const three = await client();
  expect(await scram(three, 'alice@example.com', ALICE)).toBe('235 2.7.0 logged in');
  expect(await sends(three, 'alice@example.com')).toMatch(/^250 2\.0\.0 queued/);

  await gateway!.stop();
  const found = (await records()).filter(({ kind }) => kind === 'transaction');
  expect(found.map(({ facts }) => (facts.client as { user: string }).user)).toEqual(Array(3).fill('alice@example.com'));
});

test('passwords are never asked for in the clear', async () => {
  await give('alice@example.com', ALICE);
  await start();
  const { Client } = await import('../support/receiver.ts');
  const one = await Client.connect(port('submission'));
  await one.reply();
  expect(await one.ask('EHLO client.test')).not.toContain('AUTH');
  expect(await one.ask(plain('alice@example.com', ALICE))).toMatch(/^538 5\.7\.11 /);
  one.socket.destroy();
});

test('the file of users is read again by itself, and one that others may read is refused', async () => {
  await give('alice@example.com', ALICE);
  await start();
  await give('bob@example.com', BOB, false);
  const heard = async (): Promise<string> => (await (await client()).ask(plain('bob@example.com', BOB))) ?? '';
  await expect.poll(heard, { timeout: 10_000, interval: 300 }).toBe('235 2.7.0 logged in');
  // One without a verifier is enough: a client that prefers SCRAM would shut him out.
  const one = await implicitly(port());
  await one.reply();
  expect(await one.ask('EHLO client.test')).toMatch(/AUTH PLAIN LOGIN(\n|$)/);

  chmodSync(users(), 0o644);
  await expect.poll(() => said.filter((line) => line.startsWith('users.stale')), { timeout: 10_000 }).toHaveLength(1);
  expect(await (await client()).ask(plain('alice@example.com', ALICE))).toBe('235 2.7.0 logged in');
  await expect(give('alice@example.com', BOB)).rejects.toThrow('others may read it');
  await gateway!.stop();
  gateway = undefined;
  await expect(start()).rejects.toThrow('others may read it');
});

test('a wrong password, nobody of the name and an empty one are told alike', async () => {
  await give('alice@example.com', ALICE);
  await start('limits: { login_delay: 10ms }\n');
  for (const mechanism of ['PLAIN', 'SCRAM'] as const)
    for (const [user, password] of [
      ['alice@example.com', BOB],
      ['nobody@example.com', BOB],
      ['nobody@example.com', ALICE],
    ] as const) {
      const one = await client();
      const reply = mechanism === 'PLAIN' ? await one.ask(plain(user, password)) : await scram(one, user, password);
      expect(reply).toMatch(/^535 5\.7\.8 \(ref \w+\) the name or the password is wrong$/);
    }
  const one = await client();
  expect(await one.ask(plain('alice@example.com', ''))).toMatch(/^535 5\.7\.8 /);
  expect(await one.ask(`AUTH PLAIN ${base64(`bob@example.com\0alice@example.com\0${ALICE}`)}`)).toMatch(
    /^535 5\.7\.8 /,
  );
});

test('salts of somebody who is not there are the same each time', async () => {
  await give('alice@example.com', ALICE);
  await start();
  const saltOf = async (user: string): Promise<string> => {
    const one = await client();
    const first = (await one.ask(`AUTH SCRAM-SHA-256 ${base64(`n,,n=${user},r=fyko`)}`)) ?? '';
    expect(await one.ask('*')).toMatch(/^501 5\.7\.0 /);
    return Buffer.from(first.slice(4), 'base64')
      .toString()
      .replace(/^r=[^,]*,/, '');
  };
  const nobody = await saltOf('nobody@example.com');
  expect(nobody).toMatch(/^s=[^,]{24},i=100000$/);
  expect(await saltOf('nobody@example.com')).toBe(nobody);
  expect(await saltOf('noone@example.com')).not.toBe(nobody);
  expect(await saltOf('alice@example.com')).toMatch(/^s=[^,]{24},i=100000$/);
});

test('who guesses is shut out, and the user goes on from where she is known', async () => {
  await give('alice@example.com', ALICE);
  await start('limits: { login_delay: 10ms, login_failures: 3, network_login_failures: 5 }\n');
  expect(await (await client()).ask(plain('alice@example.com', ALICE))).toBe('235 2.7.0 logged in');
  const guess = async (user: string, n: number): Promise<string> =>
    ((await (await client()).ask(plain(user, `guess number ${n}`))) ?? 'closed').slice(0, 9);
  const heard = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((n) => guess('alice@example.com', n)));
  // At once, too, no more are looked at than may be.
  expect(heard.filter((reply) => reply === '535 5.7.8')).toHaveLength(5);
  expect(heard.filter((reply) => reply === '454 4.7.0')).toHaveLength(3);
  // From this network nobody gets on now.
  expect(await guess('bob@example.com', 9)).toBe('454 4.7.0');
  await gateway!.stop();
  const refused = (await records()).flatMap(({ replies }) => replies).filter(({ to }) => to === 'AUTH');
  expect(refused.map(({ reason }) => reason).sort()).toEqual([
    ...Array(5).fill('login-failed'),
    ...Array(4).fill('login-throttled'),
  ]);
  expect(refused.find(({ reason }) => reason === 'login-failed')!.said).toBe('PLAIN alice@example.com');
});

test('an account is guarded from networks it never came from, and not from its own', async () => {
  await give('alice@example.com', ALICE);
  await give('bob@example.com', BOB);
  await start('limits: { login_delay: 10ms, login_failures: 2 }\n');
  expect(await (await client()).ask(plain('alice@example.com', ALICE))).toMatch(/^235/);
  for (const user of ['alice@example.com', 'bob@example.com'])
    for (let n = 0; n < 3; n += 1) await (await client()).ask(plain(user, `guess number ${n}`));
  expect(await (await client()).ask(plain('alice@example.com', ALICE))).toMatch(/^235/);
  expect(await (await client()).ask(plain('bob@example.com', BOB))).toMatch(/^454 4\.7\.0/);
});

test('a session that is wrong five times is ended', async () => {
  await give('alice@example.com', ALICE);
  await start('limits: { login_delay: 10ms }\n');
  const one = await client();
  for (let n = 0; n < 5; n += 1) expect(await one.ask(plain('alice@example.com', 'wrong'))).toMatch(/^535/);
  expect(await one.line()).toBeUndefined();
});

test('a user sends as itself and as what senders says, in the envelope and in From', async () => {
  for (const user of ['alice@example.com', 'bob', 'boss@example.com', 'tool@example.com']) await give(user, ALICE);
  await start(
    'senders: { boss@example.com: [boss@example.com, example.com], tool@example.com: ["*"], bob: [info@example.com] }\n',
  );
  const as = async (user: string, from: string, author = from): Promise<string> => {
    const one = await client();
    expect(await one.ask(plain(user, ALICE))).toMatch(/^235/);
    return sends(one, from, author);
  };
  expect(await as('alice@example.com', 'bob@example.com')).toMatch(
    /^550 5\.7\.1 \(ref \w+\.1\) alice@example\.com may not send as bob@example\.com/,
  );
  expect(await as('alice@example.com', 'alice@example.com', 'The Boss <boss@example.com>')).toMatch(
    /^550 5\.7\.1 \(ref \w+\.1\) alice@example\.com may not write as boss@example\.com/,
  );
  expect(await as('alice@example.com', '', 'alice@example.com')).toMatch(/^250/);
  expect(await as('boss@example.com', 'sales@example.com')).toMatch(/^250/);
  expect(await as('boss@example.com', 'sales@shop.example')).toMatch(/^550 5\.7\.1/);
  expect(await as('tool@example.com', 'sales@shop.example')).toMatch(/^250/);
  expect(await as('bob', 'info@example.com')).toMatch(/^250/);
  await gateway!.stop();
  const reasons = (await records()).flatMap(({ recipients }) => recipients.map(({ reason }) => reason));
  expect(reasons.filter((reason) => reason.startsWith('builtin:')).sort()).toEqual([
    'builtin:author-not-own',
    'builtin:sender-not-own',
    'builtin:sender-not-own',
  ]);
});

test.each([
  ['a bracket that is not closed', 'Boss <boss@example.com'],
  ['two addresses in one', '<boss@example.com> <alice@example.com>'],
  ['one that can be read beside one that cannot', 'alice@example.com, <boss@example.com> x'],
  ['one in a group that is not closed', 'all: <boss@example.com;'],
  ['an encoded word', '=?utf-8?q?boss=40example.com?='],
  ['a dot at the end', 'boss@example.com.'],
  ['a quote that is not closed', '"a\\" <boss@example.com>, <alice@example.com>'],
  ['a colon on the next line', 'alice@example.com\r\nFrom\r\n : boss@example.com'],
  ['a name with a control character', 'alice@example.com\r\nFrom\x0b: boss@example.com'],
])('a From that we cannot read is nobody’s own, as somebody else may read it: %s', async (_, author) => {
  for (const user of ['alice@example.com', 'tool@example.com']) await give(user, ALICE, false);
  await start('senders: { tool@example.com: ["*"] }\n');
  for (const [user, answer] of [
    ['alice@example.com', /^550 5\.7\.1 /],
    ['tool@example.com', /^250 /],
  ] as const) {
    const one = await client();
    expect(await one.ask(plain(user, ALICE))).toMatch(/^235/);
    expect(await sends(one, '', author)).toMatch(answer);
  }
});

test.each(['alice', 'ALICE', '+20Alice+20'])(
  'a user of whom an upstream tells is held as it is written: %s',
  async (login) => {
    await give('alice', ALICE, false);
    await start('senders: { alice: [alice@example.com] }\n');
    const from = (address: string) =>
      speak(gateway!.addresses.behind!, [
        'EHLO upstream.test',
        `XCLIENT ADDR=192.0.2.7 LOGIN=${login}`,
        'EHLO client.test',
        `MAIL FROM:<${address}>`,
        'RCPT TO:<bob@example.com>',
        'QUIT',
      ]);
    expect(await from('alice@example.com')).toMatch(/^250 /);
    expect(await from('boss@example.com')).toMatch(/^550 5\.7\.1 .*alice may not send as boss@example\.com/);
  },
);

test('a name without a domain is itself in every hosted domain', async () => {
  await give('bob', BOB);
  await start();
  const one = await client();
  expect(await one.ask(plain('bob', BOB))).toMatch(/^235/);
  expect(await sends(one, 'bob@example.com')).toMatch(/^250/);
  expect(await sends(one, 'bob@shop.example')).toMatch(/^550 5\.7\.1/);
});

test('nothing of a password is kept anywhere, however a client says it', async () => {
  await give('alice@example.com', ALICE);
  await start(
    'limits: { login_delay: 10ms, command_line: 600 B, errors: 100 }\nrecords: { jsonl: { path: records.jsonl } }\n',
  );
  const secret = 'Zh8rPlantedSecret5x';
  const said64 = base64(`\0alice@example.com\0${secret}`);
  const one = await client();
  expect(await one.ask(`AUTH PLAIN ${said64}`)).toMatch(/^535/);
  expect(await one.ask(`auth plain ${said64}!`)).toMatch(/^501/);
  expect(await one.ask(`AUTH CRAM-MD5 ${said64}`)).toMatch(/^504/);
  expect(await one.ask(` AUTH PLAIN ${said64}`)).toMatch(/^500/);
  expect(await one.ask(said64)).toMatch(/^500/);
  expect(await one.ask('AUTH LOGIN')).toMatch(/^334/);
  expect(await one.ask(base64(secret))).toMatch(/^334/);
  expect(await one.ask(`${base64(secret)}\x01`)).toMatch(/^500/);
  expect(await one.ask(base64(secret))).toMatch(/^535/);
  expect(await one.ask(`AUTH PLAIN ${said64}${'A'.repeat(700)}`)).toMatch(/^500/);
  const two = await client();
  expect(await two.ask('AUTH PLAIN')).toMatch(/^334/);
  expect(await two.ask(`${said64}${'A'.repeat(700)}`)).toMatch(/^500/);
  const { Client } = await import('../support/receiver.ts');
  const clear = await Client.connect(port('submission'));
  await clear.reply();
  await clear.ask('EHLO client.test');
  expect(await clear.ask(`AUTH PLAIN ${said64}`)).toMatch(/^538/);
  expect(await clear.ask(said64)).toMatch(/^500/);
  clear.socket.destroy();
  await gateway!.stop();
  const kept = [said.join('\n'), JSON.stringify(await records())];
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (existsSync(join(folder, name)) && statSync(join(folder, name)).isFile())
      kept.push(readFileSync(join(folder, name), 'latin1'));
  expect(kept[1]).toContain('login-failed');
  for (const text of kept)
    for (const planted of [secret, base64(secret), said64, ALICE, base64(ALICE)])
      expect(text.includes(planted)).toBe(false);
});

test('threads of their own take users, count their mistakes together and learn of changes', async () => {
  await give('alice@example.com', ALICE);
  await start('limits: { login_delay: 10ms, network_login_failures: 4 }\nlog: { level: error }\n', 'auth: required', 2);
  expect(await (await client()).ask(plain('alice@example.com', ALICE))).toMatch(/^235/);
  const heard: string[] = [];
  for (let n = 0; n < 6; n += 1)
    heard.push(((await (await client()).ask(plain('alice@example.com', `guess ${n}`))) ?? '').slice(0, 3));
  expect(heard).toEqual(['535', '535', '535', '535', '454', '454']);
});
