/** A listener: takes connections for a session's decisions, until it is closed. */
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { type IpRange, parseIp, parseRange, RangeSet } from '../../mail/ip.ts';
import { formatReply } from '../../mail/reply.ts';
import { type Millis, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { Connection } from './connection.ts';
import type { DialogueOptions } from './dialogue.ts';
import type { TlsOffer } from './handshake.ts';
import type { Newline } from './incoming-message.ts';
import { RECEIVE_LIMITS, type ReceiveLimits } from './limits.ts';
import type { ClientInfo, OpenSession } from './session.ts';

export interface ReceiverOptions {
  readonly hostname: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly newline: Newline;
  /** Addresses and CIDR ranges of upstreams whose XCLIENT is believed. */
  readonly xclientFrom: readonly string[];
  /** Offer SMTPUTF8: the routes behind are known to take it. */
  readonly smtpUtf8: boolean;
  /** Offer DSN: senders here are known. */
  readonly dsn: boolean;
  /** None: TLS is not spoken. */
  readonly tls?: TlsOffer | undefined;
  readonly limits?: Partial<ReceiveLimits>;
  readonly open: OpenSession;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Receiver {
  /** Resolves with what it listens on; rejects when the port cannot be had. */
  listen(): Promise<AddressInfo>;
  /** Stops listening, answers 421 to sessions at rest, lets messages in hand finish for `grace`, then ends all. */
  close(grace: Millis): Promise<void>;
  /** Undefined while not listening. */
  readonly address: AddressInfo | undefined;
  /** Open connections. */
  readonly connections: number;
}

export function createReceiver(options: ReceiverOptions): Receiver {
  const server = new Server(options);
  const stopped = new AbortController();
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.server.once('error', reject);
        server.server.listen({ host: options.host, port: options.port, backlog: BACKLOG }, () => {
          server.server.off('error', reject);
          void watch(server, options, stopped.signal);
          resolve(addressOf(server)!);
        });
      }),
    async close(grace) {
      if (addressOf(server) === undefined) return;
      const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
      for (const connection of server.open) connection.retire();
      const waiting = new AbortController();
      const late = options.clock.sleep(grace, waiting.signal).then(
        () => 'late' as const,
        () => 'cancelled' as const,
      );
      if ((await Promise.race([closed, late])) === 'late') for (const connection of server.open) connection.evict();
      await closed;
      waiting.abort();
      stopped.abort();
    },
    get address() {
      return addressOf(server);
    },
    get connections() {
      return server.open.size;
    },
  };
}

const BACKLOG = 1024; // connections that wait while the event loop is busy; the kernel's own bound is smaller by default
const TICK = seconds(1);

/** smtp-server's listener, with our connections in place of its own. */
class Server extends SMTPServer {
  readonly open = new Set<Connection>();
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiveLimits;
  readonly #xclientFrom: RangeSet;
  #count = 0;

  constructor(options: ReceiverOptions) {
    super({ logger: false, hideSTARTTLS: true, noDelay: true, allowHalfOpen: true });
    this.#options = options;
    this.#limits = { ...RECEIVE_LIMITS, ...options.limits };
    this.#xclientFrom = new RangeSet(options.xclientFrom.map(rangeOrThrow));
    this.on('error', (error: Error) => options.log.warn('smtp.socket.error', { error }));
  }

  /** One turn of the event loop, in which early octets are read; the base class draws 10 random octets and looks for PROXY. */
  override _handleProxy(_socket: Socket, done: (error: null, options: { readonly id: string }) => void): void {
    setImmediate(done, null, { id: String(++this.#count) });
  }

  override connect(socket: Socket, { id }: { readonly id: string }): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const ip = remoteAddress === undefined ? undefined : parseIp(remoteAddress);
    // The client that left before we looked at it has no address any more.
    if (ip === undefined || localAddress === undefined) return void socket.destroy();
    const client: ClientInfo = {
      ip: ip.text,
      port: remotePort ?? 0,
      name: '',
      serverIp: parseIp(localAddress)?.text ?? localAddress,
      serverPort: localPort ?? 0,
    };
    const { log, clock } = this.#options;
    const dialogue: DialogueOptions = {
      hostname: this.#options.hostname,
      newline: this.#options.newline,
      smtpUtf8: this.#options.smtpUtf8,
      dsn: this.#options.dsn,
      limits: this.#limits,
      tls: this.#options.tls,
      trustsXclient: this.#xclientFrom.has(ip),
      open: this.#options.open,
    };
    let connection: Connection;
    try {
      connection = new Connection(this, socket, id, client, dialogue, log, clock.elapsed(), (ended) =>
        this.open.delete(ended),
      );
    } catch (error) {
      // A fault of our own is a 4xx, never silence, and never the end of the sessions that go well.
      log.error('smtp.session.failed', { client: client.ip, error: String(error) });
      return void socket.end(formatReply({ code: 421, enhanced: '4.3.0', text: 'internal trouble, please try again' }));
    }
    this.connections.add(connection);
    this.open.add(connection);
    connection.on('error', (error: Error) => this._onError(error));
    connection.init();
  }
}

/** One clock for all connections. */
async function watch(server: Server, { clock, log }: ReceiverOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(TICK, signal);
    } catch (reason) {
      if (signal.aborted) return;
      throw reason;
    }
    const now = clock.elapsed();
    for (const connection of server.open) {
      try {
        connection.tick(now);
      } catch (error) {
        log.error('smtp.tick.failed', { error });
        connection.failed(error);
      }
    }
  }
}

const addressOf = (server: Server): AddressInfo | undefined => {
  const address = server.server.address();
  return address === null || typeof address === 'string' ? undefined : address;
};

function rangeOrThrow(text: string): IpRange {
  const range = parseRange(text);
  if (range === undefined)
    throw new RangeError(`Cannot trust "${text}" for XCLIENT as it must be an address or a CIDR range`);
  return range;
}
