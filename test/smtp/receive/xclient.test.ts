/** What an upstream says of a client, attribute by attribute, in whatever order. */
import { expect, test } from 'vitest';
import { readXclient } from '../../../src/smtp/receive/xclient.ts';

const BEFORE = { ip: '10.0.0.5', port: 4000, name: 'old.example', serverIp: '10.0.0.1', serverPort: 2525 };

test.each<[string, object]>([
  ['ADDR=192.0.2.7', { ip: '192.0.2.7', name: '', port: 0 }],
  ['PORT=4711 ADDR=192.0.2.7', { ip: '192.0.2.7', port: 4711 }],
  ['ADDR=192.0.2.7 PORT=4711', { ip: '192.0.2.7', port: 4711 }],
  ['NAME=new.example ADDR=192.0.2.7', { ip: '192.0.2.7', name: 'new.example' }],
  ['ADDR=192.0.2.7 NAME=new.example.', { ip: '192.0.2.7', name: 'new.example' }],
  ['ADDR=192.0.2.7 NAME=[UNAVAILABLE]', { ip: '192.0.2.7', name: '' }],
  ['addr=192.0.2.7 name=[tempunavail]', { ip: '192.0.2.7', name: '' }],
  ['ADDR=IPV6:2001:DB8::7', { ip: '2001:db8::7' }],
  ['ADDR=IPv6:::ffff:192.0.2.7', { ip: '192.0.2.7' }],
  ['NAME=new.example', { ip: '10.0.0.5', name: 'new.example', port: 4000 }],
  ['PORT=0', { port: 0 }],
  ['PORT=65535', { port: 65_535 }],
  ['PORT=[UNAVAILABLE]', { port: 0 }],
  ['DESTADDR=198.51.100.1 DESTPORT=25', { ip: '10.0.0.5', port: 4000, serverIp: '198.51.100.1', serverPort: 25 }],
  ['DESTPORT=25', { serverIp: '10.0.0.1', serverPort: 25 }],
  ['DESTADDR=IPV6:2001:db8::1', { serverIp: '2001:db8::1', serverPort: 2525 }],
  ['DESTADDR=[UNAVAILABLE]', { serverIp: '10.0.0.1' }],
  ['ADDR=[UNAVAILABLE]', { ip: '10.0.0.5', name: 'old.example', unnamed: true }],
  ['ADDR=[TEMPUNAVAIL] NAME=new.example', { ip: '10.0.0.5', name: 'new.example', unnamed: true }],
])('%s', (argument, client) => {
  expect(readXclient(argument, BEFORE)).toMatchObject({ kind: 'ok', client });
});

test.each([
  'ADDR=',
  'ADDR=192.0.2.7 ADDR=192.0.2.8',
  'ADDR=192.0.2.7 addr=192.0.2.8',
  'ADDR=192.0.2',
  'ADDR=host.example',
  'PORT=65536',
  'PORT=-1',
  'PORT=0x19',
  'PORT=25.0',
  'PORT=',
  'DESTPORT=123456',
  'DESTADDR=',
  'NAME=a+20b',
  'NAME=a+00b',
  'NAME',
  '=x',
])('%s is refused', (argument) => {
  expect(readXclient(argument, BEFORE)).toMatchObject({ kind: 'bad' });
});

test('a client that is named after one that was not is itself again', () => {
  const read = readXclient('ADDR=192.0.2.7', { ...BEFORE, unnamed: true });
  expect(read).toMatchObject({ kind: 'ok' });
  expect(read.kind === 'ok' && 'unnamed' in read.client).toBe(false);
});
