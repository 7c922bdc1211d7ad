/** A socket that hears what was still said to it when it learns, by writing, that the other side has closed. */
import { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/**
 * A scanner that will not take more answers at once and closes. Writing then fails, and a stream of Node's that failed is
 * closed with the answer unread. The failure waits for what lies ready to be read: one turn of the event loop.
 */
export class PatientSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, patiently(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, patiently(done));
  }
}

const patiently =
  (done: Done): Done =>
  (error) => {
    if (error === undefined || error === null) return done();
    // The first comes before sockets are read, the second after.
    setImmediate(() => setImmediate(() => done(error)));
  };
