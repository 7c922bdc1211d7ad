/** Waits for the PROXY header in front of a connection, and leaves everything behind it on the socket. */
import type { Socket } from 'node:net';
import { type ProxyHeader, readProxyHeader } from './proxy-header.ts';

export type Proxied =
  | Exclude<ProxyHeader, { readonly kind: 'more' }>
  /** The connection is gone, or its end came before the header was whole. */
  | { readonly kind: 'gone' };

/** Never rejects. `signal` is the deadline, or the stop of the listener: what came until then was no header. */
export function awaitProxyHeader(socket: Socket, signal: AbortSignal): Promise<Proxied> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (found: Proxied): void => {
      socket.off('readable', read).off('end', gone).off('close', gone);
      signal.removeEventListener('abort', late);
      resolve(found);
    };
    const gone = (): void => done({ kind: 'gone' });
    const late = (): void => done({ kind: 'bad', why: 'no PROXY header came in time' });
    const read = (): void => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        chunks.push(chunk);
        const octets = Buffer.concat(chunks);
        const header = readProxyHeader(octets);
        if (header.kind === 'more') continue;
        const rest = header.kind === 'ok' ? octets.subarray(header.octets) : NOTHING;
        done(header);
        if (rest.length > 0) socket.unshift(rest);
        return;
      }
    };
    if (signal.aborted) return late();
    signal.addEventListener('abort', late, { once: true });
    // Nobody else listens yet, and an error without a listener would end the process; 'close' follows.
    socket.on('error', () => {});
    socket.on('readable', read).on('end', gone).on('close', gone);
    read();
  });
}

const NOTHING = Buffer.alloc(0);
