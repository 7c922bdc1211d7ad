/** Whom Sender and the Resent- fields name as who has sent it is held to the user who logs in, as From is. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changeUser } from '../../src/adapters/auth/change-user.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';

const PASSWORD = 'correct horse 9';
let gateway: Gateway;

beforeEach(async () => {
  const folder = temporaryFolder();
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'policies/outbound.yaml'), 'policy: outbound\nchecks: {}\nrules: {}\n');
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
  for (const user of ['alice@example.com', 'carol@example.com', 'tool@example.com'])
    await changeUser(join(folder, 'users'), { user, password: PASSWORD, scram: false });
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { submissions: { address: "127.0.0.1:0", policy: outbound, tls: implicit, auth: required } }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users: { staff: { file: users } }
senders: { tool@example.com: ["*"], carol@example.com: [carol@example.com, boss@example.com] }
domains: { example.com: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
default_route: files
store: { path: store, min_free: 1 MiB }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
});
afterEach(async () => {
  endClients();
  await gateway.stop();
});

async function loggedIn(user: string): Promise<SecureClient> {
  const one = await implicitly(Number(gateway.addresses.submissions!.split(':')[1]));
  await one.reply();
  await one.ask('EHLO client.test');
  expect(await one.ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${PASSWORD}`).toString('base64')}`)).toMatch(/^235/);
  return one;
}

async function sends(one: SecureClient, from: string, header: string): Promise<string> {
  for (const command of [`MAIL FROM:<${from}>`, 'RCPT TO:<ann@example.com>', 'DATA'])
    expect(await one.ask(command)).toMatch(/^[23]/);
  return (await one.ask(`From: ${header}\r\nSubject: hello\r\n\r\nBody.\r\n.`)) ?? 'closed';
}

test.each([
  ['another’s', 'Sender: boss@example.com', 'boss@example.com, whom Sender names'],
  ['another’s in the second of two', 'Sender: alice@example.com\r\nSENDER: boss@example.com', 'boss@example.com'],
  ['another’s, folded', 'Sender:\r\n The Boss\r\n <boss@example.com>', 'boss@example.com'],
  ['another’s in a group', 'Sender: us: alice@example.com, boss@example.com;', 'boss@example.com'],
  ['an encoded word', 'Sender: =?utf-8?q?boss=40example.com?=', 'somebody whose address cannot be read'],
  ['a bracket that is not closed', 'Sender: Boss <boss@example.com', 'somebody whose address cannot be read'],
  ['a colon on the next line', 'Sender\r\n : boss@example.com', 'somebody whose address cannot be read'],
  ['another’s who sends again', 'Resent-From: boss@example.com', 'boss@example.com, whom Resent-From names'],
  [
    'another’s who sends again for one',
    'Resent-Sender: boss@example.com',
    'boss@example.com, whom Resent-Sender names',
  ],
])('who sends for the author is the user, or as it is allowed: %s', async (_, header, named) => {
  for (const [user, answer] of [
    ['alice@example.com', `alice@example.com may not send as ${named}`],
    ['tool@example.com', '250 '],
  ] as const) {
    const one = await loggedIn(user);
    expect(await sends(one, '', `alice@example.com\r\n${header}`)).toContain(answer);
  }
});

test('a user’s own Sender passes, with a tag, for whom it may write, and where it says nothing', async () => {
  const one = await loggedIn('carol@example.com');
  for (const header of [
    'Sender: Carol <CAROL+desk@example.com>',
    'Sender:',
    'Resent-From: carol@example.com',
    'X-Sender: a@b',
  ])
    expect(await sends(one, 'carol@example.com', `boss@example.com\r\n${header}`)).toMatch(/^250 /);
});
