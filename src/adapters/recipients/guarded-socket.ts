/** A socket whose reader may be broken by what comes over it: bounded octets, and what the reader throws ends the connection, not the process. */
import type { Socket } from 'node:net';

/** Octets a reader is given at once: ldapts goes one call deeper for each message in them, and there are messages of seven octets. */
const PIECE = 8 << 10;

/** Octets one question may still be answered with. */
export interface Allowance {
  left: number;
}

/** The socket itself; listeners added to it from now on are guarded. */
export function guarded<S extends Socket>(socket: S, allowance: Allowance): S {
  const add = socket.on.bind(socket) as (event: string, listener: (...args: unknown[]) => void) => S;
  const on = (event: string, listener: (...args: unknown[]) => void): S => {
    if (event !== 'data') return add(event, listener);
    const safe = (chunk: unknown): void => {
      const octets = chunk as Buffer;
      allowance.left -= octets.length;
      if (allowance.left < 0) return void socket.destroy(new Error('it answered without end'));
      try {
        for (let at = 0; at < octets.length && !socket.destroyed; at += PIECE)
          listener(octets.subarray(at, at + PIECE));
      } catch (error) {
        socket.destroy(new Error(`it answered nonsense: ${error instanceof Error ? error.message : String(error)}`));
      }
    };
    // By this, node:events finds it when the listener that was given is removed.
    safe.listener = listener;
    return add(event, safe);
  };
  Object.assign(socket, { on, addListener: on });
  // Whoever reads it may have let go of it when it breaks.
  add('error', () => {});
  return socket;
}
