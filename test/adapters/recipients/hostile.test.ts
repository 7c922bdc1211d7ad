/** Whatever a directory or a database does but answer: it is neither yes nor no, in time, and no process ends of it. */
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ldapClient } from '../../../src/adapters/recipients/ldap.ts';
import { sqlClient } from '../../../src/adapters/recipients/sql.ts';
import type { RecipientClient } from '../../../src/ports/recipients.ts';
import { dribble, flood, hostileService } from '../../support/hostile-service.ts';

const TIMEOUT = 400;
const PASSWORD = 'planted-s3cret';
process.env.POSTERN_TEST_PASSWORD = PASSWORD;
const SPANS = { timeout: TIMEOUT, connections: 2, knownFor: 0, unknownFor: 0, lastKnown: 0, onError: 'defer' } as const;
const SECRET = { kind: 'env', name: 'POSTERN_TEST_PASSWORD' } as const;

const BOUND = { bindDn: 'cn=reader', password: SECRET };
const ldapBy = (
  tls: 'none' | 'starttls' | 'implicit',
  port: number,
  who: { readonly bindDn: string; readonly password: typeof SECRET | undefined },
): RecipientClient =>
  ldapClient({
    kind: 'ldap',
    servers: [{ host: '127.0.0.1', port, tls }],
    ...{ caFile: '', base: 'dc=x', list: undefined, filter: '(mail={address})' },
    ...who,
    ...SPANS,
  });
const CLIENTS: { readonly [kind: string]: (port: number) => RecipientClient } = {
  ldap: (port) => ldapBy('none', port, BOUND),
  starttls: (port) => ldapBy('starttls', port, BOUND),
  ldaps: (port) => ldapBy('implicit', port, { bindDn: '', password: undefined }),
  sql: (port) =>
    sqlClient({
      kind: 'sql',
      host: '127.0.0.1',
      port,
      user: 'reader',
      database: 'mail',
      tls: 'none',
      caFile: '',
      query: 'SELECT 1 FROM m WHERE a = $1',
      password: SECRET,
      ...SPANS,
    }),
  'sql over TLS': (port) =>
    sqlClient({
      kind: 'sql',
      host: '127.0.0.1',
      port,
      user: 'reader',
      database: 'mail',
      tls: 'verified',
      caFile: '',
      query: 'SELECT 1 FROM m WHERE a = $1',
      password: SECRET,
      ...SPANS,
    }),
};

async function ask(client: RecipientClient): Promise<string> {
  try {
    const asked = { address: 'alice@store.test', local: 'alice', domain: 'store.test' };
    return await client.ask(asked, AbortSignal.timeout(TIMEOUT));
  } catch (error) {
    return `${(error as { kind?: string }).kind}: ${(error as Error).message}`;
  } finally {
    client.close();
  }
}

/** A message of LDAP (RFC 4511 §4.1.1): number, operation, and what stands in it. */
const message = (no: number, operation: number, body: readonly number[]): Buffer =>
  Buffer.from([0x30, body.length + 5, 2, 1, no, operation, body.length, ...body]);
/** resultCode, matchedDN, diagnosticMessage. */
const result = (code: number): number[] => [0x0a, 1, code, 4, 0, 4, 0];
const BIND_ANSWER = 0x61;
const SEARCH_DONE = 0x65;
const ENTRY = 0x64;

/** A directory that takes every bind, and answers a search so. */
const directory = (search: (no: number, socket: Socket) => void) => (socket: Socket) =>
  socket.on('data', (octets: Buffer) => {
    // The number stands behind the two octets of the sequence and its own two; a longer sequence has no place here.
    const no = octets[4]!;
    if (octets[5] === 0x60) socket.write(message(no, BIND_ANSWER, result(0)));
    else if (octets[5] === 0x63) search(no, socket);
  });

/** A packet of PostgreSQL's protocol, version 3. */
const packet = (type: string, body: Buffer | string): Buffer => {
  const octets = Buffer.from(body);
  const head = Buffer.alloc(5, type);
  head.writeUInt32BE(octets.length + 4, 1);
  return Buffer.concat([head, octets]);
};
const READY = Buffer.concat([packet('R', Buffer.alloc(4)), packet('Z', 'I')]);

/** A database that lets everybody in, and answers a query so. */
const database = (query: (socket: Socket) => void) => (socket: Socket) => {
  socket.once('data', () => {
    socket.write(READY);
    socket.once('data', () => query(socket));
  });
};

describe.each(Object.keys(CLIENTS))('%s', (kind) => {
  const client = CLIENTS[kind]!;
  test.each<[string, (socket: Socket) => void]>([
    ['mute', () => {}],
    ['gone at once', (socket) => socket.destroy()],
    ['closed politely', (socket) => socket.end()],
    ['closed when asked', (socket) => socket.once('data', () => socket.end())],
    ['text', (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['zeros', (socket) => socket.once('data', () => socket.write(Buffer.alloc(2000)))],
    ['ones', (socket) => socket.once('data', () => socket.write(Buffer.alloc(2000, 0xff)))],
    ['text before it is asked', (socket) => socket.write('220 welcome\r\n')],
    ['an octet at a time', (socket) => socket.once('data', () => dribble(socket, 'R'.repeat(5000), 10))],
    ['text without end', (socket) => socket.once('data', () => flood(socket, 'x'.repeat(65_536)))],
    [
      'a length without end',
      (socket) => socket.once('data', () => flood(socket, '\x30\x84\x7f\xff\xff\xff'.repeat(10_000))),
    ],
    ['a short authentication', (socket) => socket.once('data', () => socket.write(packet('R', 'x')))],
    ['a packet of no length', (socket) => socket.once('data', () => socket.write(Buffer.from('R\0\0\0\0Z\0\0\0\0')))],
  ])('a server that is %s', async (_what, behave) => {
    const { port } = await hostileService(behave);
    const said = await ask(client(port));
    expect(said).toMatch(/^(down|unsure): ./);
    expect(said).not.toContain(PASSWORD);
  });

  test('a port where nobody is', async () => {
    expect(await ask(client(1))).toMatch(/^down: .*ECONNREFUSED/);
  });
});

describe('a directory that answers a search', () => {
  test.each<[string, (no: number, socket: Socket) => void, RegExp]>([
    [
      'with an entry',
      (no, socket) =>
        socket.write(
          Buffer.concat([
            message(no, ENTRY, [4, 4, ...Buffer.from('cn=a'), 0x30, 0]),
            message(no, SEARCH_DONE, result(0)),
          ]),
        ),
      /^known$/,
    ],
    ['with none', (no, socket) => socket.write(message(no, SEARCH_DONE, result(0))), /^unknown$/],
    ['that it is busy', (no, socket) => socket.write(message(no, SEARCH_DONE, result(51))), /^down: Busy/],
    ['that its limit is reached', (no, socket) => socket.write(message(no, SEARCH_DONE, result(4))), /^down: /],
    ['that another knows', (no, socket) => socket.write(message(no, SEARCH_DONE, result(10))), /^down: /],
    ['that the value is none for it', (no, socket) => socket.write(message(no, SEARCH_DONE, result(21))), /^unsure: /],
    ['with another number', (no, socket) => socket.write(message(no + 1, SEARCH_DONE, result(0))), /^down: .*in time/],
    ['with an entry and no end', (no, socket) => socket.write(message(no, ENTRY, [4, 0, 0x30, 0])), /^down: .*in time/],
    [
      'with entries without end',
      (no, socket) => flood(socket, message(no, ENTRY, [4, 0, 0x30, 0]).toString('latin1').repeat(1000)),
      /^down: .*without end/,
    ],
    [
      'an octet at a time',
      (no, socket) =>
        dribble(socket, message(no, ENTRY, [4, 100, ...Buffer.alloc(100, 65), 0x30, 0]).toString('latin1'), 10),
      /^down: .*in time/,
    ],
    ['with the answer to a bind', (no, socket) => socket.write(message(no, BIND_ANSWER, result(0))), /^down: /],
    [
      'with half an answer',
      (no, socket) => socket.end(message(no, SEARCH_DONE, result(0)).subarray(0, 8)),
      /^down: .*closed/,
    ],
    ['and hangs up', (_no, socket) => socket.destroy(), /^down: /],
  ])('%s', async (_what, search, said) => {
    const { port } = await hostileService(directory(search));
    expect(await ask(CLIENTS.ldap!(port))).toMatch(said);
  });

  test('on a line that was closed between two questions is asked over another', async () => {
    const sockets: Socket[] = [];
    const service = await hostileService((socket) => {
      sockets.push(socket);
      directory((no, on) => on.write(message(no, SEARCH_DONE, result(0))))(socket);
    });
    const client = CLIENTS.ldap!(service.port);
    const asked = { address: 'a@store.test', local: 'a', domain: 'store.test' };
    for (let n = 0; n < 3; n++) expect(await client.ask(asked, AbortSignal.timeout(TIMEOUT))).toBe('unknown');
    expect(service.met()).toBe(1);
    sockets[0]!.destroy();
    expect(await client.ask(asked, AbortSignal.timeout(TIMEOUT))).toBe('unknown');
    expect(service.met()).toBe(2);
    client.close();
  });
});

describe('a database that answers a query', () => {
  const column = (type: number): Buffer => {
    const octets = Buffer.alloc(2 + 2 + 18);
    octets.writeUInt16BE(1, 0);
    octets.write('a\0', 2);
    octets.writeUInt32BE(type, 2 + 2 + 6);
    return packet('T', octets);
  };
  const value = (text: string): Buffer =>
    packet('D', Buffer.concat([Buffer.from([0, 1, 0, 0, 0, text.length]), Buffer.from(text)]));
  const done = Buffer.concat([packet('C', 'SELECT 1\0'), packet('Z', 'I')]);
  const start = Buffer.concat([packet('1', ''), packet('2', '')]);
  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['with a row', (socket) => socket.write(Buffer.concat([start, column(23), value('1'), done])), /^known$/],
    ['with none', (socket) => socket.write(Buffer.concat([start, column(23), done])), /^unknown$/],
    ['with false', (socket) => socket.write(Buffer.concat([start, column(16), value('f'), done])), /^unknown$/],
    [
      'with an error',
      (socket) => socket.write(Buffer.concat([packet('E', 'SERROR\0C42P01\0Mno such table\0\0'), packet('Z', 'I')])),
      /^down: .*no such table/,
    ],
    [
      'that this value is none for it',
      (socket) => socket.write(Buffer.concat([packet('E', 'SERROR\0C22P02\0Mnot a number\0\0'), packet('Z', 'I')])),
      /^unsure: .*not a number/,
    ],
    [
      'with rows without end',
      (socket) => {
        socket.write(Buffer.concat([start, column(23)]));
        flood(socket, value('1').toString('latin1').repeat(1000));
      },
      /^down: .*without end/,
    ],
    [
      'with a row that is cut',
      (socket) => socket.write(Buffer.concat([start, column(23), packet('D', Buffer.from([0, 9, 0, 0, 0, 9])), done])),
      /^down: /,
    ],
    [
      'with a row and no end',
      (socket) => socket.write(Buffer.concat([start, column(23), value('1')])),
      /^down: .*in time/,
    ],
    ['and hangs up', (socket) => socket.destroy(), /^down: /],
  ])('%s', async (_what, query, said) => {
    const { port } = await hostileService(database(query));
    expect(await ask(CLIENTS.sql!(port))).toMatch(said);
  });
});
