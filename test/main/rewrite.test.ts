/** Aliases and senders of mail that is sent on, over SMTP: who gets it, in whose name, and how bounces find back. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { type HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';

let folder = '';
let gateway: Gateway | undefined;
let next: ScriptedHost;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rewrite-'));
  mkdirSync(join(folder, 'policies'), { recursive: true });
  writeFileSync(join(folder, 'policies/p.yaml'), 'policy: p\n');
  writeFileSync(join(folder, 'keys'), `${'k'.repeat(40)}\n`);
  chmodSync(join(folder, 'keys'), 0o600);
});
afterEach(async () => {
  await gateway?.stop();
  await next.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function serve({
  trusted = '192.0.2.1',
  script = {} as HostScript,
  recipients = '{ inline: [bob] }',
  many = 1,
} = {}) {
  next = await ScriptedHost.start(script);
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners:
  mx: { address: "127.0.0.1:0", policy: p, trusted_networks: [${trusted}] }
domains:
  ours.test:
    route: next
    recipients: ${recipients}
    aliases:
      inline:
        sales: [bob, carol@elsewhere.test]
        out: carol@elsewhere.test
        many: [${Array.from({ length: many }, (_, n) => `m${n}@elsewhere.test`).join(', ')}]
routes: { next: { hosts: ["127.0.0.1:${next.address.kind === 'tcp' ? next.address.port : 0}"], tls: none } }
default_route: next
srs: { domain: ours.test, keys_file: keys }
limits: { recipients: 100 }
store: { path: store }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
}

const send = (sender: string, to: string, message = 'Subject: x\r\n\r\nBody.', rcpt = '') =>
  speak(gateway!.addresses.mx!, [
    ...['EHLO client.test', `MAIL FROM:<${sender}>`, `RCPT TO:<${to}>${rcpt}`, 'DATA', `${message}\r\n.`, 'QUIT'],
  ]);
const said = (verb: string): string[] =>
  next.commands.filter((one) => one.startsWith(verb)).map((one) => /<([^>]*)>/.exec(one)?.[1] ?? '');
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((again) => setTimeout(again, 5));
}
async function kept() {
  await gateway!.stop();
  gateway = undefined;
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  try {
    return { items: await store.queue.quarantined({}), records: await store.records.search({}) };
  } finally {
    await store.close();
  }
}

test('mail for an alias goes to each member: within as it came, without in our name, and a bounce finds back', async () => {
  await serve();
  expect(await send('alice@sender.test', 'sales@ours.test')).toMatch(/^250 /);
  await until(() => next.messages.length === 2);
  const mails = said('MAIL').toSorted();
  expect(mails).toEqual([
    expect.stringMatching(/^SRS0=[a-z2-7]{8}=..=sender\.test=alice@ours\.test$/),
    'alice@sender.test',
  ]);
  expect(said('RCPT').toSorted()).toEqual(['bob@ours.test', 'carol@elsewhere.test']);

  expect(await send('', mails[0]!)).toMatch(/^250 /);
  await until(() => next.messages.length === 3);
  expect([said('MAIL').at(-1), said('RCPT').at(-1)]).toEqual(['', 'alice@sender.test']);
  const { records } = await kept();
  expect(records.at(-1)!.recipients[0]).toMatchObject({
    address: 'sales@ours.test',
    target: { address: 'bob@ours.test', by: 'builtin:alias' },
    copies: [{ number: 2, address: 'carol@elsewhere.test', kind: 'alias' }],
  });
});

test('an alias counts as all it stands for, and who is behind several gets one message', async () => {
  await serve({ many: 60 });
  const ask = (names: readonly string[], ...more: readonly string[]) =>
    speak(gateway!.addresses.mx!, [
      ...['EHLO client.test', 'MAIL FROM:<ann@stranger.test>', ...names.map((name) => `RCPT TO:<${name}@ours.test>`)],
      ...[...more, 'QUIT'],
    ]);
  expect(await ask(['many', 'sales'])).toMatch(/^250 /);
  expect(await ask(['many', 'many+2'])).toMatch(/^452 4\.5\.3 .*many\+2@ours\.test in another transaction/);
  expect(await ask(['many', 'many+2', 'bob'])).toMatch(/^250 /);
  expect(await ask(['sales', 'sales+2', 'sales+3'], 'DATA', 'Subject: x\r\n\r\nBody.\r\n.')).toMatch(/^250 /);
  await until(() => said('RCPT').filter((one) => one === 'bob@ours.test').length === 3 && next.messages.length > 1);
  await gateway!.stop();
  expect(said('RCPT').filter((one) => one === 'carol@elsewhere.test')).toHaveLength(1);
});

test('a rewritten sender takes bounces alone, and only such as were written here', async () => {
  await serve();
  await send('alice@sender.test', 'out@ours.test');
  await until(() => next.messages.length === 1);
  const [ours = ''] = said('MAIL');
  expect(ours).toMatch(/^SRS0=/);
  const rcpt = (from: string, to: string) =>
    speak(gateway!.addresses.mx!, ['EHLO client.test', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'QUIT']);
  expect(await rcpt('spam@sender.test', ours)).toMatch(/^550 5\.7\.1 .*bounces only/s);
  expect(await rcpt('', ours.replace('alice', 'mallory'))).toMatch(/^550 5\.1\.1 /);
  expect(await rcpt('', ours)).toMatch(/^250 /);
});

test('mail of those who may relay, and of hosted senders, keeps its sender', async () => {
  await serve({ trusted: '127.0.0.1' });
  await send('alice@sender.test', 'out@ours.test');
  await until(() => next.messages.length === 1);
  expect(said('MAIL')).toEqual(['alice@sender.test']);
});

test('who asked to hear of success hears that it was passed on to several', async () => {
  await serve({ trusted: '127.0.0.1' });
  await send('alice@sender.test', 'sales@ours.test', undefined, ' NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;sales@ours.test');
  await until(() => next.messages.length === 2);
  const told = next.messages.find((message) => message.includes('multipart/report'));
  expect(told).toMatch(
    /Original-Recipient: rfc822;sales@ours\.test\r\nFinal-Recipient: rfc822; sales@ours\.test\r\nAction: expanded\r\nStatus: 2\.0\.0/,
  );
  const rcpts = next.commands.filter((one) => /^RCPT.*(?:bob|carol)/.test(one));
  expect(rcpts).toHaveLength(2);
  for (const one of rcpts) expect(one).toMatch(/NOTIFY=FAILURE ORCPT=rfc822;sales@ours\.test$/);
});

// RFC 3461 §6.3: the field names what the sender said, and never what we put in its place.
test('who said no ORCPT hears of none', async () => {
  await serve({ trusted: '127.0.0.1' });
  await send('alice@sender.test', 'sales@ours.test', undefined, ' NOTIFY=SUCCESS,FAILURE');
  await until(() => next.messages.length === 2);
  const told = next.messages.find((message) => message.includes('multipart/report'))!;
  expect(told).toMatch(/Final-Recipient: rfc822; sales@ours\.test\r\nAction: expanded/);
  expect(told).not.toContain('Original-Recipient');
});

test('a copy of mail that is sent on has the null sender: its bounce would tell who else got it', async () => {
  writeFileSync(
    join(folder, 'policies/p.yaml'),
    'policy: p\nrules:\n  data:\n    - { name: also, when: "true", bcc: watcher@elsewhere.test }\n',
  );
  await serve();
  expect(await send('alice@sender.test', 'out@ours.test')).toMatch(/^250 /);
  await until(() => next.messages.length === 2);
  const pairs = said('MAIL').map((from, n) => `${said('RCPT')[n]} from ${from.slice(0, 5)}`);
  expect(pairs.toSorted()).toEqual(['carol@elsewhere.test from SRS0=', 'watcher@elsewhere.test from ']);
});

test('what a member of an alias outside refuses is told to the sender, not to the name it was rewritten to', async () => {
  const script = { RCPT: (line: string) => (line.includes('carol') ? '550 5.1.1 nobody' : '250 2.1.5 ok') };
  await serve({ trusted: '127.0.0.1', script });
  await send('alice@sender.test', 'out@ours.test');
  await until(() => next.messages.length === 1);
  expect(next.messages[0]).toMatch(/To: <alice@sender\.test>/);
});

test('a missing or open file of keys is refused with its place', async () => {
  await serve();
  await gateway!.stop();
  gateway = undefined;
  chmodSync(join(folder, 'keys'), 0o644);
  await expect(startGateway(join(folder, 'postern.yaml'), { log: silentLog })).rejects.toThrow(
    /keys of srs.*others may read/s,
  );
});

const suites = process.env.POSTERN_SUITES;
const BOUNCES = suites === undefined ? '' : join(suites, 'bounces');

/** Sends all reports of that suite to `to`; answers how many were taken. Beside the reports there is ordinary mail, to tell them from. */
async function sendReports(to: string): Promise<number> {
  const files = readdirSync(BOUNCES).filter((name) => name.endsWith('.eml') && !name.startsWith('not-'));
  expect(files).toHaveLength(207);
  let taken = 0;
  for (const name of files) {
    const octets = readFileSync(join(BOUNCES, name), 'latin1').replace(/\r?\n|\r/g, '\r\n');
    const written = /^Return-Path:\s*<([^<>\s]*)>/im.exec(octets)?.[1] ?? 'reporter@sender.test';
    const sender = /^[\w.+=-]+@[\w.-]+$/.test(written) ? written : '';
    const said = await send(sender, to, stuffed(octets));
    // One holds a NUL octet, which no report of a mail system does.
    expect(said, name).toMatch(/^250 |NUL octet/);
    if (said.startsWith('250')) taken++;
  }
  return taken;
}

test.skipIf(suites === undefined)(
  'reports of others are answered by none of ours, though a trusted host sends them',
  async () => {
    const script = { RCPT: () => '550 5.1.1 nobody' };
    await serve({ trusted: '127.0.0.1', script });
    const taken = await sendReports('bob@ours.test');
    await until(() => said('RCPT').length >= taken);
    const { items, records } = await kept();
    const answered = records.filter(({ recipients }) => recipients[0]?.reason === 'builtin:notification');
    expect(answered.map(({ message }) => message?.subject)).toEqual([]);
    expect(items).toHaveLength(taken);
  },
);

test.skipIf(suites === undefined)('reports of others that are sent on leave with the null sender', async () => {
  await serve();
  const taken = await sendReports('out@ours.test');
  await until(() => next.messages.length >= taken);
  expect(said('MAIL').filter((sender) => sender !== '')).toEqual([]);
});
const stuffed = (text: string): string =>
  text
    .replace(/\r\n\./g, '\r\n..')
    .replace(/^\./, '..')
    .replace(/\r\n$/, '');
