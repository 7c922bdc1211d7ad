/** The receiver over real sockets: what it tells the decider, how it waits, and how every session ends. */
import { afterEach, describe, expect, test } from 'vitest';
import { minutes, seconds } from '../../../src/mail/time.ts';
import { type Client, receiving, type World } from '../../support/receiver.ts';

let world: World;
afterEach(async () => {
  world.script.release();
  await world.end();
});

/** Until something is so; the test's own timeout bounds it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
async function greeted(): Promise<Client> {
  const client = await world.client();
  expect(await client.reply()).toBe('220 mx.example.com ESMTP Postern');
  return client;
}

describe('what the decider hears', () => {
  test('a whole session, in order, with parsed parameters', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('EHLO client.example.net');
    await client.ask('MAIL FROM:<@relay.example:A@Example.NET> SIZE=12 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=a+2Bb');
    await client.ask('RCPT TO:<b@example.com> NOTIFY=success,delay ORCPT=rfc822;c+2Bd@example.com');
    await client.ask('DATA');
    client.send('text\r\n.\r\n');
    expect(await client.reply()).toBe('250 2.0.0 queued as 1');
    expect(await client.ask('QUIT')).toBe('221 2.0.0 mx.example.com closing');
    expect(world.script.calls).toEqual([
      'greet',
      'reset',
      'EHLO client.example.net',
      'mail A@example.net {"size":12,"body":"8BITMIME","utf8":true,"ret":"HDRS","envid":"a+b"}',
      'rcpt b@example.com {"notify":["SUCCESS","DELAY"],"orcpt":"rfc822;c+d@example.com"}',
      'data',
      'content',
    ]);
    await until(() => world.script.closed === 1);
  });

  test('the client, as IPv4 also on a dual-stack listener', async () => {
    world = await receiving({ host: '::' });
    const client = await greeted();
    expect(world.script.clients).toEqual([
      { ip: '127.0.0.1', port: client.socket.localPort, name: '', serverIp: '127.0.0.1', serverPort: world.port },
    ]);
  });

  test('the client that an upstream names by XCLIENT, in a session of its own', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask(
      'XCLIENT NAME=Mail.Example.ORG. ADDR=IPV6:2001:DB8:0::1 PORT=4711 LOGIN=alice DESTADDR=192.0.2.25 DESTPORT=25',
    );
    await client.ask('XCLIENT NAME=[UNAVAILABLE] ADDR=::ffff:192.0.2.9 PORT=[TEMPUNAVAIL]');
    expect(world.script.clients.slice(1)).toEqual([
      { ip: '2001:db8::1', port: 4711, name: 'mail.example.org', serverIp: '192.0.2.25', serverPort: 25 },
      { ip: '192.0.2.9', port: 0, name: '', serverIp: '192.0.2.25', serverPort: 25 },
    ]);
    expect(world.script.calls).toEqual(['greet', 'authenticated alice', 'greet', 'greet']);
    expect(world.script.closed).toBe(2);
  });

  test('that a client spoke before the greeting', async () => {
    world = await receiving();
    const client = await world.client();
    client.send('EHLO client.example.net\r\n');
    expect(await client.reply()).toBe('220 mx.example.com ESMTP Postern');
    expect(await client.reply()).toMatch(/^250-mx\.example\.com\n/);
    expect(world.script.calls[0]).toBe('greet early');
  });

  test('the text of what was refused, bounded', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask(`FOO ${'x'.repeat(1000)}`);
    expect(world.script.refusals).toMatchObject([{ reason: 'unknown-command', command: 'other', close: false }]);
    expect(world.script.refusals[0]!.text).toHaveLength(512);
  });
});

describe('content', () => {
  test.each([
    [
      'octets of every value but CR, LF and NUL',
      Buffer.from(
        Array.from({ length: 4096 }, (_, i) => (i % 64 === 63 ? [13, 10] : [1 + (i % 9), 14 + (i % 242)])).flat(),
      ),
    ],
    ['ten megabytes', Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`.repeat(160_000))],
    ['one line of a megabyte', Buffer.from(`${'x'.repeat(1_000_000)}\r\n`)],
  ])('arrives octet for octet: %s', async (_, body) => {
    world = await receiving({ script: { slowSpool: true } });
    const client = await world.client();
    await client.upToData();
    const message = Buffer.concat([
      Buffer.from('Subject: x\r\n\r\n'),
      body,
      Buffer.from(body.at(-1) === 10 ? '' : '\r\n'),
    ]);
    client.send(message);
    client.send('.\r\n');
    expect(await client.reply()).toBe('250 2.0.0 queued as 1');
    expect(world.script.messages[0]!.equals(message)).toBe(true);
  });

  test('a message far over the limit is refused before its end, and the connection with it', async () => {
    world = await receiving({ limits: { messageBytes: 1000, drainBytes: 2000 } });
    const client = await world.client();
    await client.upToData();
    client.send(Buffer.alloc(200_000, 'x'));
    expect(await client.reply()).toBe('552 5.3.4 message too large');
    expect(await client.reply()).toBe(undefined);
    expect(world.script).toMatchObject({ abandoned: 1, closed: 1, messages: [] });
  });

  test('a client that goes on sending after its message was refused is not read for ever, and hears why', async () => {
    world = await receiving({ limits: { messageBytes: 1000, drainBytes: 2000 } });
    const client = await world.client();
    await client.upToData();
    const flood = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    while (sent < 64 && client.socket.write(flood) !== undefined && client.socket.writableLength < 16 * flood.length)
      sent++;
    expect(await client.reply()).toBe('552 5.3.4 message too large');
    expect(await client.reply()).toBe(undefined);
    for (let turn = 0; turn < 3000; turn++) await new Promise((resolve) => setImmediate(resolve));
    // Much of it waits on this side still: nobody reads it there.
    expect(client.socket.writableLength).toBeGreaterThan(4 * flood.length);
  });

  test('a client that leaves in the middle of its message leaves nothing behind', async () => {
    world = await receiving();
    const client = await world.client();
    await client.upToData();
    client.send('Subject: half\r\n');
    client.socket.destroy();
    await until(() => world.script.closed === 1);
    expect(world.script).toMatchObject({ abandoned: 1, messages: [] });
  });

  test.each([
    ['resets the connection', (client: Client) => client.socket.resetAndDestroy()],
    ['closes the connection', (client: Client) => client.socket.destroy()],
  ])('a client that %s while DATA is decided leaves nothing behind', async (_, leave) => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    await client.ask('MAIL FROM:<slowdata@example.net>');
    await client.ask('RCPT TO:<b@example.com>');
    client.send('DATA\r\n');
    await until(() => world.script.calls.includes('data'));
    leave(client);
    // A second connection's round trip shows that the first one's end has come.
    await greeted();
    world.script.release();
    await until(() => world.script.abandoned === 1 && world.script.closed === 1);
  });

  test('octets that come while DATA is decided are a message sent too early', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    await client.ask('MAIL FROM:<slowdata@example.net>');
    await client.ask('RCPT TO:<b@example.com>');
    client.send('DATA\r\n');
    await until(() => world.script.calls.includes('data'));
    client.send('QUIT\r\n.\r\n');
    // A second connection's round trip shows that the first one's octets have come.
    await greeted();
    world.script.release();
    expect(await client.reply()).toMatch(/^503 5\.5\.0 /);
    expect(await client.reply()).toBe(undefined);
    expect(world.script.abandoned).toBe(1);
  });
});

describe('replies', () => {
  test('a pipelined group is answered in one segment', async () => {
    world = await receiving();
    const client = await greeted();
    const before = client.segments;
    client.send(
      `HELO client.example.net\r\nMAIL FROM:<a@example.net>\r\n${'RCPT TO:<b@example.com>\r\n'.repeat(20)}DATA\r\n`,
    );
    for (let i = 0; i < 23; i++) await client.reply();
    expect(client.segments - before).toBe(1);
  });

  test('a slow answer does not keep the ones before it back', async () => {
    world = await receiving();
    const client = await greeted();
    client.send('HELO client.example.net\r\nMAIL FROM:<hang@example.net>\r\n');
    await until(() => world.script.calls.some((call) => call.startsWith('mail')));
    await world.clock.pass(seconds(1));
    expect(await client.reply()).toBe('250 mx.example.com');
    world.script.release();
    expect(await client.reply()).toBe('250 2.1.0 OK');
  });

  test('a client that closes its side still hears every answer', async () => {
    world = await receiving();
    const client = await greeted();
    client.socket.end('HELO client.example.net\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<hang@example.com>\r\nQU');
    await until(() => world.script.calls.some((call) => call.startsWith('rcpt')));
    world.script.release();
    expect([await client.reply(), await client.reply(), await client.reply(), await client.reply()]).toEqual([
      '250 mx.example.com',
      '250 2.1.0 OK',
      '250 2.1.5 OK',
      undefined,
    ]);
    expect(world.script.closed).toBe(1);
  });
});

describe('trouble of ours is 421, never silence', () => {
  test.each([
    ['HELO', (client: Client) => client.ask('HELO throw.example.net')],
    ['MAIL', (client: Client) => client.ask('MAIL FROM:<throw@example.net>')],
    [
      'RCPT',
      async (client: Client) =>
        (await client.ask('MAIL FROM:<a@example.net>')) && client.ask('RCPT TO:<throw@example.com>'),
    ],
    [
      'content',
      async (client: Client) => {
        await client.ask('MAIL FROM:<content-throw@example.net>');
        await client.ask('RCPT TO:<b@example.com>');
        await client.ask('DATA');
        return client.ask('text\r\n.');
      },
    ],
  ])('a hook that throws at %s', async (_, provoke) => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    expect(await provoke(client)).toBe('421 4.3.0 internal trouble, please try again');
    expect(await client.reply()).toBe(undefined);
    expect(world.script.refusals.map(({ reason }) => reason)).toEqual(['internal-error']);
    expect(world.logged).toEqual(['smtp.session.failed']);
    expect(world.script.closed).toBe(1);
  });

  test('a decider that cannot even put a refusal on record', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    await client.ask('MAIL FROM:<badrecord@example.net>');
    expect(await client.ask('FOO')).toBe('421 4.3.0 internal trouble, please try again');
    expect(world.logged).toEqual(['smtp.session.failed', 'smtp.refusal.failed']);
  });

  test('a hook that hangs', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    client.send('MAIL FROM:<hang@example.net>\r\n');
    await until(() => world.script.calls.some((call) => call.startsWith('mail')));
    await world.clock.pass(minutes(4));
    expect(world.script.closed).toBe(0);
    await world.clock.pass(seconds(3));
    expect(await client.reply()).toBe('421 4.3.0 internal trouble, please try again');
    expect(await client.reply()).toBe(undefined);
    expect(world.script.closed).toBe(1);
    expect(world.logged).toEqual(['smtp.session.hangs']);
  });
});

describe('time', () => {
  const silent: readonly [string, string, number, () => Promise<Client>][] = [
    ['before its greeting is answered', 'timeout', 5, () => greeted()],
    [
      'within a command',
      'timeout',
      1,
      async () => {
        const client = await greeted();
        client.send('EHLO cli');
        return client;
      },
    ],
    [
      'within a message',
      'timeout',
      3,
      async () => {
        const client = await world.client();
        await client.upToData();
        client.send('half a li');
        return client;
      },
    ],
  ];
  test.each(silent)('silence %s ends the session: %s after %i minutes', async (_, reason, most, begin) => {
    world = await receiving({ limits: { dataWindow: minutes(10) } });
    const client = await begin();
    await world.clock.pass(minutes(most) - seconds(5));
    expect(world.script.closed).toBe(0);
    // Some ticks go by before the last octets are read.
    await world.clock.pass(minutes(1));
    expect(await client.reply()).toBe('421 4.4.2 timeout, closing');
    expect(await client.reply()).toBe(undefined);
    expect(world.script).toMatchObject({ closed: 1, refusals: [{ reason }] });
  });

  test('a command that comes octet by octet has a minute, however often it stirs', async () => {
    world = await receiving();
    const client = await greeted();
    for (let octet = 0; octet < 15; octet++) {
      client.send('N');
      await world.clock.pass(seconds(5));
    }
    expect(await client.reply()).toBe('421 4.4.2 timeout, closing');
  });

  test('a message that only trickles is given up after its grace', async () => {
    world = await receiving({ limits: { dataRateBytes: 10, dataWindow: minutes(2) } });
    const client = await world.client();
    await client.upToData();
    for (let step = 0; step < 14; step++) {
      client.send('a line\r\n');
      await world.clock.pass(seconds(10));
      if (step < 10) expect(world.script.closed).toBe(0);
    }
    expect(await client.reply()).toBe('421 4.4.2 the message comes too slowly, closing');
    expect(await client.reply()).toBe(undefined);
    expect(world.script).toMatchObject({ abandoned: 1, closed: 1, refusals: [{ reason: 'too-slow' }] });
  });

  test.each([
    ['of a message', 'BDAT 100000\r\n'],
    ['that is refused', 'RSET\r\nBDAT 100000\r\n'],
  ])('a chunk %s that trickles ends the session, as a message does', async (_, opening) => {
    world = await receiving({ limits: { dataRateBytes: 10, dataWindow: minutes(2) } });
    const client = await greeted();
    client.send('EHLO client.example.net\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n');
    for (let n = 0; n < 3; n++) await client.reply();
    client.send(opening);
    if (opening.startsWith('RSET')) await client.reply();
    for (let passed = 0; world.script.closed === 0 && passed < minutes(10); passed += seconds(10)) {
      client.send('x');
      await world.clock.pass(seconds(10));
    }
    expect(await client.reply()).toBe('421 4.4.2 the message comes too slowly, closing');
    expect(world.script.refusals.at(-1)).toMatchObject({ reason: 'too-slow' });
  });

  test('a message of many chunks that only trickles is given up after its grace', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('EHLO client.example.net');
    await client.ask('MAIL FROM:<a@example.net>');
    await client.ask('RCPT TO:<b@example.com>');
    for (let passed = 0; passed < minutes(8) && world.script.closed === 0; passed += seconds(10)) {
      await world.clock.pass(seconds(10));
      client.send('BDAT 1\r\nx');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => world.script.closed === 1);
    expect(world.script.refusals.at(-1)).toMatchObject({ reason: 'too-slow' });
  });

  test('a message whose next chunk does not come is given up as one that comes no further', async () => {
    world = await receiving({ limits: { dataWindow: minutes(10) } });
    const client = await greeted();
    await client.ask('EHLO client.example.net');
    await client.ask('MAIL FROM:<a@example.net>');
    await client.ask('RCPT TO:<b@example.com>');
    client.send('BDAT 1\r\nx');
    await client.reply();
    await world.clock.pass(minutes(4));
    expect(await client.reply()).toBe('421 4.4.2 timeout, closing');
  });

  test('a client that sends on and reads nothing is not listened to once it is behind', async () => {
    world = await receiving({ limits: { greetings: 1_000_000, commands: 1_000_000 } });
    const client = await greeted();
    client.socket.pause();
    const answered = () => world.script.calls.length / 2; // each is a reset and a hook
    let sent = 0;
    // Always some on their way, so that the pipeline has no end; 60 MB of replies if all are answered.
    for (let same = 0, before = 0; sent < 300_000 && same < 2000; before = answered()) {
      if (sent - answered() < 1000) {
        client.send('EHLO x\r\n'.repeat(100));
        sent += 100;
      }
      await new Promise((resolve) => setImmediate(resolve));
      same = answered() === before ? same + 1 : 0;
    }
    expect(sent).toBeLessThan(300_000);
  });

  test('a message that comes just fast enough is taken, however long that lasts', async () => {
    world = await receiving({ limits: { dataRateBytes: 10, dataWindow: minutes(2) } });
    const client = await world.client();
    await client.upToData();
    for (let step = 0; step < 60; step++) {
      client.send(`${'x'.repeat(118)}\r\n`);
      await world.clock.pass(seconds(10));
    }
    expect(await client.ask('.')).toBe('250 2.0.0 queued as 1');
  });

  test('an answer to DATA that does not come within ninety seconds is given up: the client waits two minutes', async () => {
    world = await receiving();
    const client = await greeted();
    await client.ask('HELO client.example.net');
    await client.ask('MAIL FROM:<slowdata@example.net>');
    await client.ask('RCPT TO:<b@example.com>');
    client.send('DATA\r\n');
    await until(() => world.script.calls.includes('data'));
    await world.clock.pass(seconds(85));
    expect(world.script.closed).toBe(0);
    await world.clock.pass(seconds(10));
    expect(await client.reply()).toBe('421 4.3.0 internal trouble, please try again');
  });

  test('a session whose time is over while it is answered begins nothing more', async () => {
    world = await receiving({ limits: { session: minutes(2) } });
    const client = await greeted();
    await client.ask('HELO client.example.net');
    client.send('MAIL FROM:<hang@example.net>\r\nRCPT TO:<b@example.com>\r\n');
    await until(() => world.script.calls.some((call) => call.startsWith('mail')));
    await world.clock.pass(minutes(3));
    world.script.release();
    expect(await client.reply()).toBe('250 2.1.0 OK');
    expect(await client.reply()).toBe('421 4.4.2 session lasted too long, closing');
    expect(world.script.calls.filter((call) => call.startsWith('rcpt'))).toEqual([]);
  });

  test('a client that says NOOP for ever is sent away when the session is over', async () => {
    world = await receiving({ limits: { session: minutes(10) } });
    const client = await greeted();
    for (let i = 0; i < 4; i++) {
      expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
      await world.clock.pass(minutes(2.4));
    }
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    await world.clock.pass(minutes(1));
    expect(await client.reply()).toBe('421 4.4.2 session lasted too long, closing');
  });
});

describe('closing', () => {
  test('a session at rest hears 421, a message in hand is finished first, and no new session begins', async () => {
    world = await receiving();
    const idle = await greeted();
    const busy = await world.client();
    await busy.upToData();
    busy.send('Subject: in hand\r\n');
    await until(() => world.receiver.connections === 2);
    const closed = world.receiver.close(minutes(1));
    expect(await idle.reply()).toBe('421 4.3.2 shutting down, please try again');
    expect(await idle.reply()).toBe(undefined);
    idle.socket.destroy();
    busy.send('\r\n.\r\n');
    expect(await busy.reply()).toBe('250 2.0.0 queued as 1');
    expect(await busy.reply()).toBe('421 4.3.2 shutting down, please try again');
    expect(await busy.reply()).toBe(undefined);
    busy.socket.destroy();
    await closed;
    expect(world.receiver.address).toBe(undefined);
    await expect(world.client()).rejects.toThrow('ECONNREFUSED');
  });

  test('what is not done within the grace is ended', async () => {
    world = await receiving();
    const client = await world.client();
    await client.upToData();
    const closed = world.receiver.close(minutes(1));
    await world.clock.pass(minutes(1) + seconds(1));
    expect(await client.reply()).toBe('421 4.3.2 shutting down, please try again');
    client.socket.destroy();
    await closed;
    expect(world.script).toMatchObject({ abandoned: 1, closed: 1 });
  });

  test('a port that is taken is an error', async () => {
    world = await receiving();
    await expect(receiving({ port: world.port })).rejects.toThrow('EADDRINUSE');
  });
});
