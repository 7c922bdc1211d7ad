/** One message, two recipients, one of them refused by what its settings say: what each gets and who hears of it, by the listener's `mixed`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { Client } from '../support/receiver.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';

let folder = '';
let gateway: Gateway | undefined;
let next: ScriptedHost;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mixed-'));
  next = await ScriptedHost.start();
  mkdirSync(join(folder, 'policies/customers'), { recursive: true });
});
afterEach(async () => {
  await gateway?.stop();
  await next.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function serve(trusted: string, mixed = 'dsn_if_verified'): Promise<void> {
  writeFileSync(
    join(folder, 'policies/p.yaml'),
    `policy: p
include: [customers/*.yaml]
settings:
  closed: { type: bool, default: false }
rules:
  data:
    - name: nothing-for-no
      when: settings.closed
      reject: { code: 550, enhanced: 5.7.1, text: "not for {recipient.address}" }
`,
  );
  writeFileSync(
    join(folder, 'policies/customers/relay.yaml'),
    'tenant: relay\ndomains: { relay.test: {} }\nrecipients: { no@relay.test: { closed: true } }\n',
  );
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners:
  mx: { address: "127.0.0.1:0", policy: p, mixed: ${mixed}, trusted_networks: [${trusted}] }
domains: { relay.test: { route: next, recipients: any } }
routes: { next: { hosts: ["127.0.0.1:${next.address.kind === 'tcp' ? next.address.port : 0}"], tls: none } }
default_route: next
store: { path: store }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
}

/** What the gateway says to a message for both. */
const send = (sender: string, parameters = '') =>
  speak(gateway!.addresses.mx!, [
    'EHLO client.test',
    `MAIL FROM:<${sender}>`,
    'RCPT TO:<yes@relay.test>',
    `RCPT TO:<no@relay.test>${parameters}`,
    'DATA',
    'Subject: x\r\n\r\nBody.\r\n.',
    'QUIT',
  ]);

async function kept() {
  await gateway!.stop();
  gateway = undefined;
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  try {
    const items = await store.queue.quarantined({});
    const records = await store.records.search({});
    const message = records.find(({ recipients }) => recipients.length === 2)!;
    const events = (await store.records.get(message.id))!.events;
    return { items, outcomes: message.recipients.map(({ outcome }) => outcome), events, records };
  } finally {
    await store.close();
  }
}

test('a trusted sender is told by a notification, and the record says so', async () => {
  await serve('127.0.0.1/32');
  expect(await send('alice@sender.test')).toMatch(/^250 2\.0\.0 queued as /);
  while (next.messages.length < 2) await new Promise((again) => setImmediate(again));
  const told = next.messages.find((message) => message.includes('multipart/report'));
  expect(told).toMatch(/To: <alice@sender\.test>/);
  expect(told).toMatch(
    /Final-Recipient: rfc822; no@relay\.test\r\nAction: failed\r\nStatus: 5\.7\.1\r\nDiagnostic-Code: x-postern; 550 5\.7\.1/,
  );
  expect(told).not.toContain('yes@relay.test\r\nAction');
  const { items, outcomes, events, records } = await kept();
  expect({ items, outcomes }).toEqual({ items: [], outcomes: ['queued', 'bounced'] });
  const notified = events.filter(({ recipient }) => recipient === 2);
  expect(notified.map(({ kind }) => kind)).toEqual(['bounced', 'notified']);
  expect(records.map(({ id }) => id)).toContain(notified[1]!.by);
});

test.each([
  ['a stranger', '192.0.2.0/24', 'alice@sender.test', ''],
  ['nobody, as there is no sender', '127.0.0.1/32', '', ''],
  ['a sender who asked for silence', '127.0.0.1/32', 'alice@sender.test', ' NOTIFY=NEVER'],
])('%s is not told: the copy is kept aside', async (_who, trusted, sender, parameters) => {
  await serve(trusted);
  expect(await send(sender, parameters)).toMatch(/^250 2\.0\.0 queued as /);
  const { items, outcomes, records } = await kept();
  expect(outcomes).toEqual(['queued', 'quarantined']);
  expect(items).toMatchObject([{ class: 'mixed', rule: 'nothing-for-no', entry: { recipient: 'no@relay.test' } }]);
  expect(records).toHaveLength(1);
});

test('with quarantine nobody is told, whoever asks: each has its own outcome', async () => {
  await serve('127.0.0.1/32', 'quarantine');
  expect(await send('alice@sender.test')).toMatch(/^250 2\.0\.0 queued as /);
  while (next.messages.length < 1) await new Promise((again) => setImmediate(again));
  expect(next.commands.filter((one) => one.startsWith('RCPT'))).toEqual([
    expect.stringMatching(/^RCPT TO:<yes@relay\.test>/),
  ]);
  const { items, outcomes, records } = await kept();
  expect(outcomes).toEqual(['queued', 'quarantined']);
  expect(items).toMatchObject([{ class: 'mixed', rule: 'nothing-for-no', entry: { recipient: 'no@relay.test' } }]);
  expect(records).toHaveLength(1);
});

test('with split the second is asked to come alone, and each hears the whole truth', async () => {
  await serve('192.0.2.0/24', 'split');
  const client = await Client.connect(Number(gateway!.addresses.mx!.split(':')[1]));
  await client.reply();
  await client.ask('EHLO client.test');
  await client.ask('MAIL FROM:<alice@sender.test>');
  expect(await client.ask('RCPT TO:<yes@relay.test>')).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<no@relay.test>')).toMatch(/^452 4\.5\.3 /);
  await client.ask('DATA');
  expect(await client.ask('Subject: x\r\n\r\nBody.\r\n.')).toMatch(/^250 /);
  await client.ask('MAIL FROM:<alice@sender.test>');
  expect(await client.ask('RCPT TO:<no@relay.test>')).toMatch(/^250 /);
  await client.ask('DATA');
  expect(await client.ask('Subject: x\r\n\r\nBody.\r\n.')).toMatch(/^550 5\.7\.1 \(ref [^)]*\) not for no@relay\.test/);
  client.socket.destroy();
});
