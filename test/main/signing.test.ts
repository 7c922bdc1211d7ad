/** Signing, the whole way: what leaves is signed as it leaves, on record, again after a restart, and no key is told anywhere. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { arc } from '../../src/checks/arc.ts';
import { dkim } from '../../src/checks/dkim.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { runOn } from '../support/check-bench.ts';
import { postern } from '../support/gateway-process.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { ed25519Key, rsaKey, type SigningKey } from '../support/signing.ts';
import { speak } from '../support/speak.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';

let folder = '';
let said: string[] = [];
let gateway: Gateway | undefined;
let next: ScriptedHost;
let keys: { readonly [selector: string]: SigningKey };
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);

const POLICY = `policy: NAME
checks: { data: [{ arc: {} }] }
rules:
  content:
    - { name: tag, when: "recipient.address == 'tag@relay.test'", tag_subject: "[EXT]" }
    - { name: note, when: "recipient.address == 'note@relay.test'", add_header: { name: X-Note, value: "yes" } }
    - { name: hold, when: "recipient.address == 'held@relay.test'", hold: { reason: "look at it" } }
`;

beforeEach(async () => {
  folder = temporaryFolder();
  said = [];
  next = await ScriptedHost.start({
    RCPT: (command) => (command.includes('no@') ? '550 5.1.1 nobody' : '250 ok'),
    dot: () => '250 2.0.0 taken',
  });
  keys = { s1: rsaKey(2048), e1: ed25519Key(), n1: ed25519Key() };
  for (const place of ['policies', 'secrets']) mkdirSync(join(folder, place));
  for (const name of ['inbound', 'outbound'])
    writeFileSync(join(folder, `policies/${name}.yaml`), POLICY.replace('NAME', name));
  for (const [name, { privateKey }] of Object.entries(keys)) put(name, privateKey);
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
node: mx
listeners:
  smarthost: { address: "127.0.0.1:0", policy: outbound, trusted_networks: [127.0.0.1/32] }
  mx: { address: "127.0.0.1:0" }
domains: { relay.test: { route: next, recipients: any } }
routes: { next: { hosts: ["127.0.0.1:${next.address.kind === 'tcp' ? next.address.port : 0}"], tls: none } }
default_route: next
store: { path: store, min_free: 1 MiB }
signing:
  example.com:
    - { selector: s1, key_file: secrets/s1.pem }
    - { selector: e1, key_file: secrets/e1.pem }
  gateway.test: [{ selector: n1, key_file: secrets/n1.pem }]
arc: { seal: { domain: gateway.test } }
`,
  );
  await start();
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await next.stop();
});

async function start(threads = 0): Promise<void> {
  gateway = await startGateway(join(folder, 'postern.yaml'), {
    log: { event: note, warn: note, error: note },
    threads,
  });
}
const put = (name: string, text: string) => writeFileSync(join(folder, `secrets/${name}.pem`), text, { mode: 0o600 });
const mail = (listener: string, ...to: readonly string[]) =>
  speak(gateway!.addresses[listener]!, [
    'EHLO client.test',
    'MAIL FROM:<alice@example.com>',
    ...to.map((one) => `RCPT TO:<${one}@relay.test>`),
    'DATA',
    'From: alice@example.com\r\nSubject: hello\r\n\r\nBody.  \r\n\r\n\r\n.',
    'QUIT',
  ]);
const zones = () =>
  Object.fromEntries(
    Object.entries(keys).map(([name, { record }]) => [
      `${name}._domainkey.${name === 'n1' ? 'gateway.test' : 'example.com'}`,
      [{ TXT: record }],
    ]),
  );
const on = (check: typeof dkim | typeof arc, text: string) =>
  runOn(check as typeof dkim, { zones: zones(), message: Buffer.from(text, 'latin1'), now: Date.now() });
const verified = async (text: string) => {
  const signatures = (await on(dkim, text)).facts.signatures as readonly { selector: string; result: string }[];
  return signatures.map(({ selector, result }) => `${selector} ${result}`);
};
const arrived = async (count: number) => {
  await expect.poll(() => next.messages.length, { timeout: 10_000 }).toBe(count);
  return next.messages;
};
async function stories() {
  await gateway?.stop();
  gateway = undefined;
  const store = await openStore(join(folder, 'store'), { mode: 'visit' });
  const records = await store.records.search({});
  const found = await Promise.all(records.map(({ id }) => store.records.get(id)));
  const entries = await store.queue.list({});
  await store.close();
  return { found: found.map((one) => one!), entries };
}
const BOTH = ['s1 pass', 'e1 pass'];

test('an automatic answer of ours is signed too, though nobody is told what becomes of it', async () => {
  await speak(gateway!.addresses.smarthost!, [
    ...['EHLO client.test', 'MAIL FROM:<alice@example.com>', 'RCPT TO:<bob@relay.test>', 'DATA'],
    'From: alice@example.com\r\nSubject: away\r\nAuto-Submitted: auto-replied\r\n\r\nBody.\r\n.',
    'QUIT',
  ]);
  while (next.messages.length === 0) await new Promise((again) => setTimeout(again, 5));
  expect(next.messages[0]).toMatch(/^DKIM-Signature:[\s\S]*s=(?:s1|e1)/m);
});

test('each variant is signed as it leaves, after the edits, and its record says by whom', async () => {
  await mail('smarthost', 'bob', 'carl', 'tag', 'note');
  const messages = await arrived(3); // bob and carl get the same octets in one transaction
  for (const text of messages) {
    expect(await verified(text)).toEqual(BOTH);
    expect(text).toMatch(/^DKIM-Signature: [\s\S]*\r\nDKIM-Signature: [\s\S]*\r\nReceived: /);
  }
  expect(messages.filter((text) => /^Subject: \[EXT\] hello\r$/m.test(text))).toHaveLength(1);
  const { found } = await stories();
  const events = found[0]!.events.filter(({ kind }) => kind === 'signed');
  expect(events.map(({ recipient }) => recipient).sort()).toEqual([1, 2, 3, 4]);
  expect(new Set(events.map(({ text }) => text))).toEqual(
    new Set(['example.com by s1 (rsa-sha256), e1 (ed25519-sha256)']),
  );
});

test('session threads sign too, each with keys of its own', async () => {
  await gateway!.stop();
  await start(1);
  await mail('smarthost', 'bob');
  expect(await verified((await arrived(1))[0]!)).toEqual(BOTH);
});

test('mail from outside is never signed with our keys, and sealed where the configuration wants it', async () => {
  await mail('mx', 'bob');
  const [text] = await arrived(1);
  expect(text).not.toContain('DKIM-Signature');
  expect((await on(arc, text!)).facts).toMatchObject({ result: 'pass', sealer: 'gateway.test' });
  expect(text).toMatch(/^ARC-Authentication-Results: i=1; mx\.gateway\.test; arc=none\r$/m);
  const { found } = await stories();
  expect(found[0]!.events.map(({ kind, text: told }) => `${kind} ${told}`)).toContain(
    'sealed gateway.test by n1 (ed25519-sha256), i=1, cv=none',
  );
});

test('what is held is signed when it is taken, and leaves so after a restart and without its keys', async () => {
  await mail('smarthost', 'held');
  const { entries } = await stories();
  expect(entries.map(({ state }) => state.kind)).toEqual(['held']);
  const before = entries[0]!.prefix;
  for (const name of ['s1', 'e1']) put(name, ed25519Key().privateKey);
  await start();
  const { code } = await postern('queue', 'release', entries[0]!.id, '--config', join(folder, 'postern.yaml'));
  expect(code).toBe(0);
  const [text] = await arrived(1);
  expect(text).toContain(before);
  expect(await verified(text!)).toEqual(BOTH);
});

test('our own notifications are signed in the name of our domain', async () => {
  await mail('smarthost', 'no');
  const [text] = await arrived(1);
  expect(text).toContain('From: ');
  expect(await verified(text!)).toEqual(['n1 pass']);
  const { found } = await stories();
  const own = found.find(({ record }) => record.recipients[0]?.reason === 'builtin:notification');
  expect(own!.record.recipients[0]!.notes).toEqual([
    { by: 'signing', text: 'signed: gateway.test by n1 (ed25519-sha256)' },
  ]);
});

test('a key that is replaced signs from then on, a broken one does not take its place', async () => {
  const fresh = ed25519Key();
  put('e1', 'no key at all');
  await expect.poll(() => said.join(), { timeout: 10_000 }).toContain('signing.key.refused');
  await mail('smarthost', 'bob');
  expect(await verified((await arrived(1))[0]!)).toEqual(BOTH);
  put('e1', fresh.privateKey);
  await expect.poll(() => said.join(), { timeout: 10_000 }).toContain('signing.key.replaced');
  await mail('smarthost', 'bob');
  keys = { ...keys, e1: fresh };
  expect(await verified((await arrived(2))[1]!)).toEqual(BOTH);
});

test('a reload brings keys into use and takes them out of it', async () => {
  const config = join(folder, 'postern.yaml');
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('key_file: secrets/s1.pem', 'key_file: secrets/s1.pem, state: retired'));
  expect(await gateway!.reload()).toEqual([]);
  await mail('smarthost', 'bob');
  expect(await verified((await arrived(1))[0]!)).toEqual(['e1 pass']);
  put('s1', rsaKey(1024).privateKey);
  writeFileSync(config, text);
  expect((await gateway!.reload()).map(({ message }) => message)).toEqual(['its RSA key has 1024 bits']);
  await mail('smarthost', 'bob');
  expect(await verified((await arrived(2))[1]!)).toEqual(['e1 pass']);
});

test('nothing of a key stands in a log, a store or an answer', async () => {
  await mail('smarthost', 'bob', 'held');
  await arrived(1);
  put('e1', 'no key at all');
  await expect.poll(() => said.join(), { timeout: 10_000 }).toContain('signing.key.refused');
  const answers: string[] = [];
  const config = ['--config', join(folder, 'postern.yaml')];
  put('e1', keys.e1!.privateKey);
  for (const words of [['check'], ['doctor', '--offline'], ['dkim', 'show'], ['status'], ['log'], ['queue', 'list']]) {
    const { out, err } = await postern(...words, '--json', ...config);
    answers.push(out, err);
  }
  const { found } = await stories();
  const files = readdirSync(join(folder, 'store'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, 'store', name))
    .filter((name) => statSync(name).isFile());
  const everything = [...answers, ...said, JSON.stringify(found), ...files.map((name) => readFileSync(name, 'latin1'))];
  for (const { privateKey } of Object.values(keys))
    for (const line of privateKey.split('\n').slice(1, -2))
      for (const text of everything) expect(text.includes(line)).toBe(false);
});
