/** A daemon on a free loopback port that does to each connection what the test says. */
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface HostileService {
  readonly port: number;
  /** Connections so far. */
  readonly met: () => number;
}

export async function hostileService(behave: (socket: Socket) => void): Promise<HostileService> {
  const open = new Set<Socket>();
  let met = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    met += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { port: (server.address() as { readonly port: number }).port, met: () => met };
}

/** Writes the text an octet at a time. */
export function dribble(socket: Socket, text: string, every: number): void {
  const octets = Buffer.from(text);
  let at = 0;
  const timer = setInterval(() => {
    if (at < octets.length) socket.write(octets.subarray(at, at + 1));
    at += 1;
  }, every);
  socket.on('close', () => clearInterval(timer));
}

/** Writes on and on, as fast as it is read. */
export function flood(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', more);
  more();
}
