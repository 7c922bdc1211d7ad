/** The whole way out by MX: a client's message goes where DNS says, is tried again where it may lie, and never comes back to us. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import type { Zones } from '../../src/record/scenario.ts';
import { servedZones } from '../support/dns-zones.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { speak } from '../support/speak.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';

const open: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

const portOf = ({ address }: ScriptedHost): number => (address.kind === 'tcp' ? address.port : 0);

async function serve(
  port: number,
  zones: Zones,
  listener = '127.0.0.1:0',
): Promise<{ gateway: Gateway; folder: string }> {
  const dns = await servedZones(zones);
  open.push({ stop: () => dns.close() });
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/plain.yaml'), 'policy: plain\nchecks: {}\nrules: {}\n');
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { out: { address: "${listener}", policy: plain, trusted_networks: [127.0.0.1/32] } }
domains: { ours.test: { route: files, recipients: any } }
routes:
  files: { protocol: maildir, path: mail }
  internet: { mx: true, port: ${port} }
default_route: internet
dns: { servers: ["${dns.server}"], timeout: 1s }
store: { path: store, min_free: 1 MiB }
queue: { retry: [1s] }
`,
  );
  const gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  open.push({ stop: () => gateway.stop() });
  return { gateway, folder };
}

const send = ({ addresses }: Gateway, to: string) =>
  speak(addresses.out!, [
    'EHLO client.test',
    'MAIL FROM:<alice@ours.test>',
    `RCPT TO:<${to}>`,
    'DATA',
    'Subject: out\r\n\r\nBody.\r\n.',
    'QUIT',
  ]);

/** What became of it, once anything but waiting has. */
async function ended(folder: string) {
  const store = await openStore(join(folder, 'store'), { mode: 'visit' });
  try {
    for (;;) {
      const all = await Promise.all((await store.records.search({})).map(({ id }) => store.records.get(id)));
      const end = all
        .flatMap((one) => one?.events ?? [])
        .find(({ kind }) => kind === 'delivered' || kind === 'bounced');
      if (end !== undefined) return end;
      await new Promise((again) => setTimeout(again, 20));
    }
  } finally {
    await store.close();
  }
}

test('a message whose line broke after the dot goes to the same exchange again, though a better one is there by then', async () => {
  let heard = 0;
  const second = await ScriptedHost.start(
    { dot: () => (heard++ === 0 ? 'drop' : '250 2.0.0 taken') },
    { host: '127.0.0.3', port: 0 },
  );
  open.push(second);
  const served = await serve(portOf(second), {
    'away.test': [{ MX: [10, 'first.test'] }, { MX: [20, 'second.test'] }],
    'first.test': [{ A: '127.0.0.2' }],
    'second.test': [{ A: '127.0.0.3' }],
  });
  expect(await send(served.gateway, 'bob@away.test')).toMatch(/^250 /);
  while (heard === 0) await new Promise((again) => setImmediate(again));
  const first = await ScriptedHost.start({}, { host: '127.0.0.2', port: portOf(second) });
  open.push(first);
  expect(await ended(served.folder)).toMatchObject({
    kind: 'delivered',
    by: `second.test[127.0.0.3]:${portOf(second)}`,
  });
  expect([first.connections, second.messages.length]).toEqual([0, 2]);
});

test('mail whose best exchange is one of our own listeners bounces, and is not sent round', async () => {
  const probe = await ScriptedHost.start();
  const port = portOf(probe);
  await probe.stop();
  const served = await serve(
    port,
    {
      'away.test': [{ MX: [10, 'us.test'] }, { MX: [20, 'other.test'] }],
      'us.test': [{ A: '127.0.0.1' }],
      'other.test': [{ A: '127.0.0.9' }],
    },
    `127.0.0.1:${port}`,
  );
  expect(await send(served.gateway, 'bob@away.test')).toMatch(/^250 /);
  expect(await ended(served.folder)).toMatchObject({
    kind: 'bounced',
    by: '',
    text: '554 5.4.6 mail for away.test leads back to this gateway',
  });
});
