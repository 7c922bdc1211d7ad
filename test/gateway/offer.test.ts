/** What the routes do not take is not offered, and is refused at MAIL, RCPT or the message itself; never by a bounce. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { offerOf } from '../../src/gateway/offer.ts';
import { startGateway } from '../../src/main/serve.ts';
import { quiet, resolverOver, sound, testGateway } from '../support/gateway.ts';
import { Client } from '../support/receiver.ts';
import { rehearsalOf } from '../support/rehearsal.ts';
import { temporaryFolder } from '../support/store-folder.ts';

function installed(listener: string, lines: readonly string[]): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
  const config = join(folder, 'postern.yaml');
  const head = ['hostname: mx.gateway.test', `listeners: { mx: { address: "127.0.0.1:0"${listener} } }`];
  writeFileSync(config, [...head, 'store: { path: store, min_free: 1 MiB }', ...lines, ''].join('\n'));
  return config;
}

const ROUTES = [
  'routes:',
  '  files: { protocol: maildir, path: mail }',
  '  plain: { hosts: ["127.0.0.1:9"], size: 64 KiB }',
  '  wide: { hosts: ["127.0.0.1:9"], smtputf8: true, size: 1 MiB }',
];
const ADDED = 8192;

test.each<[string, string, readonly string[], object]>([
  ['files take everything', '', ['  a.test: files'], { smtpUtf8: true, messageBytes: 52_428_800 }],
  ['a host is not known to', '', ['  a.test: plain'], { smtpUtf8: false, messageBytes: 65_536 - ADDED }],
  ['until somebody says so', '', ['  a.test: wide'], { smtpUtf8: true, messageBytes: 1_048_576 - ADDED }],
  [
    'one that does not is enough',
    '',
    ['  a.test: wide', '  b.test: plain'],
    { smtpUtf8: false, messageBytes: 1_040_384 },
  ],
  [
    'the default route does not count',
    '',
    ['  a.test: files', '  b.test: wide'],
    { smtpUtf8: true, messageBytes: 52_428_800 },
  ],
  ['but for those who may relay', ', trusted_networks: [192.0.2.0/24]', ['  a.test: wide'], { smtpUtf8: false }],
])('%s', (_, listener, domains, offer) => {
  const named = domains.map((line) => line.replace(/: (\w+)$/, ': { route: $1, recipients: any }'));
  const { installation } = sound(installed(listener, ['default_route: plain', 'domains:', ...named, ...ROUTES]));
  expect(offerOf(installation, installation.listeners[0]!)).toMatchObject(offer);
});

const TWO = ['domains:', '  a.test: { route: wide, recipients: any }', '  b.test: { route: plain, recipients: any }'];

test('over a socket: SIZE says the largest, MAIL refuses more, RCPT what the route does not take', async () => {
  const gateway = await startGateway(installed('', [...TWO, ...ROUTES]), { log: quiet });
  onTestFinished(() => gateway.stop());
  const client = await Client.connect(Number(gateway.addresses.mx!.split(':')[1]));
  onTestFinished(() => void client.socket.destroy());
  await client.reply();
  const ehlo = await client.ask('EHLO c.test');
  expect(ehlo).toContain('250-SIZE 1040384\n');
  expect(ehlo).not.toContain('SMTPUTF8');
  expect(await client.ask('MAIL FROM:<s@c.test> SIZE=1040385')).toMatch(/^552 5\.3\.4 /);
  expect(await client.ask('MAIL FROM:<s@c.test> SIZE=1040384')).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<x@a.test>')).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<x@b.test>')).toMatch(/^552 5\.3\.4 .*57344 octets/);
});

test('a message that did not say its size is refused when it has come', async () => {
  const gateway = await testGateway(sound(installed('', [...TWO, ...ROUTES])), resolverOver({}));
  onTestFinished(() => gateway.stop());
  const client = await Client.connect(gateway.port);
  await client.reply();
  await client.ask('EHLO c.test');
  await client.ask('MAIL FROM:<s@c.test>');
  expect(await client.ask('RCPT TO:<x@b.test>')).toMatch(/^250 /);
  const text = `Subject: long\r\n\r\n${'x'.repeat(57_344)}\r\n`;
  client.send(`BDAT ${text.length} LAST\r\n${text}`);
  expect(await client.reply()).toMatch(/^552 5\.3\.4 /);
  expect(gateway.admissions).toEqual([]);
  client.socket.destroy();
});

test('a transaction by SMTPUTF8 is refused at RCPT where the route is not known to take it', async () => {
  const gateway = await testGateway(sound(installed('', [...TWO, ...ROUTES])), resolverOver({}), 'mx', {
    offer: () => ({ smtpUtf8: true, messageBytes: 52_428_800 }),
  });
  onTestFinished(() => gateway.stop());
  const client = await Client.connect(gateway.port);
  await client.reply();
  await client.ask('EHLO c.test');
  expect(await client.ask('MAIL FROM:<s@c.test> SMTPUTF8')).toMatch(/^250 /);
  expect(await client.ask('RCPT TO:<x@b.test>')).toMatch(/^550 5\.6\.7 /);
  expect(await client.ask('RCPT TO:<x@a.test>')).toMatch(/^250 /);
  client.socket.destroy();
});

test('explain takes no larger message than the listener offers to take', async () => {
  const play = rehearsalOf(
    'policy: inbound\nchecks: {}\nrules: {}\n',
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains: { a.test: { route: plain, recipients: any } }
routes: { plain: { hosts: ["127.0.0.1:9"], size: 64 KiB } }
`,
  );
  const raw = `Subject: long\r\n\r\n${'x\r\n'.repeat(20_000)}`;
  const { record } = await play({ mail_from: 's@c.test', rcpt: ['x@a.test'], raw });
  expect(record.replies.at(-1)).toMatchObject({ to: 'content', reply: { code: 552 }, reason: 'too-large' });
});
