/** A socket whose reader may be broken by what comes over it: bounded octets, and what the reader throws ends the connection, not the process. */
import type { Socket } from 'node:net';

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
      allowance.left -= (chunk as Buffer).length;
      if (allowance.left < 0) return void socket.destroy(new Error('it answered without end'));
      try {
        listener(chunk);
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
