/** Stands in for systemd's socket unit: opens sockets on a loopback port once, and holds them while one gateway after the other serves them. */
import net from 'node:net';
import { onTestFinished } from 'vitest';
import type { Started } from './gateway-process.ts';

interface BoundSocket {
  readonly fd: number;
  getsockname(into: { port?: number }): number;
  close(): void;
}

/**
 * Node's own way to bind without accepting, made for its cluster and documented nowhere; `listen` would accept here, in the wrong
 * process. Whoever is given the socket calls listen(2); from then on the kernel keeps clients waiting while nobody accepts.
 */
const bind = (
  net as unknown as {
    _createServerHandle(host: string, port: number, family: 4, fd: -1, flags: 0): BoundSocket | number;
  }
)._createServerHandle;

export class SocketHolder {
  readonly port: number;
  readonly #socket: BoundSocket;

  private constructor(socket: BoundSocket) {
    this.#socket = socket;
    const at: { port?: number } = {};
    socket.getsockname(at);
    this.port = at.port!;
  }

  static open(): SocketHolder {
    const socket = bind('127.0.0.1', 0, 4, -1, 0);
    if (typeof socket === 'number') throw new Error(`Cannot hold a socket as it must be bound: error ${socket}`);
    onTestFinished(() => socket.close());
    return new SocketHolder(socket);
  }

  /** `new GatewayProcess(config, holder.passTo('mx'))`; as often as wanted. */
  passTo(listener: string): Pick<Started, 'sockets'> {
    return { sockets: [{ name: listener, fd: this.#socket.fd }] };
  }
}
