/** A stolen account noticed by the shipped policy: told, suspended, held; lifted by a person. Over real TLS, with a gateway that runs. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { changeUser } from '../../src/adapters/auth/change-user.ts';
import { controlLine } from '../../src/adapters/control/client.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';

const PASSWORD = 'correct horse 9';
const SHIPPED = fileURLToPath(new URL('../../policies', import.meta.url));
const NEVER = new AbortController().signal;
let gateway: Gateway | undefined;
afterEach(async () => {
  endClients();
  await gateway?.stop();
  gateway = undefined;
});

/** `next`: the port of a host for mail to others; without it all goes into files. */
async function start(next = 0): Promise<{ readonly folder: string; readonly said: string[] }> {
  const folder = temporaryFolder();
  const said: string[] = [];
  cpSync(SHIPPED, join(folder, 'policies'), { recursive: true });
  mkdirSync(join(folder, 'tls'));
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
  for (const user of ['alice@example.com', 'bob@example.com'])
    await changeUser(join(folder, 'users'), { user, password: PASSWORD, scram: false });
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
postmaster: it@example.com
listeners: { submissions: { address: "127.0.0.1:0", policy: outbound, tls: implicit, auth: required } }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users: { staff: { file: users } }
domains: { example.com: { route: files, recipients: any } }
routes:
  files: { protocol: maildir, path: mail }
  next: { hosts: ["127.0.0.1:${next || 1}"], tls: none, retry: [1s] }
default_route: ${next === 0 ? 'files' : 'next'}
store: { path: store, min_free: 1 MiB }
`,
  );
  const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: note, warn: note, error: note } });
  return { folder, said };
}

async function loggedIn(user: string): Promise<readonly [SecureClient, string]> {
  const one = await implicitly(Number(gateway!.addresses.submissions!.split(':')[1]));
  await one.reply();
  await one.ask('EHLO client.test');
  return [one, (await one.ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${PASSWORD}`).toString('base64')}`)) ?? 'closed'];
}

async function sends(one: SecureClient, from: string, to: readonly string[]): Promise<string> {
  for (const command of [`MAIL FROM:<${from}>`, ...to.map((address) => `RCPT TO:<${address}>`), 'DATA']) {
    const reply = (await one.ask(command)) ?? 'closed';
    if (!/^[23]/.test(reply)) return reply;
  }
  return (await one.ask(`From: ${from}\r\nSubject: hello\r\n\r\nBody.\r\n.`)) ?? 'closed';
}

const strangers = (n: number): readonly string[] => Array.from({ length: n }, (_, i) => `person${i}@friend.example`);

test('an account that writes to strangers is suspended, its message held, the postmaster told once; a person lifts it', async () => {
  const { folder, said } = await start();
  const [one, reply] = await loggedIn('alice@example.com');
  expect(reply).toMatch(/^235/);
  expect(await sends(one, 'alice@example.com', strangers(99))).toMatch(/^250/);
  expect(await sends(one, 'alice@example.com', strangers(101))).toMatch(/^250/);
  // The session that is open is stopped as well, and told why.
  expect(await sends(one, 'alice@example.com', ['ann@friend.example'])).toMatch(
    /^525 5\.7\.13 \(ref \w+\.1\) alice@example\.com may not send until 20.*Z, ask your postmaster$/,
  );
  const [, again] = await loggedIn('alice@example.com');
  expect(again).toMatch(/^525 5\.7\.13 /);
  const [two, other] = await loggedIn('bob@example.com');
  expect(other).toMatch(/^235/);
  expect(await sends(two, 'bob@example.com', ['ann@friend.example'])).toMatch(/^250/);
  expect(said.filter((line) => line.startsWith('user.suspended'))).toHaveLength(1);
  expect(said.filter((line) => line.startsWith('rule.notifies'))).toHaveLength(1);

  const control = controlLine(join(folder, 'store'));
  const status = await control.ask({ verb: 'status' }, NEVER);
  expect(status.kind === 'answered' && status.answer.status.suspensions).toMatchObject([
    { user: 'alice@example.com', by: 'rule:stolen-account-suspended', why: 'stolen' },
  ]);
  const lifted = await control.ask({ verb: 'suspension', lift: { user: 'alice@example.com', by: 'olga' } }, NEVER);
  expect(lifted.kind === 'answered' && lifted.answer.status.suspensions).toEqual([]);
  expect((await control.ask({ verb: 'suspension', lift: { user: 'alice@example.com', by: 'olga' } }, NEVER)).kind).toBe(
    'refused',
  );
  expect((await loggedIn('alice@example.com'))[1]).toMatch(/^235/);

  const alarms = (): string[] =>
    readdirSync(join(folder, 'mail'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /new\/./.test(name))
      .map((name) => readFileSync(join(folder, 'mail', name), 'utf8'))
      .filter((text) => text.includes('To: <it@example.com>'));
  await expect.poll(alarms, { timeout: 10_000 }).toHaveLength(1);
  expect(alarms()[0]).toMatch(/Subject: rule:stolen-account-told: alice@example\.com wrote to 101 people/);
  await gateway!.stop();
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  expect(await store.queue.count({ state: ['held'] })).toBe(101);
  await store.close();
});

test('what a stolen account has queued waits with it, and goes once it is lifted', async () => {
  let open = false;
  const next = await ScriptedHost.start({ RCPT: () => (open ? '250 2.1.5 ok' : '450 4.2.0 later') });
  onTestFinished(() => next.stop());
  const { folder } = await start(next.address.kind === 'tcp' ? next.address.port : 0);
  const [one] = await loggedIn('alice@example.com');
  expect(await sends(one, 'alice@example.com', ['ann@friend.example'])).toMatch(/^250/);
  const [two] = await loggedIn('bob@example.com');
  expect(await sends(two, 'bob@example.com', ['ann@friend.example'])).toMatch(/^250/);
  expect(await sends(one, 'alice@example.com', strangers(101))).toMatch(/^250/);
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  onTestFinished(() => store.close());
  expect(await store.queue.suspensions()).toMatchObject([
    { of: 'user', value: 'alice@example.com', by: 'rule:stolen-account-suspended', why: 'stolen' },
  ]);
  // Put off untried, farther than any retry of its route.
  const [waits] = await store.queue.list({ user: 'alice@example.com', state: ['waiting'] });
  const dueIn = async () => {
    const [entry] = await store.queue.list({ ids: [waits!.id] });
    return entry?.state.kind === 'waiting' ? entry.state.due - Date.now() : 0;
  };
  await expect.poll(dueIn, { timeout: 20_000 }).toBeGreaterThan(60_000);
  open = true;
  // Bob's goes.
  await expect.poll(() => next.messages.length, { timeout: 20_000 }).toBe(1);

  const control = controlLine(path);
  const lift = { user: 'alice@example.com', by: 'olga' };
  expect((await control.ask({ verb: 'suspension', lift }, NEVER)).kind).toBe('answered');
  await expect.poll(() => next.messages.length, { timeout: 20_000 }).toBe(2);
  expect(await store.queue.suspensions()).toEqual([]);

  // A person's own suspension of what she has queued outlives a lift.
  await store.queue.suspend({ id: 'user:alice@example.com', of: 'user', value: 'Alice@example.com', ...BY_HAND });
  const begin = { user: 'alice@example.com', by: 'olga', why: 'again', span: 3_600_000 };
  await control.ask({ verb: 'suspension', begin }, NEVER);
  await control.ask({ verb: 'suspension', lift }, NEVER);
  expect(await store.queue.suspensions()).toMatchObject([{ by: 'pete', until: null }]);
}, 60_000);

const BY_HAND = { since: 1, until: null, by: 'pete', why: 'looked at' };

test('a suspension outlives a restart', async () => {
  const { folder } = await start();
  const begin = { user: 'Alice@example.com', by: 'olga', why: 'phished', span: 3_600_000 };
  await controlLine(join(folder, 'store')).ask({ verb: 'suspension', begin }, NEVER);
  expect((await loggedIn('alice@example.com'))[1]).toMatch(/^525/);
  endClients();
  await gateway!.stop();
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  expect((await loggedIn('alice@example.com'))[1]).toMatch(/^525/);
});

test('bounces that come back to a user are counted for it', async () => {
  await start();
  const [bob] = await loggedIn('bob@example.com');
  // The null reverse-path is everybody's: here it stands for what comes in from outside.
  for (let n = 0; n < 21; n += 1) {
    for (const command of ['MAIL FROM:<>', 'RCPT TO:<alice@example.com>', 'DATA']) await bob.ask(command);
    expect(await bob.ask('From: bob@example.com\r\nSubject: undelivered\r\n\r\nNo.\r\n.')).toMatch(/^250/);
  }
  const [alice] = await loggedIn('alice@example.com');
  // Who writes to few is not stopped for what comes back: somebody forged her elsewhere.
  expect(await sends(alice, 'alice@example.com', ['ann@friend.example'])).toMatch(/^250/);
  expect((await loggedIn('alice@example.com'))[1]).toMatch(/^235/);
  expect(await sends(alice, 'alice@example.com', strangers(40))).toMatch(/^250/);
  expect((await loggedIn('alice@example.com'))[1]).toMatch(/^525/);
});

test('a reload that finds another source of users says so, and does not speak of listeners nobody touched', async () => {
  const { folder } = await start();
  const file = join(folder, 'postern.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('staff: { file: users }', 'people: { file: users }'));
  expect((await gateway!.reload()).map(({ message }) => message)).toEqual([
    '`users` changed, which a running gateway cannot take over',
  ]);
});
