/** Users of a directory that may call themselves by several names: they are one user, for guesses and for all that is kept of them. */
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { flood, hostileService } from '../support/hostile-service.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { type ScriptedEntry, scriptedDirectory } from '../support/scripted-directory.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';

let gateway: Gateway | undefined;
let said: string[] = [];
afterEach(async () => {
  endClients();
  await gateway?.stop();
  gateway = undefined;
  said = [];
});

const JOSE: ScriptedEntry = {
  dn: 'uid=jose,dc=test',
  password: 'correct horse 9',
  calledBy: ['josé', 'jose', 'jose@a.test', 'boss@a.test'],
  attributes: { uid: ['José'], mail: ['boss@a.test'] },
};
const NAMELESS: ScriptedEntry = {
  dn: 'uid=two,dc=test',
  password: 'battery staple 7',
  calledBy: ['two'],
  attributes: { uid: ['two', 'zwei'] },
};

async function start(urls: readonly number[], more: readonly string[] = []): Promise<void> {
  const at = installationFolder(
    [
      'domains: { a.test: { route: files, recipients: any } }',
      'routes: { files: { protocol: maildir, path: mail } }',
      'default_route: files',
      'certificates: [{ names: [mx.gateway.test], certificate: a.pem, key: a.key }]',
      `users: { people: { ldap: { url: [${urls.map((port) => `"ldap://127.0.0.1:${port}"`)}], tls: none, base: "dc=test", filter: "(|(uid={user})(mail={user}))", name: uid, addresses: [mail], timeout: 2s } } }`,
      ...more,
    ],
    undefined,
    { listener: 'tls: implicit, auth: required' },
  );
  const { certificate, key } = makePair('mx.gateway.test');
  at.write('a.pem', certificate);
  writeFileSync(join(at.folder, 'a.key'), key, { mode: 0o600 });
  const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
  gateway = await startGateway(at.config, { log: { event: note, warn: note, error: note } });
}

async function login(user: string, password: string): Promise<readonly [SecureClient, string]> {
  const one = await implicitly(Number(gateway!.addresses.mx!.split(':')[1]));
  await one.reply();
  await one.ask('EHLO client.test');
  return [one, (await one.ask(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`)) ?? 'closed'];
}

test('whatever a user calls itself, senders holds it by the name of its entry', async () => {
  await start([(await scriptedDirectory([JOSE])).port], ['senders: { José: [only@a.test] }']);
  for (const name of ['José', 'JOSE', 'jose@a.test', 'Boss@A.test']) {
    const [one, reply] = await login(name, JOSE.password);
    expect(reply).toMatch(/^235/);
    const sends = async (from: string): Promise<string | undefined> => {
      await one.ask(`MAIL FROM:<${from}>`);
      const reply = await one.ask('RCPT TO:<ann@friend.example>');
      await one.ask('RSET');
      return reply;
    };
    expect(await sends('jose@a.test')).toMatch(/^550 5\.7\.1/);
    expect(await sends('only@a.test')).toMatch(/^250/);
  }
});

test('guesses at one account by its several names are counted together, and no more are asked of the directory', async () => {
  const directory = await scriptedDirectory([JOSE]);
  await start([directory.port], ['limits: { login_delay: 10ms, login_failures: 2 }']);
  expect((await login('josé', 'wrong'))[1]).toMatch(/^535/);
  expect((await login('jose', 'wrong'))[1]).toMatch(/^535/);
  const asked = directory.binds.length;
  // Right or wrong, it is not looked at.
  expect((await login('boss@a.test', JOSE.password))[1]).toMatch(/^454 4\.7\.0/);
  expect((await login('jose@a.test', 'wrong'))[1]).toMatch(/^454 4\.7\.0/);
  expect((await login('josé', JOSE.password))[1]).toMatch(/^454 4\.7\.0/);
  expect(directory.binds).toHaveLength(asked);
  expect(
    said.filter((line) => line.startsWith('login.failed')).map((line) => /"user":"[^"]*"/.exec(line)?.[0]),
  ).toEqual(Array(2).fill('"user":"josé"'));
});

test('what was right by another name is met by both, and counted against neither', async () => {
  await start([(await scriptedDirectory([JOSE])).port], ['limits: { login_delay: 10ms, login_failures: 1 }']);
  for (const name of ['jose', 'boss@a.test']) expect((await login(name, JOSE.password))[1]).toMatch(/^235/);
  for (const name of ['jose', 'boss@a.test']) expect((await login(name, 'wrong'))[1]).toMatch(/^535/);
  expect((await login('josé', JOSE.password))[1]).toMatch(/^235/);
});

test('an entry of several names is no user, and only whoever knows its password is told so', async () => {
  await start([(await scriptedDirectory([NAMELESS])).port]);
  expect((await login('two', 'wrong'))[1]).toMatch(/^535/);
  expect((await login('two', NAMELESS.password))[1]).toMatch(/^454/);
  expect(said.find((line) => line.startsWith('users.ldap.entry'))).toContain('2 values of uid');
  // One entry is not the directory.
  expect(said.filter((line) => line.startsWith('users.ldap.failed'))).toEqual([]);
});

test('of several addresses the next is asked when one refuses or is silent', async () => {
  const [first, second] = [await scriptedDirectory([JOSE]), await scriptedDirectory([JOSE])];
  await start([1, first.port, second.port]);
  expect((await login('jose', JOSE.password))[1]).toMatch(/^235/);
  expect((await login('jose', 'wrong'))[1]).toMatch(/^535/);
  expect(second.binds).toEqual([]);
  first.mute = true;
  expect((await login('jose', JOSE.password))[1]).toMatch(/^235/);
  expect(second.binds).toEqual([JOSE.dn]);
  second.mute = true;
  expect((await login('jose', JOSE.password))[1]).toMatch(/^454/);
  expect(said.filter((line) => line.startsWith('users.ldap.failed'))).toHaveLength(1);
});

test.each<[string, (socket: Socket) => void]>([
  ['zeros', (socket) => socket.once('data', () => socket.write(Buffer.alloc(2000)))],
  ['text', (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ['text without end', (socket) => socket.once('data', () => flood(socket, 'x'.repeat(65_536)))],
  [
    'a length without end',
    (socket) => socket.once('data', () => flood(socket, '\x30\x84\x7f\xff\xff\xff'.repeat(10_000))),
  ],
  ['nothing, and hangs up', (socket) => socket.once('data', () => socket.destroy())],
])('a directory that answers %s is left for the next, and nothing breaks', async (_, behave) => {
  await start([(await hostileService(behave)).port, (await scriptedDirectory([JOSE])).port]);
  expect((await login('jose', JOSE.password))[1]).toMatch(/^235/);
});
