/** The PROXY protocol on real sockets: who the client is, what is no header, and that nothing is heard before it is whole. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readProxyHeader } from '../../../src/smtp/receive/proxy-header.ts';
import { receiving, type World } from '../../support/receiver.ts';

let world: World;
afterEach(() => world?.end());

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v2 = (command: string, family: string, body: string): Buffer =>
  Buffer.from(`${SIGNATURE}${command}${family}${(body.length / 2).toString(16).padStart(4, '0')}${body}`, 'hex');
const PORTS = '12670019';
const TCP4 = `c0000207c6336401${PORTS}`;
const TCP6 = `20010db8${'00'.repeat(11)}0120010db8${'00'.repeat(11)}02${PORTS}`;
const TLVS = '03000400000000200008010203040506070800';

const REAL = { ip: '192.0.2.7', port: 4711, name: '', serverIp: '198.51.100.1', serverPort: 25 };
const REAL6 = { ip: '2001:db8::1', port: 4711, name: '', serverIp: '2001:db8::2', serverPort: 25 };
const OWN = { ip: '127.0.0.1', serverIp: '127.0.0.1' };

const HEADERS: readonly (readonly [string, string | Buffer, object])[] = [
  ['TCP4 by version 1', 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\r\n', REAL],
  ['TCP6 by version 1', 'PROXY TCP6 2001:DB8::1 2001:db8::2 4711 25\r\n', REAL6],
  [
    'the longest line there can be',
    `PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`,
    OWN,
  ],
  ['UNKNOWN: the balancer itself', 'PROXY UNKNOWN\r\n', OWN],
  ['TCP4 by version 2', v2('21', '11', TCP4), REAL],
  ['TCP4 by version 2, with what we do not ask for behind it', v2('21', '11', TCP4 + TLVS), REAL],
  ['TCP6 by version 2', v2('21', '21', TCP6), REAL6],
  ['LOCAL: a health check', v2('20', '00', ''), OWN],
  ['LOCAL that names addresses all the same', v2('20', '11', TCP4), OWN],
  ['an unspecified family', v2('21', '00', TLVS), OWN],
  ['a client by a unix socket', v2('21', '31', '00'.repeat(216)), OWN],
];

test.each(HEADERS)('%s, in one segment with EHLO behind it', async (_, header, client) => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const peer = await world.client();
  peer.send(Buffer.concat([Buffer.from(header as string, 'latin1'), Buffer.from('EHLO c.example.net\r\n')]));
  expect(await peer.reply()).toMatch(/^220 /);
  expect(await peer.reply()).toMatch(/^250-mx/);
  expect(world.script.clients).toMatchObject([client]);
  expect(world.script.calls[0]).toBe('greet early');
});

test.each(HEADERS)('%s, octet by octet', async (_, header, client) => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const peer = await world.client();
  await peer.trickle(Buffer.from(header as string, 'latin1').toString('latin1'));
  expect(await peer.reply()).toMatch(/^220 /);
  expect(world.script.clients).toMatchObject([client]);
  expect(world.script.calls).toEqual(['greet']);
});

test.each<[string, string | Buffer]>([
  ['SMTP at once', 'EHLO client.example.net\r\n'],
  ['lower case', 'proxy TCP4 192.0.2.7 198.51.100.1 4711 25\r\n'],
  ['an address that is none', 'PROXY TCP4 192.0.2.700 198.51.100.1 4711 25\r\n'],
  ['an octal address', 'PROXY TCP4 192.0.2.07 198.51.100.1 4711 25\r\n'],
  ['the wrong family', 'PROXY TCP4 2001:db8::1 2001:db8::2 4711 25\r\n'],
  ['a port that is none', 'PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n'],
  ['a port with a zero before it', 'PROXY TCP4 192.0.2.7 198.51.100.1 04711 25\r\n'],
  ['one word too many', 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 25 x\r\n'],
  ['two spaces', 'PROXY TCP4  192.0.2.7 198.51.100.1 4711 25\r\n'],
  ['UDP', 'PROXY UDP4 192.0.2.7 198.51.100.1 4711 25\r\n'],
  ['a line without end', `PROXY UNKNOWN ${'x'.repeat(94)}`],
  ['a bare LF', `PROXY TCP4 192.0.2.7 198.51.100.1 4711 25\n${'x'.repeat(80)}`],
  ['version 3', v2('31', '11', TCP4)],
  ['a command of no meaning', v2('22', '11', TCP4)],
  ['UDP by version 2', v2('21', '12', TCP4)],
  ['too short for its family', v2('21', '11', TCP4.slice(2))],
  ['too long', v2('21', '11', TCP4 + '00'.repeat(4096))],
])('421 to %s', async (_, header) => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const peer = await world.client();
  peer.send(header);
  expect(await peer.reply()).toBe('421 4.3.2 this port is reached through its balancer only, closing');
  expect(await peer.line()).toBeUndefined();
  expect(world.script.refusals).toMatchObject([{ reason: 'proxy-required', close: true }]);
  expect(world.script.calls).toEqual([]);
  expect(world.script.closed).toBe(1);
});

test('421 to a header that does not come in time, and to half of one', async () => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const peers = [await world.client(), await world.client()];
  peers[1]!.send('PROXY TCP4 192.0.2.7 ');
  while (world.clock.sleeping < 3) await new Promise((resolve) => setImmediate(resolve));
  await world.clock.pass(11_000);
  for (const peer of peers) expect(await peer.reply()).toMatch(/^421 4\.3\.2 /);
  expect(world.script.refusals.map(({ text }) => text)).toEqual(Array(2).fill('no PROXY header came in time'));
});

test('a stop does not wait for headers', async () => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const peer = await world.client();
  while (world.clock.sleeping < 2) await new Promise((resolve) => setImmediate(resolve));
  await world.receiver.close(60_000);
  expect(await peer.reply()).toMatch(/^421 /);
});

test('a balancer that leaves before its header is whole is nobody', async () => {
  world = await receiving({ proxyFrom: ['127.0.0.0/8'] });
  const socket = connect(world.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end('PROXY TCP4 192');
  socket.resume();
  await once(socket, 'close');
  expect(world.script.clients).toEqual([]);
});

test('wherever a header is cut, what has come so far is neither taken nor refused', () => {
  for (const [, header] of HEADERS) {
    const octets = Buffer.from(header as string, 'latin1');
    for (let length = 0; length < octets.length; length++)
      expect(readProxyHeader(octets.subarray(0, length))).toEqual({ kind: 'more' });
    expect(readProxyHeader(Buffer.concat([octets, octets]))).toMatchObject({ kind: 'ok', octets: octets.length });
  }
});

test('the greeting waits as long as it is told, and whoever talks meanwhile is an early talker', async () => {
  world = await receiving({ greetWait: 5000 });
  const [patient, hasty, leaving] = [await world.client(), await world.client(), await world.client()];
  while (world.clock.sleeping < 4) await new Promise((resolve) => setImmediate(resolve));
  await world.clock.pass(4000);
  hasty.send('EHLO client.example.net\r\n');
  leaving.socket.resetAndDestroy();
  while (world.receiver.connections > 2) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(world.script.calls).toEqual([]);
  await world.clock.pass(1000);
  expect(await patient.reply()).toMatch(/^220 /);
  expect(await hasty.reply()).toMatch(/^220 /);
  expect(world.script.calls.slice(0, 2).sort()).toEqual(['greet', 'greet early']);
});

test('a listener for strangers that only ever sees private addresses says so once', async () => {
  world = await receiving({ strangers: true });
  const visit = async () => {
    const peer = await world.client();
    await peer.reply();
    peer.socket.destroy();
  };
  for (let n = 0; n < 100; n++) await visit();
  expect(world.logged).toEqual([]);
  await world.clock.pass(600_000);
  await visit();
  await visit();
  expect(world.logged).toEqual(['smtp.clients.all_private']);
});
