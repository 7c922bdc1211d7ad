/** A directory and a database on loopback that say what a test tells them to: to binds and searches, to a password and a query. */
import type { Socket } from 'node:net';
import { type HostileService, hostileService } from './hostile-service.ts';

/** A result code of LDAP (RFC 4511 §4.1.9) with the words beside it. */
export interface LdapAnswer {
  readonly code: number;
  readonly words: string;
}

/** `binds` answers the first bind of a connection, the second, …, and the last of them whatever follows; a search finds one entry. */
export const talkingDirectory = (binds: readonly LdapAnswer[], search?: LdapAnswer): Promise<HostileService> =>
  hostileService((socket) => {
    let bound = 0;
    socket.on('data', (octets: Buffer) => {
      const { no, operation } = read(octets);
      if (operation === BIND) {
        socket.write(message(no, BIND + 1, result(binds[Math.min(bound, binds.length - 1)]!)));
        bound += 1;
      } else if (operation === SEARCH) {
        if (search === undefined)
          socket.write(message(no, ENTRY, Buffer.concat([tlv(4, 'uid=one,dc=x'), tlv(0x30, '')])));
        socket.write(message(no, SEARCH_DONE, result(search ?? { code: 0, words: '' })));
      }
    });
  });

const BIND = 0x60;
const SEARCH = 0x63;
const ENTRY = 0x64;
const SEARCH_DONE = 0x65;

function tlv(tag: number, body: string | Buffer): Buffer {
  const octets = Buffer.from(body);
  const length = octets.length < 128 ? [octets.length] : [0x82, octets.length >> 8, octets.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), octets]);
}

const result = ({ code, words }: LdapAnswer): Buffer =>
  Buffer.concat([Buffer.from([0x0a, 1, code]), tlv(4, ''), tlv(4, words)]);
const message = (no: number, operation: number, body: Buffer): Buffer =>
  tlv(0x30, Buffer.concat([Buffer.from([2, 1, no]), tlv(operation, body)]));

/** Behind the head of the sequence, whose length may need more octets, stands the number. */
function read(octets: Buffer): { readonly no: number; readonly operation: number } {
  const head = octets[1]! < 128 ? 2 : 2 + (octets[1]! & 0x7f);
  return { no: octets[head + 2]!, operation: octets[head + 3]! };
}

/** Wants the password in the open, and refuses it, or lets it in and refuses every query: with these words. */
export const talkingDatabase = (refuses: 'the password' | 'the query', words: string): Promise<HostileService> =>
  hostileService((socket: Socket) => {
    socket.once('data', () => {
      socket.write(packet('R', Buffer.from([0, 0, 0, 3])));
      socket.once('data', () => {
        if (refuses === 'the password') return void socket.end(refusal(words));
        socket.write(Buffer.concat([packet('R', Buffer.alloc(4)), packet('Z', 'I')]));
        socket.on('data', () => socket.write(Buffer.concat([refusal(words), packet('Z', 'I')])));
      });
    });
  });

/** A packet of PostgreSQL's protocol, version 3. */
function packet(type: string, body: string | Buffer): Buffer {
  const octets = Buffer.from(body);
  const head = Buffer.alloc(5, type);
  head.writeUInt32BE(octets.length + 4, 1);
  return Buffer.concat([head, octets]);
}
const refusal = (words: string): Buffer => packet('E', `SFATAL\0VFATAL\0C28P01\0M${words}\0\0`);
