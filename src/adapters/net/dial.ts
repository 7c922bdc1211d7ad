/** Lines over TCP and unix sockets, without Nagle: a command waits for nobody's acknowledgement. */
import { lookup } from 'node:dns/promises';
import { connect, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, TLSSocket } from 'node:tls';
import type { Dial, Dialled, Line, LineListener, ShownCertificates, TlsWants } from '../../ports/dial.ts';
import type { SourceAddresses } from '../../queue/route.ts';
import { whyOf } from './why-of.ts';

export const dialSocket: Dial = async (to, signal) => {
  if (to.kind === 'unix') return open({ path: to.path }, signal);
  const { host, port, source } = to;
  if (source === undefined) return open({ host, port, noDelay: true }, signal);
  return dialFrom(source, host, port, signal);
};

/** From an address of ours: one of the host's addresses after the other, as far as ours is of the same family. */
async function dialFrom(source: SourceAddresses, host: string, port: number, signal: AbortSignal): Promise<Dialled> {
  let why = `${host} has no address of the family that is spoken from`;
  try {
    for (const { address, family } of await within(lookup(host, { all: true }), signal)) {
      const localAddress = family === 4 ? source.v4 : source.v6;
      if (localAddress === undefined) continue;
      const dialled = await open({ host: address, port, noDelay: true, localAddress }, signal);
      if (dialled.kind === 'open' || signal.aborted) return dialled;
      why = dialled.why;
    }
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  return { kind: 'failed', why };
}

/** The system's own look-up cannot be broken off: it is left to itself. */
function within<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error(reasonOf(signal)));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

const open = (target: NetConnectOpts, signal: AbortSignal): Promise<Dialled> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'failed', why: reasonOf(signal) });
    const socket = connect(target);
    const done = (why: string | undefined) => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
      if (why === undefined) return resolve({ kind: 'open', line: new SocketLine(socket) });
      socket.on('error', () => {}); // it has failed once; what follows is of no interest
      socket.destroy();
      resolve({ kind: 'failed', why });
    };
    const abort = () => done(reasonOf(signal));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => done(undefined));
    socket.once('error', (error) => done(whyOf(error)));
  });

const reasonOf = (signal: AbortSignal): string =>
  signal.reason instanceof Error && signal.reason.name === 'TimeoutError' ? 'no answer in time' : 'stopped';

class SocketLine implements Line {
  #socket: Socket;
  #listener: LineListener | undefined;
  #why: string | undefined;
  /** For all that was written to leave. */
  readonly #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#attach(socket);
  }

  listen(listener: LineListener): void {
    this.#listener = listener;
    if (this.#why !== undefined) listener.ended(this.#why);
  }

  write(octets: Uint8Array | string): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    socket.write(octets, this.#left);
    return socket.writableLength === 0;
  }

  drained(): Promise<void> {
    if (this.#socket.writableLength === 0 || this.#why !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  startTls(wants: TlsWants, signal: AbortSignal): Promise<string> {
    const plain = this.#socket;
    plain.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close');
    return new Promise((resolve) => {
      const secure = connectTls({
        socket: plain,
        // The name to be proved. Without it Node would ask a host that is called by its address for "localhost".
        host: wants.servername,
        // RFC 6066 §3: no address stands in SNI.
        ...(isIP(wants.servername) === 0 ? { servername: wants.servername } : {}),
        rejectUnauthorized: wants.verified,
        ...(wants.identity && { cert: wants.identity.certificate, key: wants.identity.key }),
        minVersion: 'TLSv1.2',
      });
      const done = (why: string) => {
        signal.removeEventListener('abort', abort);
        secure.removeAllListeners();
        this.#socket = secure;
        if (why === '') this.#attach(secure);
        else {
          secure.on('error', () => {}); // the handshake's failure has been told
          secure.destroy();
          this.#end(why);
        }
        resolve(why);
      };
      const abort = () => done(reasonOf(signal));
      signal.addEventListener('abort', abort, { once: true });
      secure.once('secureConnect', () => done(wants.distrust?.(shownBy(secure)) ?? ''));
      secure.once('error', (error) => done(whyOf(error)));
      secure.once('close', () => done('closed during the handshake'));
    });
  }

  shown(): ShownCertificates | undefined {
    if (!(this.#socket instanceof TLSSocket)) return undefined;
    return shownBy(this.#socket);
  }

  end(): void {
    const socket = this.#socket;
    socket.end();
    // QUIT's answer is not awaited, and a host that never closes, or talks on, must not keep the socket.
    const timer = setTimeout(() => socket.destroy(), LINGER);
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #attach(socket: Socket): void {
    socket.on('data', (octets) => this.#listener?.heard(octets));
    socket.on('end', () => this.#end('the other side closed the connection'));
    socket.on('error', (error) => this.#end(whyOf(error)));
    socket.on('close', () => this.#end('the connection is closed'));
  }

  #end(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#listener?.ended(why);
    this.#wake();
  }

  readonly #left = (): void => {
    if (this.#waiting.length > 0 && this.#socket.writableLength === 0) this.#wake();
  };

  #wake(): void {
    for (const go of this.#waiting.splice(0)) go();
  }
}

function shownBy(socket: TLSSocket): ShownCertificates {
  const { authorized, authorizationError: why } = socket;
  return {
    chain: chainOf(socket.getPeerCertificate(true)),
    distrust: authorized ? '' : String(why),
    at: Date.now(),
    protocol: socket.getProtocol() ?? '',
  };
}

/** A root names itself as its issuer; no chain in use is longer. */
const CHAIN_MAX = 10;

function chainOf(server: PeerCertificate & { readonly issuerCertificate?: PeerCertificate }): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: typeof server | undefined = server;
  while (next?.raw !== undefined && chain.length < CHAIN_MAX && !chain.some((one) => next?.raw.equals(one))) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

/** Milliseconds a closing connection may take. */
const LINGER = 5000;
