/** Questions to one DNS server by UDP, over a few connected sockets on random ports. */

import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import type { Millis } from '../../mail/time.ts';
import { answers, type Query } from './query.ts';
import type { DnsServer } from './server.ts';

/**
 * A fresh socket a question would give every question a port of its own (RFC 5452 §9.2), and cost more than the question.
 * So questions are spread over a few sockets, each connected (the kernel drops what comes from elsewhere and tells of a closed
 * port), each with a port the kernel drew, and each replaced after a while: a guess must hit id, port and moment.
 */
const SOCKETS = 8;
const QUESTIONS_A_SOCKET = 256;

export type Received =
  | { readonly kind: 'message'; readonly message: Buffer }
  | { readonly kind: 'none'; readonly cause: 'timeout' | 'unreachable' | 'cancelled' };

export class UdpServer {
  private readonly channels: Channel[] = [];
  private readonly server: DnsServer;

  constructor(server: DnsServer) {
    this.server = server;
  }

  /** Never rejects. */
  ask(query: Query, wait: Millis, signal: AbortSignal): Promise<Received> {
    if (signal.aborted) return Promise.resolve({ kind: 'none', cause: 'cancelled' });
    return this.channel().ask(query, wait, signal);
  }

  close(): void {
    for (const channel of this.channels.splice(0)) channel.retire('cancelled');
  }

  private channel(): Channel {
    const place = randomInt(SOCKETS);
    const chosen = this.channels[place];
    if (chosen?.usable) return chosen;
    // A channel that is worn out ends by itself when its last question is answered.
    const fresh = new Channel(this.server);
    this.channels[place < this.channels.length ? place : this.channels.length] = fresh;
    return fresh;
  }
}

interface Waiting {
  readonly query: Query;
  readonly settle: (received: Received) => void;
}

class Channel {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, Waiting>();
  private unsent: Buffer[] | undefined = [];
  private left = QUESTIONS_A_SOCKET;
  private closed = false;

  constructor({ host, port, family }: DnsServer) {
    this.socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    // An idle resolver keeps no process alive; a question does, by its timer.
    this.socket.unref();
    this.socket.on('message', (message) => this.receive(message));
    this.socket.on('error', () => this.retire('unreachable'));
    this.socket.connect(port, host, (error?: Error) => {
      if (error) return this.retire('unreachable');
      for (const octets of this.unsent ?? []) this.send(octets);
      this.unsent = undefined;
    });
  }

  get usable(): boolean {
    return !this.closed && this.left > 0;
  }

  ask(query: Query, wait: Millis, signal: AbortSignal): Promise<Received> {
    this.left--;
    let id = randomInt(0x10000);
    while (this.waiting.has(id)) id = randomInt(0x10000);
    query.octets.writeUInt16BE(id, 0);
    return new Promise((resolve) => {
      const settle = (received: Received) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.waiting.delete(id);
        resolve(received);
        if (this.left <= 0 && this.waiting.size === 0) this.retire('cancelled');
      };
      const cancel = () => settle({ kind: 'none', cause: 'cancelled' });
      const timer = setTimeout(() => settle({ kind: 'none', cause: 'timeout' }), wait);
      signal.addEventListener('abort', cancel);
      this.waiting.set(id, { query, settle });
      if (this.unsent === undefined) this.send(query.octets);
      else this.unsent.push(query.octets);
    });
  }

  /** Closes the socket and ends every question on it. */
  retire(cause: 'unreachable' | 'cancelled'): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close();
    for (const { settle } of [...this.waiting.values()]) settle({ kind: 'none', cause });
  }

  private send(octets: Buffer): void {
    if (this.closed) return;
    this.socket.send(octets, (error) => {
      if (error) this.retire('unreachable');
    });
  }

  /** What is no answer to a question we asked is dropped: the true one may still come (RFC 5452 §9.1). */
  private receive(message: Buffer): void {
    const waiting = message.length < 2 ? undefined : this.waiting.get(message.readUInt16BE(0));
    if (waiting !== undefined && answers(message, waiting.query)) waiting.settle({ kind: 'message', message });
  }
}
