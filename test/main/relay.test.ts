/** The whole way: a client's message comes in by SMTP, and leaves by the route of its recipient. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { type Says, ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';
import { openStore } from '../support/store-folder.ts';

let folder = '';
let gateway: Gateway | undefined;
let next: ScriptedHost;
let answers: (connection: number) => Says = () => '250 2.0.0 taken';

beforeEach(async () => {
  answers = () => '250 2.0.0 taken';
  folder = mkdtempSync(join(tmpdir(), 'relay-'));
  next = await ScriptedHost.start({
    RCPT: (command) => {
      if (command.includes('later@')) return '451 4.3.0 later';
      return command.includes('no@') ? '550 5.1.1 nobody' : '250 ok';
    },
    dot: (_, connection) => answers(connection),
  });
  const at = next.address.kind === 'tcp' ? next.address.port : 0;
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/plain.yaml'), 'policy: plain\nchecks: {}\nrules: {}\n');
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
node: mx
postmaster: it@relay.test
listeners:
  mx: { address: "127.0.0.1:0", policy: plain, trusted_networks: [127.0.0.1/32] }
domains:
  relay.test: { route: next, recipients: any }
  files.test: { route: files, recipients: any }
routes:
  next: { hosts: ["127.0.0.1:${at}"], tls: none }
  files: { protocol: maildir, path: mail }
default_route: next
store: { path: store }
queue: { retry: [1s] }
`,
  );
  const quiet = () => {};
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: quiet, warn: quiet, error: quiet } });
});
afterEach(async () => {
  await gateway?.stop();
  await next.stop();
  rmSync(folder, { recursive: true, force: true });
});

const mail = (to: string, text: string) =>
  speak(gateway!.addresses.mx!, [
    'EHLO client.test',
    'MAIL FROM:<alice@sender.test>',
    `RCPT TO:<${to}>`,
    'DATA',
    `${text}\r\n.`,
    'QUIT',
  ]);
const files = () =>
  readdirSync(join(folder, 'mail'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, 'mail', name))
    .filter((name) => statSync(name).isFile());

/** Everything in hand has ended, one way or another, once it has stopped. */
async function stopped(): Promise<void> {
  await gateway!.stop();
  gateway = undefined;
}

describe('the whole way', () => {
  test('to a next hop, octet for octet behind our trace', async () => {
    await mail('bob@relay.test', 'Subject: x\r\n\r\n..dot\r\n');
    await stopped();
    expect(next.messages).toHaveLength(1);
    expect(next.messages[0]).toMatch(/^Received: from client\.test [\s\S]*\r\nSubject: x\r\n\r\n\.\.dot\r\n\r\n$/);
  });

  test('into a maildir', async () => {
    await mail('bob@files.test', 'Subject: x\r\n\r\nBody.');
    await stopped();
    expect(files()).toHaveLength(1);
    expect(readFileSync(files()[0]!, 'utf8')).toMatch(
      /^Return-Path: <alice@sender\.test>\r\nReceived: [\s\S]*\r\nSubject: x\r\n\r\nBody\.\r\n$/,
    );
  });

  test('and back to a trusted sender when the next hop refuses', async () => {
    await mail('no@relay.test', 'Subject: x\r\n\r\nBody.');
    while (next.messages.length === 0) await new Promise((again) => setImmediate(again));
    await stopped();
    expect(next.messages[0]).toMatch(
      /To: <alice@sender\.test>[\s\S]*Final-Recipient: rfc822; no@relay\.test\r\nAction: failed/,
    );
    expect(next.commands.filter((command) => command.startsWith('MAIL'))).toContainEqual(
      expect.stringContaining('MAIL FROM:<>'),
    );
  });
});

describe('an entry whose route a reload takes away', () => {
  test('waits and says so, and is tried again when the route is back', async () => {
    const config = join(folder, 'postern.yaml');
    const before = readFileSync(config, 'utf8');
    await mail('later@relay.test', 'Subject: x\r\n\r\nBody.');
    await expect.poll(() => next.commands.filter((command) => command.includes('later@')).length).toBeGreaterThan(0);
    writeFileSync(config, before.replace(/ {2}next:.*\n/, '').replaceAll(/(route|default_route): next/g, '$1: files'));
    expect(await gateway!.reload()).toEqual([]);

    const store = await openStore(join(folder, 'store'), { mode: 'visit' });
    const waits = async () => (await store.queue.list({})).map(({ route, last }) => `${route}: ${last?.said}`);
    await expect.poll(waits, { timeout: 5000 }).toEqual(['next: there is no route "next" any more']);
    expect(existsSync(join(folder, 'mail'))).toBe(false);

    writeFileSync(config, before.replace('tls: none', 'tls: opportunistic'));
    expect(await gateway!.reload()).toEqual([]);
    await expect.poll(waits, { timeout: 5000 }).toEqual(['next: 451 4.3.0 later']);
    await store.close();
  });
});

describe('told to stop while the next hop has the message', () => {
  test('it waits for the answer, and does not send it again', async () => {
    answers = () => 'hang';
    await mail('bob@relay.test', 'Subject: x\r\n\r\nBody.');
    await expect.poll(() => next.messages.length).toBe(1);
    const done = stopped();
    const door = () =>
      speak(gateway!.addresses.mx!, []).then(
        () => 'open',
        () => 'closed',
      );
    await expect.poll(door).toBe('closed');
    next.say('250 2.0.0 taken');
    await done;
    const store = await openStore(join(folder, 'store'), { mode: 'visit' });
    expect(await store.queue.count({})).toBe(0);
    await store.close();
    expect(next.messages).toHaveLength(1);
  });
});
