/** A listener: takes connections for a session's decisions, until it is closed. */
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { type IpAddress, type IpRange, parseIp, parseRange, RangeSet } from '../../mail/ip.ts';
import { formatReply, type Reply } from '../../mail/reply.ts';
import { type Millis, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { AuthOffer } from './auth-talk.ts';
import { Connection } from './connection.ts';
import type { DialogueOptions } from './dialogue.ts';
import type { Door } from './door.ts';
import type { TlsOffer } from './handshake.ts';
import type { Newline } from './incoming-message.ts';
import { RECEIVE_LIMITS, type ReceiveLimits } from './limits.ts';
import { OnlyPrivate } from './only-private.ts';
import { awaitProxyHeader } from './proxied.ts';
import type { ProxyEnd } from './proxy-header.ts';
import { WIRE_REFUSALS } from './refusals.ts';
import type { ClientInfo, OpenSession } from './session.ts';
import { Spooling } from './spooling.ts';
import { TlsTroubles } from './tls-troubles.ts';

export interface ReceiverOptions {
  readonly hostname: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** A socket that listens already, passed by whoever started us: address and port are then its own. */
  readonly fd?: number | undefined;
  /** Other threads of this process listen on the same port, and the kernel deals the connections out. */
  readonly reusePort?: boolean;
  readonly newline: Newline;
  /** Addresses and CIDR ranges of upstreams whose XCLIENT is believed. */
  readonly xclientFrom: readonly string[];
  /** Balancers that say in a PROXY header whose connection they pass on; with any, nobody comes without. */
  readonly proxyFrom?: readonly string[];
  /** Says when no client but private ones has ever been seen: for listeners that strangers should reach. */
  readonly strangers?: boolean;
  /** Time before the greeting in which an impatient client gives itself away. */
  readonly greetWait?: Millis;
  /** What the routes behind are known to take: asked at each connection, as it may change while we run. */
  readonly offer: () => { readonly smtpUtf8: boolean; readonly messageBytes: number };
  /** Offer DSN: senders here are known. */
  readonly dsn: boolean;
  /** Undefined: nobody logs in here. */
  readonly auth?: AuthOffer | undefined;
  /** None: TLS is not spoken. */
  readonly tls?: TlsOffer | undefined;
  readonly limits?: Partial<ReceiveLimits>;
  /** Shared by all receivers of a thread; left out, this one has its own. */
  readonly spooling?: Spooling;
  readonly open: OpenSession;
  /** Sheds overload; left out, everybody is let in. */
  readonly door?: Door;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Receiver {
  /** Resolves with what it listens on; rejects when the port cannot be had. */
  listen(): Promise<AddressInfo>;
  /** Stops listening, answers 421 to sessions at rest, lets messages in hand finish for `grace`, then ends all. */
  close(grace: Millis): Promise<void>;
  /** On: whoever connects is answered 421, sessions at rest too, others after what they have in hand. Off: takes again. */
  drain(on: boolean): void;
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
        const { host, port, fd, reusePort = false } = options;
        const at = fd === undefined ? { host, port, reusePort } : { fd };
        server.server.listen({ ...at, backlog: BACKLOG }, () => {
          server.server.off('error', reject);
          void watch(server, options, stopped.signal);
          resolve(addressOf(server)!);
        });
      }),
    async close(grace) {
      if (addressOf(server) === undefined) return;
      const closed = new Promise<void>((resolve) => server.server.close(() => resolve()));
      server.endBeside();
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
      options.door?.sweep();
      server.tlsTroubles.sweep();
    },
    drain(on) {
      server.draining = on;
      if (on) for (const connection of server.open) connection.retire();
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
/** For a peer that was answered and keeps its side open. */
const LINGER = seconds(5);

/** smtp-server's listener, with our connections in place of its own. */
class Server extends SMTPServer {
  readonly open = new Set<Connection>();
  draining = false;
  readonly tlsTroubles: TlsTroubles;
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiveLimits;
  readonly #spooling: Spooling;
  readonly #xclientFrom: RangeSet;
  readonly #proxyFrom: RangeSet;
  readonly #onlyPrivate: OnlyPrivate | undefined;
  /** Sockets that are no connections yet, or no more. */
  readonly #beside = new Set<Socket>();
  readonly #closing = new AbortController();
  #count = 0;

  constructor(options: ReceiverOptions) {
    super({ logger: false, hideSTARTTLS: true, noDelay: true, allowHalfOpen: true });
    this.#options = options;
    this.tlsTroubles = new TlsTroubles(options.log);
    this.#limits = { ...RECEIVE_LIMITS, ...options.limits };
    this.#spooling = options.spooling ?? new Spooling(this.#limits.spoolingBytes);
    this.#xclientFrom = new RangeSet(options.xclientFrom.map(rangeOrThrow));
    this.#proxyFrom = new RangeSet((options.proxyFrom ?? []).map(rangeOrThrow));
    this.#onlyPrivate = options.strangers === true ? new OnlyPrivate() : undefined;
    this.on('error', (error: Error) => options.log.warn('smtp.socket.error', { error }));
  }

  /**
   * One turn of the event loop, in which early octets are read; the base class draws 10 random octets. A PROXY header comes
   * before all else, a TLS handshake too: whatever `done` goes on to, the socket begins behind it.
   */
  override _handleProxy(socket: Socket, done: (error: Error | null, options?: Accepted) => void): void {
    const id = String(++this.#count);
    if (this.#proxyFrom.size === 0) setImmediate(done, null, { id });
    else
      void this.#proxied(socket).then((ends) => {
        if (ends === undefined) done(new Error('no PROXY header'));
        else done(null, { id, ...ends });
      });
  }

  override connect(socket: Socket, { id, ends }: Accepted): void {
    if (this.draining) return void this.#turnAway(socket);
    const ip = ends?.client.ip ?? addressedAs(socket.remoteAddress);
    const client = clientOf(socket, ip, ends);
    // The client that left before we looked at it has no address any more.
    if (ip === undefined || client === undefined) return void socket.destroy();
    const leave = this.admitClient(socket, client, ip);
    if (leave === undefined) return;
    if (this.#onlyPrivate?.saw(ip, this.#options.clock.elapsed())) this.#sayOnlyPrivate(ip);
    const { log, clock } = this.#options;
    const { smtpUtf8, messageBytes } = this.#options.offer();
    const dialogue: DialogueOptions = {
      hostname: this.#options.hostname,
      newline: this.#options.newline,
      smtpUtf8,
      dsn: this.#options.dsn,
      limits: messageBytes === this.#limits.messageBytes ? this.#limits : { ...this.#limits, messageBytes },
      spooling: this.#spooling,
      greetWait: this.#options.greetWait ?? 0,
      tls: this.#options.tls,
      auth: this.#options.auth,
      trustsXclient: this.#xclientFrom.has(ip),
      open: this.#options.open,
    };
    let connection: Connection;
    try {
      connection = new Connection(this, socket, id, client, dialogue, log, clock, {
        closed: (ended) => {
          this.open.delete(ended);
          leave();
        },
        tlsFailed: (client, why) => this.tlsTroubles.failed(client.ip, why, clock.now()),
      });
    } catch (error) {
      leave();
      // A fault of our own is a 4xx, never silence, and never the end of the sessions that go well.
      log.error('smtp.session.failed', { client: client.ip, error: String(error) });
      return void socket.end(formatReply({ code: 421, enhanced: '4.3.0', text: 'internal trouble, please try again' }));
    }
    this.connections.add(connection);
    this.open.add(connection);
    connection.on('error', (error: Error) => this._onError(error));
    connection.init();
  }

  /** Whoever has not come as far as a connection hears 421 now. */
  endBeside(): void {
    this.#closing.abort();
    for (const socket of this.#beside) if (socket.writableEnded) socket.destroy();
  }

  /** Whom a balancer speaks for; undefined when the connection was answered 421, or is gone. */
  async #proxied(socket: Socket): Promise<Pick<Accepted, 'ends'> | undefined> {
    const { clock } = this.#options;
    this.#beside.add(socket);
    socket.once('close', () => this.#beside.delete(socket));
    const balancer = addressedAs(socket.remoteAddress);
    if (balancer === undefined || !this.#proxyFrom.has(balancer))
      return this.#turnDown(socket, 'the address may not speak for others');
    const late = new AbortController();
    const settled = new AbortController();
    void clock.sleep(this.#limits.proxyHeader, settled.signal).then(
      () => late.abort(),
      () => {},
    );
    const found = await awaitProxyHeader(socket, AbortSignal.any([late.signal, this.#closing.signal]));
    settled.abort();
    if (found.kind === 'gone') socket.destroy();
    if (found.kind === 'bad') this.#turnDown(socket, found.why);
    if (found.kind !== 'ok') return undefined;
    this.#beside.delete(socket);
    return found.ends === undefined ? {} : { ends: found.ends };
  }

  /** 421, on record as any other connection that ends without a transaction. */
  #turnDown(socket: Socket, why: string): undefined {
    socket.on('error', () => {});
    const client = clientOf(socket, addressedAs(socket.remoteAddress), undefined);
    if (client === undefined) return void socket.destroy();
    const { log, open } = this.#options;
    let { reply } = WIRE_REFUSALS['proxy-required'];
    try {
      const session = open(client);
      ({ reply } = session.refused({ reason: 'proxy-required', reply, command: 'other', text: why, close: true }));
      session.close();
    } catch (error) {
      log.error('smtp.session.failed', { client: client.ip, error: String(error) });
    }
    socket.write(formatReply(reply), 'latin1');
    return void this.#linger(socket);
  }

  #sayOnlyPrivate(ip: IpAddress): void {
    this.#options.log.error('smtp.clients.all_private', {
      listener: `${this.#options.host}:${this.#options.port}`,
      last: ip.text,
      remedy:
        'something in front of this listener hides its clients: let it speak the PROXY protocol and name it in proxy_from',
    });
  }

  /** Called when the address that counts is known: the socket's own, or the one that a PROXY header names. Undefined: it was shed. */
  admitClient(socket: Socket, client: ClientInfo, ip: IpAddress): (() => void) | undefined {
    const admission = this.#options.door?.admit(client, ip, this.#options.clock.now());
    if (admission === undefined) return () => {};
    if (admission.kind === 'in') return admission.leave;
    socket.on('error', () => {}); // it may be gone already
    this.#sayPlainly(socket, admission.reply);
    socket.destroySoon();
    return undefined;
  }

  /** For a while nothing new is taken. Who says no more and does not hang up either is not waited for. */
  #turnAway(socket: Socket): void {
    socket.on('error', () => {}); // has gone already
    this.#sayPlainly(socket, WIRE_REFUSALS['shutting-down'].reply);
    this.#linger(socket);
  }

  /** Whoever heard our last word before there was a session is read on for a while, and for no longer: silence alone is no end. */
  #linger(socket: Socket): void {
    this.#beside.add(socket);
    // To close over unread octets would take the reply with it.
    socket.resume().end();
    const gone = new AbortController();
    socket.once('close', () => {
      this.#beside.delete(socket);
      gone.abort();
    });
    void this.#options.clock.sleep(LINGER, gone.signal).then(
      () => socket.destroy(),
      () => {},
    );
    if (this.#closing.signal.aborted) socket.destroySoon();
  }

  /** Where TLS comes first, a reply before it would be taken for a broken handshake: nothing is said. */
  #sayPlainly(socket: Socket, reply: Reply): void {
    if (this.#options.tls?.mode !== 'implicit') socket.write(formatReply(reply), 'latin1');
  }
}

/** What is known of a socket that may become a connection. */
interface Accepted {
  readonly id: string;
  readonly ends?: { readonly client: ProxyEnd; readonly server: ProxyEnd };
}

const addressedAs = (text: string | undefined): IpAddress | undefined =>
  text === undefined ? undefined : parseIp(text);

function clientOf(socket: Socket, ip: IpAddress | undefined, ends: Accepted['ends']): ClientInfo | undefined {
  const { remotePort, localAddress, localPort } = socket;
  if (ip === undefined || localAddress === undefined) return undefined;
  return {
    ip: ip.text,
    port: ends?.client.port ?? remotePort ?? 0,
    name: '',
    serverIp: ends?.server.ip.text ?? parseIp(localAddress)?.text ?? localAddress,
    serverPort: ends?.server.port ?? localPort ?? 0,
  };
}

/** One clock for all connections. */
async function watch(server: Server, { clock, log, door }: ReceiverOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(TICK, signal);
    } catch (reason) {
      if (signal.aborted) return;
      throw reason;
    }
    const now = clock.elapsed();
    door?.tick(clock.now());
    server.tlsTroubles.sweep(clock.now());
    const busy = door?.busy === true;
    for (const connection of server.open) {
      try {
        connection.tick(now, busy);
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
  if (range === undefined) throw new RangeError(`Cannot trust "${text}" as it must be an address or a CIDR range`);
  return range;
}
