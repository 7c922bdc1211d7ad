/** Clients known by certificate, over real TLS: an authority of one's own, fingerprints, and Microsoft 365 by tenant and domain. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { ed25519Key } from '../support/signing.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';
import { endClients, implicitly, makePair, type SecureClient } from '../support/tls.ts';

const CERTIFICATES = fileURLToPath(new URL('../support/certificates/', import.meta.url));
const pem = (name: string): string => readFileSync(join(CERTIFICATES, name), 'utf8');
const shows = (name: string) => ({ cert: pem(`${name}.pem`), key: pem('host.key') });

let folder = '';
let gateway: Gateway | undefined;
let port = 0;

beforeEach(() => {
  folder = temporaryFolder();
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'policies/outbound.yaml'), 'policy: outbound\nchecks: {}\nrules: {}\n');
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
  writeFileSync(join(folder, 'tls/ours.pem'), pem('authority.pem'));
});
afterEach(async () => {
  endClients();
  await gateway?.stop();
  gateway = undefined;
});

function write(listener: string, more = ''): string {
  const file = join(folder, 'postern.yaml');
  writeFileSync(
    file,
    `hostname: mx.gateway.test
listeners: { relay: { address: "127.0.0.1:0", policy: outbound, tls: implicit, ${listener} } }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
domains: { example.com: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
default_route: files
threads: 0
store: { path: store, min_free: 1 MiB }
${more}`,
  );
  return file;
}

async function start(listener: string): Promise<void> {
  gateway = await startGateway(write(listener), { log: silentLog });
  port = Number(gateway.addresses.relay!.split(':')[1]);
}

async function client(certificate?: string): Promise<SecureClient> {
  const one = await implicitly(port, certificate === undefined ? {} : shows(certificate));
  await one.reply();
  await one.ask('EHLO client.test');
  return one;
}

/** What RCPT, or the message, was answered. */
async function sends(
  one: SecureClient,
  from: string,
  header = '',
  to = 'ann@friend.example',
  author = 'a@example.com',
): Promise<string> {
  for (const command of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA']) {
    const reply = (await one.ask(command)) ?? 'closed';
    if (!/^[23]/.test(reply)) return reply;
  }
  return (await one.ask(`From: ${author}\r\n${header}Subject: hello\r\n\r\nBody.\r\n.`)) ?? 'closed';
}

test('who shows a certificate of our authority is trusted, by name where names are said', async () => {
  await start('client_certificates: { ca: tls/ours.pem, names: [localhost] }');
  expect(await sends(await client('by-name'), 'a@example.com')).toMatch(/^250 2\.0\.0/);
  for (const other of [undefined, 'other-name', 'self-signed'])
    expect(await sends(await client(other), 'a@example.com')).toMatch(/^550 5\.7\.1 .* relaying denied/);
});

test('who shows a certificate that is named by its fingerprint is trusted, and nobody else of its authority', async () => {
  const { fingerprint256 } = new X509Certificate(pem('self-signed.pem'));
  await start(`client_certificates: { fingerprints: ["${fingerprint256}"] }`);
  expect(await sends(await client('self-signed'), 'a@example.com')).toMatch(/^250 2\.0\.0/);
  for (const other of [undefined, 'by-name', 'other-name'])
    expect(await sends(await client(other), 'a@example.com')).toMatch(/^550 5\.7\.1/);
});

test('a session that is resumed is still its client', async () => {
  await start('client_certificates: { ca: tls/ours.pem }');
  const first = await client('by-name');
  const ticket = first.socket.getSession()!;
  first.socket.destroy();
  const again = await implicitly(port, { ...shows('by-name'), session: ticket });
  await again.reply();
  await again.ask('EHLO client.test');
  expect(again.socket.isSessionReused()).toBe(true);
  expect(await sends(again, 'a@example.com')).toMatch(/^250 2\.0\.0/);
});

test('a provider relays for its tenant from our domains, and for none of its other customers', async () => {
  const id = '2b5d7f9a-1111-2222-3333-444455556666';
  const file = write(
    `relay_for: [{ certificate: localhost, tenants: ["${id}"], domains: [example.com] }, { certificate: localhost, tenants: [contoso.example], domains: [example.com] }]`,
  );
  // The public authorities, and one of ours beside them for this process.
  const running = new GatewayProcess(file, { env: { NODE_EXTRA_CA_CERTS: join(CERTIFICATES, 'authority.pem') } });
  port = await running.port('relay');
  const mark = (value: string): string => `X-MS-Exchange-CrossTenant-Id: ${value}\r\n`;
  const by = (from: string, header: string, certificate = 'by-name', to?: string): Promise<string> =>
    client(certificate === '' ? undefined : certificate).then((one) => sends(one, from, header, to));
  expect(await by('a@example.com', mark(id.toUpperCase()))).toMatch(/^250 2\.0\.0/);
  expect(await by('', mark(id))).toMatch(/^250 2\.0\.0/);
  expect(await by('a@example.com', 'X-OriginatorOrg: contoso.example\r\n')).toMatch(/^250 2\.0\.0/);
  const denied = /^550 5\.7\.1 .*tenant served here/;
  expect(await by('a@example.com', mark('99999999-1111-2222-3333-444455556666'))).toMatch(denied);
  expect(await by('a@example.com', '')).toMatch(denied);
  expect(await by('a@example.com', mark(id) + mark(id))).toMatch(denied);
  expect(await by('a@shop.example', mark(id))).toMatch(/^550 5\.7\.1 .*relaying denied/);
  expect(await by('a@example.com', mark(id), '')).toMatch(/^550 5\.7\.1 .*relaying denied/);
  expect(await by('a@example.com', mark(id), 'other-name')).toMatch(/^550 5\.7\.1 .*relaying denied/);
  // To ourselves anybody may write, through whatever provider.
  expect(
    await by('a@shop.example', mark('99999999-1111-2222-3333-444455556666'), 'by-name', 'bob@example.com'),
  ).toMatch(/^250/);
  running.signal('SIGTERM');
  await running.ended;
});

test('a provider’s customer is signed for as its own domains alone, though we have keys of others', async () => {
  writeFileSync(join(folder, 'k.pem'), ed25519Key().privateKey, { mode: 0o600 });
  const file = write(
    'relay_for: [{ certificate: localhost, tenants: [contoso.example], domains: [example.com] }]',
    `signing:
  example.com: [{ selector: s, key_file: k.pem }]
  shop.example: [{ selector: s, key_file: k.pem }]
`,
  );
  const running = new GatewayProcess(file, { env: { NODE_EXTRA_CA_CERTS: join(CERTIFICATES, 'authority.pem') } });
  port = await running.port('relay');
  for (const author of ['a@example.com', 'boss@shop.example']) {
    const one = await client('by-name');
    const sent = await sends(
      one,
      'a@example.com',
      'X-OriginatorOrg: contoso.example\r\n',
      'ann@friend.example',
      author,
    );
    expect(sent).toMatch(/^250 2\.0\.0/);
  }
  running.signal('SIGTERM');
  await running.ended;
  const store = await openStore(join(folder, 'store'), { mode: 'visit' });
  const told = await Promise.all((await store.records.search({})).map(({ id }) => store.records.get(id)));
  await store.close();
  const stamped = told
    .flatMap((one) => one?.events ?? [])
    .filter(({ kind }) => kind === 'signed' || kind === 'unsigned');
  expect(stamped.map(({ kind, text }) => `${kind}: ${text}`).sort()).toEqual([
    'signed: example.com by s (ed25519-sha256)',
    'unsigned: whoever sent it may not speak for shop.example',
  ]);
});
