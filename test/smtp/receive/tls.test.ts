/** TLS on the wire: what STARTTLS forgets, what `required` refuses, what an implicit listener says first, and handshakes that never end. */
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { ReceiverOptions } from '../../../src/smtp/receive/receiver.ts';
import { Client, receiving, type World } from '../../support/receiver.ts';
import { contextOf, endClients, implicitly, makePair, secured, shown, upgraded } from '../../support/tls.ts';

const one = contextOf(makePair('one.test'));
const two = contextOf(makePair('two.test'));
const offer = (mode: NonNullable<ReceiverOptions['tls']>['mode']) => ({
  mode,
  contextFor: (name: string) => (name === 'two.test' ? two : one),
});
let world: World;
const start = async (mode: Parameters<typeof offer>[0]) => {
  world = await receiving({ tls: offer(mode) });
  return world;
};
afterEach(async () => {
  endClients();
  await world.end();
});

/** Until the server has nothing more to say; what it said. */
async function rest(client: Client): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await client.line(); line !== undefined; line = await client.line()) lines.push(line);
  return lines;
}
const reached = async (count: number, now: () => number): Promise<void> => {
  while (now() < count) await new Promise((resolve) => setImmediate(resolve));
};

describe('STARTTLS', () => {
  test.each([
    ['a command', 'MAIL FROM:<injected@example.net>\r\n'],
    ['half a command', 'MAIL FROM:<injected@exam'],
    ['a whole message', 'EHLO x\r\nMAIL FROM:<injected@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\r\n'],
    ['a thousand commands', 'MAIL FROM:<injected@example.net>\r\n'.repeat(1000)],
  ])('drops %s that came behind it in plain text', async (_, injected) => {
    await start('opportunistic');
    const client = await world.client();
    await client.reply();
    expect(await client.ask('EHLO client.example.net')).toContain('\n250-STARTTLS\n');
    client.send(`STARTTLS\r\n${injected}`);
    expect(await client.reply()).toBe('220 2.0.0 ready to start TLS');
    const secure = await secured(client.socket);
    expect(await secure.ask('MAIL FROM:<a@example.net>')).toBe('503 5.5.1 send EHLO first');
    expect(await secure.ask('EHLO client.example.net')).not.toMatch(/\n250.STARTTLS/);
    expect(await secure.ask('MAIL FROM:<a@example.net>')).toBe('250 2.1.0 OK');
    expect(world.script.calls.join('\n')).not.toContain('injected');
    secure.socket.destroy();
  });

  test('takes what comes in plain text after its reply for a handshake, and closes', async () => {
    await start('opportunistic');
    const client = await world.client();
    await client.reply();
    await client.ask('EHLO client.example.net');
    await client.ask('STARTTLS');
    client.send('MAIL FROM:<injected@example.net>\r\n');
    await rest(client);
    await reached(1, () => world.script.closed);
    expect(world.script.calls.join('\n')).not.toContain('injected');
    expect(world.logged).toContain('smtp.tls.failed');
  });

  test('forgets the transaction and the greeting, and is not offered again', async () => {
    await start('opportunistic');
    const client = await world.client();
    await client.reply();
    await client.ask('EHLO client.example.net');
    await client.ask('MAIL FROM:<before@example.net>');
    await client.ask('STARTTLS');
    const secure = await secured(client.socket);
    expect(await secure.ask('RCPT TO:<b@example.com>')).toBe('503 5.5.1 send MAIL first');
    expect(await secure.ask('STARTTLS')).toBe('503 5.5.1 TLS is active already');
    expect(world.script.calls).toContain('tls TLSv1.3 TLS_AES_128_GCM_SHA256');
  });

  test('offers REQUIRETLS over TLS alone, and tells the session (RFC 8689 §4.1)', async () => {
    world = await receiving({ tls: offer('opportunistic') });
    const plain = await world.client();
    await plain.reply();
    expect(await plain.ask('EHLO client.example.net')).not.toContain('REQUIRETLS');
    expect(await plain.ask('MAIL FROM:<a@example.net> REQUIRETLS')).toMatch(/^555 5\.5\.4 /);
    const secure = await upgraded(await world.client());
    expect(await secure.ask('EHLO client.example.net')).toContain('REQUIRETLS');
    expect(await secure.ask('MAIL FROM:<a@example.net> REQUIRETLS=1')).toMatch(/^501 /);
    expect(await secure.ask('MAIL FROM:<a@example.net> REQUIRETLS')).toBe('250 2.1.0 OK');
    expect(world.script.calls.at(-1)).toContain('requireTls');
    plain.socket.destroy();
    secure.socket.destroy();
  });

  test('carries a large message octet for octet, through a spool that is slow', async () => {
    world = await receiving({ tls: offer('opportunistic'), script: { slowSpool: true } });
    const secure = await upgraded(await world.client());
    await secure.ask('EHLO client.example.net');
    secure.send('MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n');
    for (const code of ['250', '250', '354']) expect(await secure.reply()).toMatch(new RegExp(`^${code}`));
    const text = `Subject: long\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(20_000)}`;
    secure.send(`${text}.\r\n`);
    expect(await secure.reply()).toMatch(/^250 /);
    expect(world.script.messages[0]?.toString('latin1')).toBe(text);
    expect(await secure.ask('QUIT')).toMatch(/^221 /);
  });

  test('where it is not spoken is no command', async () => {
    world = await receiving();
    const client = await world.client();
    await client.reply();
    expect(await client.ask('EHLO client.example.net')).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS')).toBe('502 5.5.1 command not implemented');
  });
});

test('a listener that requires TLS takes nothing before it', async () => {
  await start('required');
  const client = await world.client();
  await client.reply();
  expect(await client.ask('EHLO client.example.net')).toContain('STARTTLS');
  for (const command of ['MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.com>', 'DATA', 'VRFY b'])
    expect(await client.ask(command)).toBe('530 5.7.0 send STARTTLS first');
  expect(await client.ask('NOOP')).toMatch(/^250 /);
  expect(world.script.calls.filter((call) => call.startsWith('mail'))).toEqual([]);
  await client.ask('STARTTLS');
  const secure = await secured(client.socket);
  await secure.ask('EHLO client.example.net');
  expect(await secure.ask('MAIL FROM:<a@example.net>')).toBe('250 2.1.0 OK');
});

describe('implicit TLS', () => {
  test('greets after the handshake, and knows its facts before', async () => {
    await start('implicit');
    const secure = await implicitly(world.port);
    expect(await secure.reply()).toBe('220 mx.example.com ESMTP Postern');
    expect(world.script.calls).toEqual(['reset', 'tls TLSv1.3 TLS_AES_128_GCM_SHA256', 'greet']);
    expect(await secure.ask('EHLO client.example.net')).not.toContain('STARTTLS');
    expect(await secure.ask('MAIL FROM:<a@example.net>')).toBe('250 2.1.0 OK');
    expect(await secure.ask('QUIT')).toMatch(/^221 /);
    expect(await rest(secure)).toEqual([]);
  });

  test('sees who speaks before the greeting', async () => {
    await start('implicit');
    const socket = connect(world.port, '127.0.0.1');
    const client = new Client(socket);
    const secure = await secured(socket, { minVersion: 'TLSv1.3' });
    secure.send('EHLO client.example.net\r\n');
    expect(await secure.reply()).toMatch(/^220 /);
    expect(await secure.reply()).toMatch(/^250-/);
    expect(client.segments).toBe(0);
  });

  test('says nothing to a client that does not speak it', async () => {
    await start('implicit');
    const client = await world.client();
    client.send('EHLO client.example.net\r\nMAIL FROM:<a@example.net>\r\n');
    await rest(client);
    await reached(1, () => world.script.closed);
    expect(world.script.calls).toEqual([]);
  });
});

test.each(['opportunistic', 'implicit'] as const)(
  '%s TLS shows the certificate of the server that is asked for',
  async (mode) => {
    await start(mode);
    const names = [];
    for (const servername of ['two.test', 'one.test', 'stranger.test', ''])
      names.push(
        shown(
          mode === 'implicit'
            ? await implicitly(world.port, { servername })
            : await upgraded(await world.client(), { servername }),
        ),
      );
    expect(names).toEqual(['two.test', 'one.test', 'one.test', 'one.test']);
  },
);

describe('a handshake', () => {
  /** The first octets of a ClientHello that announces more. */
  const HELLO = Buffer.from('16030100c8010000c40303', 'hex');

  test.each([
    ['implicit', ''],
    ['implicit', HELLO],
    ['opportunistic', ''],
    ['opportunistic', HELLO],
  ] as const)('that never ends is closed at its deadline (%s)', async (mode, octets) => {
    await start(mode);
    const client = await world.client();
    if (mode === 'opportunistic') {
      await client.reply();
      await client.ask('EHLO client.example.net');
      await client.ask('STARTTLS');
    }
    client.send(octets);
    const over = rest(client);
    while (world.script.closed === 0) {
      await world.clock.pass(1000);
    }
    await over;
    expect(world.clock.elapsed()).toBeGreaterThanOrEqual(30_000);
    expect(world.receiver.connections).toBe(0);
  });

  test('that is abandoned, whatever it said, hurts nobody', async () => {
    await start('implicit');
    const beside = await implicitly(world.port);
    await beside.reply();
    for (let n = 0; n < 60; n++) {
      const client = await world.client();
      client.send(n % 3 === 0 ? '' : HELLO);
      if (n % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.destroy();
    }
    await reached(1, () => (world.receiver.connections === 1 ? 1 : 0));
    expect(await beside.ask('EHLO client.example.net')).toMatch(/^250-/);
    expect(world.receiver.connections).toBe(1);
    expect(world.logged.filter((name) => name !== 'smtp.tls.failed')).toEqual([]);
  });

  test('that fails a thousand times from one network is told twice: at once, and with the count of the rest', async () => {
    const told: unknown[] = [];
    const event = (name: string, data: unknown) => void (name === 'smtp.tls.failed' && told.push(data));
    world = await receiving({ tls: offer('implicit'), log: { event, warn: () => {}, error: () => {} } });
    for (let n = 0; n < 20; n++) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => world.client()));
      for (const client of clients) client.send('EHLO\r\n');
      await Promise.all(clients.map(rest));
    }
    await reached(1000, () => world.script.closed);
    const why = 'ERR_SSL_WRONG_VERSION_NUMBER';
    expect(told).toEqual([{ client: '127.0.0.1', network: '127.0.0.0/24', why }]);
    await world.clock.pass(61_000);
    expect(told.slice(1)).toEqual([{ client: '127.0.0.1', network: '127.0.0.0/24', why, more: 999 }]);
    // The next minute begins anew.
    const late = await world.client();
    late.send('EHLO\r\n');
    await rest(late);
    await reached(3, () => told.length);
  });

  test('under way does not keep a receiver from closing', async () => {
    await start('implicit');
    const client = await world.client();
    client.send(HELLO);
    await reached(1, () => world.receiver.connections);
    const closed = world.receiver.close(1000);
    await world.clock.pass(1000);
    await closed;
    expect(await rest(client)).toEqual([]);
    expect(world.script.closed).toBe(1);
  });
});

test('a client that renegotiates is not listened to, and nobody else is hurt', async () => {
  await start('implicit');
  const secure = await implicitly(world.port, { maxVersion: 'TLSv1.2' });
  await secure.reply();
  const why = await new Promise((resolve) => {
    secure.socket.once('error', resolve);
    secure.socket.renegotiate({}, resolve);
  });
  expect(String(why)).toMatch(/no.renegotiation/i);
  const other = await implicitly(world.port);
  expect(await other.reply()).toMatch(/^220 /);
});
