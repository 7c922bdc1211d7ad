/** What a store says at RCPT, and what it is taken for. */
import { afterEach, describe, expect, test } from 'vitest';
import { dialSocket } from '../../../src/adapters/net/dial.ts';
import type { HostAddress } from '../../../src/queue/route.ts';
import { calloutClient } from '../../../src/smtp/send/callout.ts';
import { meaningOf } from '../../../src/smtp/send/callout-question.ts';
import { FakeClock } from '../../support/clock.ts';
import { dribble, flood, hostileService } from '../../support/hostile-service.ts';
import { type HostScript, type Says, ScriptedHost } from '../../support/scripted-host.ts';

test.each([
  [250, '2.1.5', 'known'],
  [251, '', 'known'],
  [252, '2.5.2', 'unsure'],
  [550, '5.1.1', 'unknown'],
  [550, '', 'unknown'],
  [551, '', 'unknown'],
  [553, '', 'unknown'],
  [554, '5.1.1', 'unknown'],
  [501, '5.1.3', 'unknown'],
  [550, '5.1.6', 'unknown'],
  [550, '5.1.10', 'unknown'],
  [550, '5.1.0', 'unknown'],
  // About the domain, the sender, the mailbox's state, us, or the system.
  [550, '5.1.2', 'unsure'],
  [550, '5.1.7', 'unsure'],
  [550, '5.1.8', 'unsure'],
  [550, '5.2.1', 'unsure'],
  [552, '5.2.2', 'unsure'],
  [550, '5.4.1', 'unsure'],
  [550, '5.7.1', 'unsure'],
  [554, '', 'unsure'],
  [503, '', 'unsure'],
  [500, '', 'unsure'],
  [552, '', 'unsure'],
  [450, '4.1.1', 'unsure'],
  [451, '', 'unsure'],
  [421, '4.3.2', 'unsure'],
  [354, '', 'unsure'],
] as const)('RCPT that is answered %i %s says: %s', (code, enhanced, said) => {
  expect(meaningOf({ code, enhanced, text: '' })).toBe(said);
});

describe('a store', () => {
  const hosts: ScriptedHost[] = [];
  const clock = new FakeClock();
  afterEach(() => Promise.all(hosts.splice(0).map((host) => host.stop())));

  const start = async (script: HostScript) => {
    const host = await ScriptedHost.start(script);
    hosts.push(host);
    return host;
  };
  const client = (
    addresses: readonly HostAddress[],
    more: { probeRandom?: boolean; timeout?: number; protocol?: 'lmtp' } = {},
  ) =>
    calloutClient({
      hosts: addresses,
      protocol: 'smtp',
      tls: 'none',
      probeRandom: true,
      timeout: 2000,
      hostname: 'mx.gateway.test',
      dial: dialSocket,
      identityOf: () => undefined,
      clock,
      nobody: () => 'qwxz',
      ...more,
    });
  const ask = async (one: ReturnType<typeof client>, local = 'alice', timeout = 2000): Promise<string> => {
    try {
      const asked = { address: `${local}@store.test`, local, domain: 'store.test' };
      return await one.ask(asked, AbortSignal.timeout(timeout));
    } catch (error) {
      return `${(error as { kind?: string }).kind}: ${(error as Error).message}`;
    }
  };
  const alone = (local: string) => (line: string) =>
    line.includes(`<${local}@`) ? '250 2.1.5 ok' : '550 5.1.1 no such user';

  test('is asked from the null sender and sent nothing', async () => {
    const host = await start({ RCPT: alone('alice') });
    expect(await ask(client([host.address]))).toBe('known');
    expect(await ask(client([host.address]), 'bob')).toBe('unknown');
    expect(host.commands.filter((line) => !/^(EHLO|QUIT)/.test(line))).toEqual([
      'MAIL FROM:<>',
      'RCPT TO:<alice@store.test>',
      'RCPT TO:<qwxz@store.test>',
      'MAIL FROM:<>',
      'RCPT TO:<bob@store.test>',
    ]);
  });

  test('is asked for a made-up name once in a while, not with each question', async () => {
    const host = await start({ RCPT: alone('alice') });
    const one = client([host.address]);
    const probes = () => host.commands.filter((line) => line.includes('qwxz')).length;
    for (let n = 0; n < 3; n++) expect(await ask(one)).toBe('known');
    expect(probes()).toBe(1);
    await clock.pass(11 * 60_000);
    expect(await ask(one)).toBe('known');
    expect(probes()).toBe(2);
  });

  test('that takes a made-up name is a catch-all and not believed; its no is', async () => {
    let strict = false;
    const host = await start({
      RCPT: (line) => (line.includes('<bob@') || (strict && line.includes('qwxz')) ? '550 5.1.1 no' : '250 ok'),
    });
    const one = client([host.address]);
    expect(await ask(one)).toMatch(/^catch-all: 127\.0\.0\.1:\d+ takes a made-up name too/);
    expect(await ask(one, 'bob')).toBe('unknown');
    strict = true;
    expect(await ask(one)).toMatch(/^catch-all/);
    await clock.pass(61_000);
    expect(await ask(one)).toBe('known');
    expect(await ask(client([host.address], { probeRandom: false }))).toBe('known');
  });

  test('that puts off the made-up name tells it apart', async () => {
    const host = await start({ RCPT: (line) => (line.includes('alice') ? '250 ok' : '450 4.1.1 later') });
    expect(await ask(client([host.address]))).toBe('known');
  });

  test('by LMTP is greeted so', async () => {
    const host = await start({ lmtp: true, RCPT: alone('alice') });
    expect(await ask(client([host.address], { protocol: 'lmtp' }))).toBe('known');
    expect(host.commands[0]).toBe('LHLO mx.gateway.test');
  });

  test('is asked for a name in quotes as it must be written, and no name breaks out of its command', async () => {
    const host = await start({ RCPT: '550 5.1.1 no' });
    await ask(client([host.address]), 'a> b');
    expect(host.commands).toContain('RCPT TO:<"a> b"@store.test>');
  });

  test.each<[string, HostScript, RegExp]>([
    ['refuses the null sender', { MAIL: '550 5.7.1 who are you' }, /^down: .*refuses MAIL FROM:<>: 550 5\.7\.1/],
    ['puts the null sender off', { MAIL: '451 4.3.0 later' }, /^down: .*refuses MAIL FROM:<>: 451 4\.3\.0/],
    ['does not greet', { greeting: '554 5.3.2 closed' }, /^down: .*554/],
    ['puts off', { RCPT: '451 4.3.0 busy' }, /^unsure: .*451/],
    ['hangs up at RCPT', { RCPT: 'drop' }, /^down: /],
    ['says nothing at RCPT', { RCPT: 'hang' }, /^down: .*(time|within)/],
    ['says nothing at EHLO', { EHLO: 'hang' }, /^down: /],
    ['answers nonsense', { RCPT: 'ok fine' }, /^down: .*no reply of SMTP/],
    ['answers a code that is none', { RCPT: '999 yes' }, /^down: .*no reply of SMTP/],
    ['refuses us, not the name', { RCPT: '550 5.7.1 blocked' }, /^unsure: .*550 5\.7\.1 blocked/],
  ])('that %s has said nothing about the name', async (_what, script, said) => {
    const host = await start(script);
    expect(await ask(client([host.address], { timeout: 400 }), 'alice', 400)).toMatch(said);
  });

  test.each<[string, (socket: import('node:net').Socket) => void]>([
    ['is mute', () => {}],
    ['greets an octet at a time', (socket) => dribble(socket, `220 ${'x'.repeat(500)}\r\n`, 20)],
    ['greets without end', (socket) => flood(socket, '220-more\r\n')],
    ['writes one line without end', (socket) => flood(socket, 'x'.repeat(1000))],
    ['speaks another protocol', (socket) => socket.write(Buffer.from([0x16, 3, 1, 0, 5, 10, 0, 0xff]))],
  ])('that %s is left in time', async (_what, behave) => {
    const { port } = await hostileService(behave);
    const one = client([{ kind: 'tcp', host: '127.0.0.1', port }], { timeout: 400 });
    expect(await ask(one, 'alice', 400)).toMatch(/^down: /);
  });

  test('is asked several questions over one line, each from the beginning', async () => {
    const host = await start({ RCPT: alone('alice') });
    const one = client([host.address]);
    for (const said of ['known', 'known', 'known']) expect(await ask(one)).toBe(said);
    expect(await ask(one, 'bob')).toBe('unknown');
    expect([host.connections, host.commands.filter((line) => line === 'RSET').length]).toEqual([1, 3]);
    // The made-up name has been asked for over the same line, and once.
    expect(host.commands.filter((line) => line.includes('qwxz'))).toHaveLength(1);
    one.close();
    while (!host.commands.includes('QUIT')) await new Promise((again) => setTimeout(again, 5));
  });

  test('that has refused four names over a line is asked over a new one: some hang up after five', async () => {
    const host = await start({ RCPT: '550 5.1.1 no such user' });
    const one = client([host.address]);
    for (let n = 0; n < 9; n++) expect(await ask(one, `nobody${n}`)).toBe('unknown');
    expect(host.connections).toBe(3);
    one.close();
  });

  test('that has answered fifty questions over a line is asked over a new one', async () => {
    const host = await start({});
    const one = client([host.address], { probeRandom: false });
    for (let n = 0; n < 51; n++) expect(await ask(one, `n${n}`)).toBe('known');
    expect(host.connections).toBe(2);
    one.close();
  });

  /** By the connection: the first one answers once, and then as it is told. */
  const later = (first: Says, said: Says) => {
    let asked = 0;
    return (_: string, connection: number): Says => (connection === 1 && asked++ > 0 ? said : first);
  };
  test.each<[string, HostScript]>([
    ['hangs up at RSET', { RSET: 'drop' }],
    ['is mute at RSET', { RSET: 'hang' }],
    ['announces at RSET that it hangs up', { RSET: '421 4.4.2 bye' }],
    ['hangs up at MAIL', { MAIL: later('250 ok', 'drop') }],
    ['refuses a second MAIL', { MAIL: later('250 ok', '452 4.5.3 too many') }],
    ['hangs up at RCPT', { RCPT: later('250 ok', 'drop') }],
    ['announces at RCPT that it hangs up', { RCPT: later('250 ok', '421 4.7.0 too many errors') }],
    ['says more than it was asked', { RCPT: later('250 ok', '250 ok\r\n250 ok') }],
  ])(
    'that %s over a used line has said nothing by it, and is asked once more over a new one',
    async (_what, script) => {
      const host = await start(script);
      const one = client([host.address], { probeRandom: false });
      expect([await ask(one), await ask(one, 'carol')]).toEqual(['known', 'known']);
      expect(host.connections).toBe(2);
      one.close();
    },
  );

  test('that hangs up at the made-up name over a used line is asked both names over a new one', async () => {
    const made = (connection: number): Says => (connection === 1 ? 'drop' : '550 5.1.1 no');
    const host = await start({
      RCPT: (line, connection) => (line.includes('qwxz') ? made(connection) : alone('alice')(line)),
    });
    const one = client([host.address]);
    // A no asks for no made-up name, and leaves the line.
    expect([await ask(one, 'bob'), await ask(one)]).toEqual(['unknown', 'known']);
    expect(host.commands.filter((line) => /^RCPT|^EHLO/.test(line)).map((line) => line.slice(0, 14))).toEqual([
      'EHLO mx.gatewa',
      'RCPT TO:<bob@s',
      'RCPT TO:<alice',
      'RCPT TO:<qwxz@',
      'EHLO mx.gatewa',
      'RCPT TO:<alice',
      'RCPT TO:<qwxz@',
    ]);
    one.close();
  });

  test('that closed the line meanwhile is asked over a new one; one that is gone is down', async () => {
    const host = await start({ RCPT: alone('alice') });
    const one = client([host.address]);
    expect(await ask(one)).toBe('known');
    host.hangUp();
    expect(await ask(one)).toBe('known');
    expect(host.connections).toBe(2);
    await host.stop();
    expect(await ask(one)).toMatch(/^down: /);
    one.close();
  });

  test('is believed for itself alone: what stands beside it is probed too', async () => {
    const first = await start({ RCPT: alone('alice') });
    const second = await start({ RCPT: '250 ok' });
    const one = client([first.address, second.address]);
    expect(await ask(one)).toBe('known');
    await first.stop();
    expect(await ask(one)).toMatch(/^catch-all/);
  });

  test('that hangs up at a made-up name is what it was before', async () => {
    let rude = false;
    const host = await start({ RCPT: (line) => (rude && line.includes('qwxz') ? 'drop' : '250 ok') });
    const one = client([host.address]);
    expect(await ask(one)).toMatch(/^catch-all/);
    rude = true;
    await clock.pass(61_000);
    expect(await ask(one)).toMatch(/^catch-all/);
  });

  test('is one of three, among whom its time does not divide', async () => {
    const host = await start({ RCPT: alone('alice') });
    const one = client([host.address, host.address, host.address], { timeout: 5000 });
    expect(await ask(one)).toBe('known');
    one.close();
  });

  test('that is dead leaves the question to the next', async () => {
    const dead = await start({});
    const { address } = dead;
    await dead.stop();
    const host = await start({ RCPT: alone('alice') });
    expect(await ask(client([address, host.address]))).toBe('known');
    const mute = await hostileService(() => {});
    const one = client([{ kind: 'tcp', host: '127.0.0.1', port: mute.port }, host.address], { timeout: 1600 });
    expect(await ask(one, 'alice', 1600)).toBe('known');
  });
});
