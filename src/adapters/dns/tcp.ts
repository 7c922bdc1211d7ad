/** One question to one DNS server by TCP (RFC 7766), for answers too long for UDP. */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import type { Millis } from '../../mail/time.ts';
import { answers, type Query } from './query.ts';
import type { DnsServer } from './server.ts';
import type { Received } from './udp.ts';

/** A connection of its own: long answers are rare, and the resolver is near. Never rejects. */
export function askByTcp(server: DnsServer, query: Query, wait: Millis, signal: AbortSignal): Promise<Received> {
  if (signal.aborted) return Promise.resolve({ kind: 'none', cause: 'cancelled' });
  query.octets.writeUInt16BE(randomInt(0x10000), 0);
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const settle = (result: Received) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      socket.destroy();
      resolve(result);
    };
    const cancel = () => settle({ kind: 'none', cause: 'cancelled' });
    const timer = setTimeout(() => settle({ kind: 'none', cause: 'timeout' }), wait);
    signal.addEventListener('abort', cancel);
    socket.on('error', () => settle({ kind: 'none', cause: 'unreachable' }));
    socket.on('close', () => settle({ kind: 'none', cause: 'unreachable' }));
    socket.on('connect', () => {
      // Length and message in one write (RFC 7766 §8).
      const framed = Buffer.alloc(2 + query.octets.length);
      framed.writeUInt16BE(query.octets.length, 0);
      query.octets.copy(framed, 2);
      socket.write(framed);
    });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      // Two octets of length bound what is kept to 64 KiB.
      const end = 2 + received.readUInt16BE(0);
      if (received.length < end) return;
      const message = received.subarray(2, end);
      settle(answers(message, query) ? { kind: 'message', message } : { kind: 'none', cause: 'unreachable' });
    });
  });
}
