/** TLS of the whole gateway: facts and trace fields that tell of it, certificates replaced under load, the one of our own making. */
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { silentLog } from '../../src/adapters/system/log.ts';
import { ConfigurationError, type Gateway, startGateway } from '../../src/main/serve.ts';
import { Client } from '../support/receiver.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, type MadePair, makePair, type SecureClient, shown, upgraded } from '../support/tls.ts';

let folder = '';
let said: string[] = [];
let gateway: Gateway | undefined;
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
const events = (name: string): number => said.filter((line) => line.startsWith(`${name} `)).length;
const CERTIFICATES = 'certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]\n';

beforeEach(() => {
  said = [];
  folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  mkdirSync(join(folder, 'tls'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
  install('a', makePair('mx.gateway.test'));
});
afterEach(async () => {
  endClients();
  await gateway?.stop();
  gateway = undefined;
});

/** As careful programs do: written aside, renamed one after the other. */
function install(name: string, { certificate, key }: MadePair): void {
  for (const [file, text] of [
    [`tls/${name}.key`, key],
    [`tls/${name}.pem`, certificate],
  ] as const) {
    writeFileSync(join(folder, `${file}.new`), text, { mode: 0o600 });
    renameSync(join(folder, `${file}.new`), join(folder, file));
  }
}
const write = (certificates: string, listener = '') =>
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners:
  mx: { address: "127.0.0.1:0" }
${listener}domains: { files.test: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
store: { path: store, min_free: 1 MiB }
${certificates}limits: { network_connections: 1000000 } # the load comes from one address
`,
  );
async function start(certificates = CERTIFICATES): Promise<void> {
  write(certificates, certificates === '' ? '' : '  smtps: { address: "127.0.0.1:0", tls: implicit }\n');
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: { event: note, warn: note, error: note } });
}
const port = (listener: string): number => Number(gateway!.addresses[listener]!.split(':')[1]);

async function plain(): Promise<Client> {
  const socket = connect({ port: port('mx'), host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return new Client(socket);
}
const overStartTls = async (): Promise<SecureClient> => upgraded(await plain());
async function overImplicit(): Promise<SecureClient> {
  const client = await implicitly(port('smtps'));
  await client.reply();
  return client;
}

/** One message; the reply to it. */
async function send(client: SecureClient): Promise<string> {
  for (const command of ['EHLO client.test', 'MAIL FROM:<a@sender.test>', 'RCPT TO:<b@files.test>', 'DATA'])
    if (!/^[23]/.test((await client.ask(command)) ?? '')) return `${command} failed`;
  const reply = (await client.ask('Subject: hello\r\n\r\nBody.\r\n.')) ?? 'closed';
  await client.ask('QUIT');
  return reply;
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('the record and the Received field tell of TLS', async () => {
  await start();
  for (const client of [await overStartTls(), await overImplicit()]) expect(await send(client)).toMatch(/^250 2\.0\.0/);
  const delivered = () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /^mail\/.*\/?new\/./.test(name));
  await until(() => delivered().length === 2);
  for (const name of delivered()) {
    const header = readFileSync(join(folder, name), 'latin1').replace(/\s+/g, ' ');
    expect(header).toMatch(
      /Received: from client\.test .* with ESMTPS id \w{13} for <b@files\.test> tls TLS_AES_128_GCM_SHA256 \(TLSv1\.3\); /,
    );
  }
  await gateway!.stop();
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  for (const record of await store.records.search({}))
    expect(record.facts.tls).toEqual({
      active: true,
      version: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      client_verified: false,
      client_name: '',
    });
  await store.close();
});

test('a pair replaced six times under load costs no session, and each one is shown', async () => {
  await start();
  const seen = new Set<string>();
  const wrong: string[] = [];
  const REPLACED = 6;
  let sessions = 0;
  let over = false;
  const worker = async (n: number): Promise<void> => {
    while (!over && sessions < 5000) {
      sessions++;
      try {
        const client = await (n % 2 === 0 ? overStartTls() : overImplicit());
        seen.add(client.socket.getPeerX509Certificate()!.fingerprint256);
        const reply = await send(client);
        if (!reply.startsWith('250 2.0.0')) wrong.push(reply);
        client.socket.destroy();
      } catch (error) {
        wrong.push(String(error));
      }
    }
  };
  const load = Promise.all([0, 1, 2, 3].map(worker));
  await until(() => seen.size > 0); // the first pair, before another stands in its place
  for (let n = 1; n <= REPLACED; n++) {
    const before = seen.size;
    // Every second time half a pair stands there for a while, which is refused.
    if (n % 2 === 0) {
      const refused = events('certificate.refused');
      writeFileSync(join(folder, 'tls/a.key'), makePair('mx.gateway.test').key);
      await until(() => events('certificate.refused') > refused);
    }
    install('a', makePair('mx.gateway.test'));
    await until(() => events('certificate.replaced') >= n && seen.size > before);
  }
  await until(() => sessions >= 300);
  over = true;
  await load;
  expect(wrong).toEqual([]);
  expect(seen.size).toBe(REPLACED + 1);
  expect(events('certificate.refused')).toBe(REPLACED / 2);
}, 60_000);

test('an abandoned handshake leaves one record of a connection, and no trouble', async () => {
  await start();
  const socket = connect({ port: port('smtps'), host: '127.0.0.1' });
  socket.end(Buffer.from('16030100c8010000c40303', 'hex'));
  await once(socket.resume(), 'close');
  await until(() => events('smtp.tls.failed') === 1);
  await gateway!.stop();
  const path = join(folder, 'store');
  const store = await openSqliteStore({ path, mode: 'visit', minFreeBytes: 0, retention: undefined, log: silentLog });
  expect((await store.records.search({})).map(({ recipients }) => recipients)).toEqual([[]]);
  await store.close();
  expect(said.filter((line) => /failed|refused/.test(line))).toEqual([expect.stringContaining('smtp.tls.failed')]);
});

test('a session that is open goes on when its certificate is replaced', async () => {
  await start();
  const before = await overStartTls();
  await before.ask('EHLO client.test');
  install('a', makePair('mx.gateway.test'));
  expect(await gateway!.reload()).toEqual([]);
  const after = await overStartTls();
  expect(after.socket.getPeerX509Certificate()!.fingerprint256).not.toBe(
    before.socket.getPeerX509Certificate()!.fingerprint256,
  );
  expect(await send(before)).toMatch(/^250 2\.0\.0/);
});

test('a reload brings another certificate by its name, and refuses a broken one by its place', async () => {
  await start();
  install('b', makePair('b.test'));
  const listener = '  smtps: { address: "127.0.0.1:0", tls: implicit }\n';
  const more = (names: string) =>
    CERTIFICATES.replace(']\n', `, { names: [${names}], certificate: tls/b.pem, key: tls/b.key }]\n`);
  write(more('b.test'), listener);
  expect(await gateway!.reload()).toEqual([]);
  expect(shown(await upgraded(await plain(), { servername: 'b.test' }))).toBe('b.test');
  write(more('c.test'), listener);
  expect((await gateway!.reload()).map(({ place, message }) => `${place.line} ${message}`)).toEqual([
    '8 the certificate does not speak for "c.test"',
  ]);
  expect(shown(await upgraded(await plain(), { servername: 'b.test' }))).toBe('b.test');
});

test('a key that everybody may read stops it before a port is opened', async () => {
  chmodSync(join(folder, 'tls/a.key'), 0o644);
  await expect(start()).rejects.toThrow(ConfigurationError);
});

test('without a certificate it makes one for mx, and says so', async () => {
  await start('');
  expect(events('certificate.self-signed')).toBe(1);
  const client = await overStartTls();
  expect(shown(client)).toBe('mx.gateway.test');
  expect(await send(client)).toMatch(/^250 2\.0\.0/);
  expect(existsSync(join(folder, 'store/self-signed.pem'))).toBe(true);
});
