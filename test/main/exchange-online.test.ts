/** A route with `preset: exchange-online` against a host that behaves like it: a certificate asked for, throttling, a connector that knows us by name. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { type HostScript, ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { type MadePair, makePair } from '../support/tls.ts';

const CERTIFICATES = join(import.meta.dirname, '../support/certificates');
const pem = (name: string) => readFileSync(join(CERTIFICATES, name), 'utf8');
const known = getCACertificates('default');

let folder = '';
let said: string[] = [];
let gateway: Gateway | undefined;
let tenant: ScriptedHost;
/** By connection: whom the client's certificate named. */
let names: Map<number, string>;

beforeEach(() => {
  setDefaultCACertificates([...known, pem('authority.pem')]);
  folder = temporaryFolder();
  said = [];
  names = new Map();
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await tenant.stop();
  setDefaultCACertificates(known);
});

/** As its connector does with RestrictDomainsToCertificate: who does not show the name has no business here. */
async function startTenant(script: HostScript = {}): Promise<void> {
  tenant = await ScriptedHost.start({
    tls: { key: pem('host.key'), cert: pem('by-name.pem'), requestCert: true, rejectUnauthorized: false },
    secured: (socket: TLSSocket) => void names.set(tenant.connections, socket.getPeerX509Certificate()?.subject ?? ''),
    RCPT: (_, connection) =>
      names.get(connection) === 'CN=mx.gateway.test' ? '250 2.1.5 Recipient OK' : '550 5.7.51 TenantInboundAttribution',
    ...script,
  });
}

/** As careful programs do: written aside, renamed one after the other. */
function install({ certificate, key }: MadePair, mode = 0o600): void {
  for (const [file, text] of [
    ['tls/route.key', key],
    ['tls/route.pem', certificate],
  ] as const) {
    writeFileSync(join(folder, `${file}.new`), text, { mode });
    renameSync(join(folder, `${file}.new`), join(folder, file));
  }
}

const config = () => join(folder, 'postern.yaml');
function write(route: string): void {
  const port = tenant.address.kind === 'tcp' ? tenant.address.port : 0;
  writeFileSync(
    config(),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0" } }
domains: { ours.test: { route: tenant, recipients: any } }
routes: { tenant: { preset: exchange-online, hosts: ["localhost:${port}"], ${route} } }
threads: 0
store: { path: store, min_free: 1 MiB }
`,
  );
}

async function start(): Promise<void> {
  const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
  gateway = await startGateway(config(), { log: { event: note, warn: note, error: note } });
}
const OURS = 'certificate: tls/route.pem, key: tls/route.key';

const WORDS = [
  'EHLO c.test',
  'MAIL FROM:<a@sender.test>',
  'RCPT TO:<b@ours.test>',
  'DATA',
  'Subject: x\r\n\r\nx\r\n.',
  'QUIT',
];
/** Until the tenant has had so many messages. */
async function send(messages: number): Promise<void> {
  expect(await speak(gateway!.addresses.mx!, WORDS)).toMatch(/^250 /);
  await until(() => tenant.messages.length >= messages);
}
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((again) => setTimeout(again, 10));
};
const events = (name: string) => said.filter((line) => line.startsWith(`${name} `));

test('mail goes encrypted to the host that proves its name, and the connector knows us by ours', async () => {
  await startTenant();
  install(makePair('mx.gateway.test'));
  write(OURS);
  await start();
  await send(1);
  expect(tenant.encrypted.filter((line) => line.startsWith('MAIL'))).toHaveLength(1);
  const trace = await postern('log', '--json', '--config', config());
  expect(trace.out).toContain('TLSv1.3, verified');
});

test('a host that proves another name gets nothing', async () => {
  await startTenant({ tls: { key: pem('host.key'), cert: pem('other-name.pem') } });
  install(makePair('mx.gateway.test'));
  write(`${OURS}, retry: [50ms]`);
  await start();
  expect(await speak(gateway!.addresses.mx!, WORDS)).toMatch(/^250 /);
  await until(() => tenant.connections > 1);
  expect(tenant.commands.filter((line) => line.startsWith('MAIL'))).toEqual([]);
});

test('mail that is throttled waits and arrives', async () => {
  let asked = 0;
  await startTenant({
    RCPT: () =>
      asked++ < 2
        ? '451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)'
        : '250 2.1.5 Recipient OK',
  });
  install(makePair('mx.gateway.test'));
  write(`${OURS}, retry: [50ms]`);
  await start();
  await send(1);
  expect(asked).toBe(3);
});

test('a renewed certificate is shown without a reload; a broken pair keeps the one before', async () => {
  await startTenant({ RCPT: '250 2.1.5 Recipient OK' });
  install(makePair('mx.gateway.test'));
  write(OURS);
  await start();
  await send(1);
  install(makePair('renewed.gateway.test'));
  await until(() => events('certificate.replaced').length > 0);
  await send(2);
  expect([...names.values()]).toEqual(['CN=mx.gateway.test', 'CN=renewed.gateway.test']);

  install({ certificate: makePair('broken.gateway.test').certificate, key: makePair('broken.gateway.test').key });
  await until(() => events('certificate.refused').some((line) => line.includes('does not belong')));
  tenant.hangUp();
  await send(3);
  expect([...names.values()].at(-1)).toBe('CN=renewed.gateway.test');
  expect((await gateway!.reload()).map(({ message }) => message)).toEqual([
    'the key does not belong to the certificate',
  ]);
  await send(4);

  // Nor is one used that others may read.
  const open = makePair('open.gateway.test');
  install(open, 0o644);
  expect((await gateway!.reload()).map(({ message }) => message)).toEqual([
    'every user of this machine may read the key',
  ]);
  await send(5);
  expect([...names.values()]).not.toContain('CN=open.gateway.test');
  install(open);
  expect(await gateway!.reload()).toEqual([]);
  await send(6);
  expect([...names.values()].at(-1)).toBe('CN=open.gateway.test');
});

test('a certificate that has expired loads with a warning, and doctor says so of a route as of a listener', async () => {
  await startTenant();
  install(makePair('mx.gateway.test', 'expired'));
  write(OURS);
  await start();
  expect(events('certificate.expired')).toHaveLength(1);
  const check = await postern('check', '--config', config());
  expect([check.code, check.out]).toEqual([0, expect.stringContaining('warning: it expired on ')]);
  const doctor = await postern('doctor', '--offline', '--config', config());
  expect(doctor.out.replace(/\s+/g, ' ')).toContain('route.pem: it expired on ');
});

test('as a service with session threads it shows the same certificate', async () => {
  await startTenant();
  install(makePair('mx.gateway.test'));
  write(OURS);
  writeFileSync(config(), readFileSync(config(), 'utf8').replace('threads: 0', 'threads: 2'));
  const env = { NODE_EXTRA_CA_CERTS: join(CERTIFICATES, 'authority.pem') };
  const running = new GatewayProcess(config(), { env });
  const port = await running.port('mx');
  expect(await speak(`127.0.0.1:${port}`, WORDS)).toMatch(/^250 /);
  await until(() => tenant.messages.length > 0);
  expect([...names.values()]).toEqual(['CN=mx.gateway.test']);
  running.signal('SIGTERM');
  await running.ended;
});
