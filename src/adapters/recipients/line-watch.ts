/** Work over a socket that ends when the socket does or time is over, whatever the library that speaks over it makes of that. */
import type { Socket } from 'node:net';

export class LineWatch {
  readonly #sockets: Socket[] = [];
  #why: Error | undefined;
  #tell: (why: Error) => void = () => {};
  readonly #ended: Promise<never>;

  constructor(socket: Socket) {
    this.#ended = new Promise((_, reject) => {
      this.#tell = reject;
    });
    this.#ended.catch(() => {}); // told to whoever waits at the time
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
      this.#tell(this.#why);
    });
  }

  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const stop = () => this.destroy(new Error('it did not answer in time'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) stop();
      const working = work();
      working.catch(() => {}); // when the line ended first
      return await Promise.race([working, this.#ended]);
    } catch (error) {
      // What the socket says is nearer to the cause than what a library makes of it.
      throw this.#why ?? error;
    } finally {
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
