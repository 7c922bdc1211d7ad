/** What a message wishes of the TLS on its way (RFC 8689), from the client to the entry that waits. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { Client } from '../support/receiver.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { openStore, temporaryFolder } from '../support/store-folder.ts';
import { upgraded } from '../support/tls.ts';

let gateway: Gateway | undefined;
let next: ScriptedHost | undefined;
afterEach(async () => {
  await gateway?.stop();
  await next?.stop();
});

/** The wish of the entry that a message becomes, sent over TLS with `parameter` and these lines in its header. */
async function wishOf(parameter: string, ...lines: readonly string[]): Promise<string | undefined> {
  const folder = temporaryFolder();
  next = await ScriptedHost.start({ greeting: '421 4.3.2 later' });
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/p.yaml'), 'policy: p\n');
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: mx.gateway.test
listeners: { mx: { address: "127.0.0.1:0", policy: p, tls: opportunistic } }
domains: { ours.test: { route: next, recipients: any } }
routes: { next: { hosts: ["127.0.0.1:${next.address.kind === 'tcp' ? next.address.port : 0}"] } }
store: { path: store }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
  const client = await upgraded(await Client.connect(Number(gateway.addresses.mx!.split(':')[1])));
  await client.ask('EHLO client.test');
  expect(await client.ask(`MAIL FROM:<a@sender.test>${parameter}`)).toMatch(/^250 /);
  await client.ask('RCPT TO:<b@ours.test>');
  await client.ask('DATA');
  expect(await client.ask(`${['Subject: x', ...lines].join('\r\n')}\r\n\r\nx\r\n.`)).toMatch(/^250 /);
  client.socket.destroy();
  await gateway.stop();
  gateway = undefined;
  const store = await openStore(join(folder, 'store'), { mode: 'visit' });
  try {
    const entries = await store.queue.list({});
    expect(entries).toHaveLength(1);
    return entries[0]!.tls;
  } finally {
    await store.close();
  }
}

test.each<[string, string, readonly string[], string | undefined]>([
  ['says nothing', '', [], undefined],
  ['says REQUIRETLS', ' REQUIRETLS', [], 'required'],
  ['says TLS-Required: No', '', ['TLS-Required: No'], 'optional'],
  ['says both, and the client counts', ' REQUIRETLS', ['TLS-Required: No'], 'required'],
  ['says it twice, which is nothing', '', ['TLS-Required: No', 'TLS-Required: No'], undefined],
  ['says another word', '', ['TLS-Required: Yes'], undefined],
])('a message that %s', async (_, parameter, lines, wish) => {
  expect(await wishOf(parameter, ...lines)).toBe(wish);
});
