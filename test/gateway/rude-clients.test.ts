/** Clients that leave in the middle, or try names without end: one record each, bounded, and the rules over it say it again. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Resolver } from '../../src/ports/resolver.ts';
import { rerun } from '../../src/record/rerun.ts';
import { resolverOver, sound, testGateway } from '../support/gateway.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const current = sound('fixtures/everything/postern.yaml');

async function talk(port: number, commands: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = createConnection(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  socket.write(commands);
  return { socket, text: () => heard };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

async function turns(): Promise<void> {
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
}

test('a client that leaves while its message is being checked leaves one record, whole', async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let asked = false;
  const zones = resolverOver({});
  const slow: Resolver = {
    async resolve(name, type, signal) {
      if (name.startsWith('_dmarc.')) {
        asked = true;
        await gate;
      }
      return zones.resolve(name, type, signal);
    },
  };
  const gateway = await testGateway(current, slow);
  onTestFinished(() => gateway.stop());
  const { socket, text } = await talk(
    gateway.port,
    'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n',
  );
  await until(() => text().includes('354'));
  socket.write('From: a@b.example\r\nSubject: hi\r\n\r\nhello\r\n.\r\n');
  await until(() => asked);
  socket.resetAndDestroy();
  await once(socket, 'close');
  await turns(); // in which the gateway hears of it
  open();
  await until(() => gateway.records.length > 0);
  await turns(); // in which a second record would come
  expect(gateway.records).toHaveLength(1);
  const [record] = gateway.records;
  const again = rerun(record!, current.policies.get('everything')!);
  expect(again.recipients.map(({ verdict, reason }) => ({ verdict, reason }))).toEqual(
    record!.recipients.map(({ verdict, reason }) => ({ verdict, reason })),
  );
  expect(gateway.errors).toEqual([]);
});

test('refused recipients count: beyond the limit of a transaction nothing more is looked up or recorded', async () => {
  const most = 50;
  const { installation } = current;
  const few = { ...current, installation: { ...installation, limits: { ...installation.limits, recipients: most } } };
  const gateway = await testGateway(few, resolverOver({}));
  onTestFinished(() => gateway.stop());
  const names = Array.from({ length: most + 5 }, (_, n) => `RCPT TO:<nobody${n}@example.com>\r\n`).join('');
  const { text } = await talk(gateway.port, `EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n${names}RSET\r\nQUIT\r\n`);
  await until(() => text().includes('\r\n221 '));
  expect(text().match(/^550 5\.1\.1 /gm)).toHaveLength(most);
  expect(text().match(/^452 4\.5\.3 /gm)).toHaveLength(5);
  await until(() => gateway.records.length > 0);
  expect(gateway.records[0]!.recipients).toHaveLength(most);
});

test('postmaster without a domain is always taken', async () => {
  const gateway = await testGateway(current, resolverOver({}));
  onTestFinished(() => gateway.stop());
  const { text } = await talk(gateway.port, 'EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nQUIT\r\n');
  await until(() => text().includes('\r\n221 '));
  expect(text()).toContain('250 2.1.5');
  await until(() => gateway.records.length > 0);
  expect(gateway.records[0]!.recipients[0]!.address).toBe('postmaster@example.com');
});

test('a user is refused a recipient to whom no route leads, before the message and not after it', async () => {
  const gateway = await testGateway(current, resolverOver({}));
  onTestFinished(() => gateway.stop());
  const { text } = await talk(
    gateway.port,
    'XCLIENT ADDR=192.0.2.1 LOGIN=alice\r\nEHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<a@elsewhere.example>\r\nDATA\r\nQUIT\r\n',
  );
  await until(() => text().includes('\r\n503 '));
  expect(text()).toMatch(/\r\n550 5\.7\.1 \(ref \w+\.1\) relaying denied/);
  expect(text()).not.toMatch(/\r\n354 /);
});

test('a rehearsal refuses a client that has no address', async () => {
  const play = rehearsalOf('policy: inbound\nchecks: {}\nrules: {}\n');
  await expect(play({ client_ip: '999.0.2.1', rcpt: ['bob@example.net'] })).rejects.toThrow('client_ip must be');
});

test('the configured number of hops is the one that counts', async () => {
  const installation = `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:2525", policy: inbound } }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
limits: { hops: 2 }
`;
  const play = rehearsalOf('policy: inbound\nchecks: {}\nrules: {}\n', installation);
  const reasonAfter = async (hops: number): Promise<string | undefined> => {
    const raw = `${'Received: from a by b\r\n'.repeat(hops)}From: a@example.org\r\n\r\nhi\r\n`;
    const { record } = await play({ mail_from: 'a@example.org', rcpt: ['b@example.net'], raw });
    return record.recipients[0]?.reason;
  };
  expect([await reasonAfter(2), await reasonAfter(3)]).toEqual(['otherwise', 'builtin:too-many-hops']);
});
