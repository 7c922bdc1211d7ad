/** Work over a socket that ends when the socket does or time is over, whatever the library that speaks over it makes of that. */
import type { Socket } from 'node:net';

export class LineWatch {
  readonly #sockets: Socket[] = [];
  /** Who waits for work of now; no promise that lives as long as the line, which would remember every wait. */
  readonly #waiting = new Set<(why: Error) => void>();
  #why: Error | undefined;

  constructor(socket: Socket) {
    this.watch(socket);
  }

  get broken(): boolean {
    return this.#why !== undefined || this.#sockets.some(({ destroyed }) => destroyed);
  }

  /** The one that encrypts what goes over the first. */
  watch(socket: Socket): void {
    this.#sockets.push(socket);
    socket.on('error', (error) => {
      this.#why ??= error;
    });
    socket.once('close', () => {
      this.#why ??= new Error('the connection was closed');
      for (const tell of this.#waiting) tell(this.#why);
    });
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const stop = () => this.destroy(new Error('it did not answer in time'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    let tell: (why: Error) => void = () => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        if (this.#why !== undefined) return reject(this.#why);
        tell = reject;
        this.#waiting.add(tell);
        work().then(resolve, reject);
      });
    } catch (error) {
      // What the socket says is nearer to the cause than what a library makes of it.
      throw this.#why ?? error;
    } finally {
      this.#waiting.delete(tell);
      signal.removeEventListener('abort', stop);
    }
  }

  destroy(why?: Error): void {
    this.#why ??= why;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What was written goes out first. */
  close(): void {
    for (const socket of [...this.#sockets].reverse()) socket.destroySoon();
  }
}
