/** One exchange over one connection: octets go out as fast as they are taken, one bounded answer comes back, perhaps early. */
import type { Socket } from 'node:net';
import type { Millis } from '../../mail/time.ts';
import { ServiceError } from '../../ports/services.ts';
import type { HostAddress } from '../../queue/route.ts';
import { whyOf } from '../net/why-of.ts';
import { PatientSocket } from './patient-socket.ts';

export interface Talk {
  readonly address: HostAddress;
  readonly connectTimeout: Millis;
  /** What is said; more is asked of it only when what came before has left: a piece need not stand any longer. */
  readonly send: AsyncIterable<Uint8Array>;
  /** Nothing more is said after `send`: the other side may learn it by the end of the stream. */
  readonly halfClose: boolean;
  /** Octets of an answer beyond which it is none. */
  readonly answerMax: number;
  /** Is it whole? Where none says so, it is whole when the other side ends. */
  readonly whole?: (answer: Buffer) => boolean;
}

/** The answer. Rejects with a `ServiceError`, or with what `send` threw; leaves no connection behind, whatever happens. */
export async function talk(parts: Talk, signal: AbortSignal): Promise<Buffer> {
  const socket = await open(parts, signal);
  const done = new AbortController();
  try {
    const answer = hear(socket, parts, signal, done.signal);
    // A fault of our own while sending (a disk) is told as such; that the line broke is for the answer to tell.
    const sent = say(socket, parts, done.signal).then(
      () => answer,
      (error: unknown) => {
        throw signal.aborted ? silent() : error;
      },
    );
    sent.catch(() => {}); // when the answer was first
    return await Promise.race([answer, sent]);
  } finally {
    done.abort();
    socket.destroy();
  }
}

function open({ address, connectTimeout }: Talk, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new PatientSocket();
    socket.setNoDelay(true);
    socket.connect(address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port });
    const end = (why: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners();
      socket.on('error', () => {}); // whoever listens from here on listens to its end
      if (why === undefined) resolve(socket);
      else {
        socket.destroy();
        reject(new ServiceError('unreachable', why));
      }
    };
    const stop = () => end('no connection in time');
    const timer = setTimeout(() => end(`no connection within ${connectTimeout} ms`), connectTimeout);
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(whyOf(error)));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

const silent = (): ServiceError => new ServiceError('silent', 'no answer in time');

function hear(socket: Socket, { answerMax, whole }: Talk, signal: AbortSignal, done: AbortSignal): Promise<Buffer> {
  const answer = new Promise<Buffer>((resolve, reject) => {
    let heard = Buffer.alloc(0);
    const fail = (kind: ServiceError['kind'], why: string) => reject(new ServiceError(kind, why));
    const over = (why: string): void => {
      if (heard.length > 0 && whole === undefined) resolve(heard);
      else fail('broken', heard.length > 0 ? `${why} in the middle of an answer` : `${why} without an answer`);
    };
    const late = () => reject(silent());
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (whole?.(heard)) resolve(heard);
      else if (heard.length > answerMax) fail('garbage', `an answer longer than ${answerMax} octets`);
    });
    socket.on('end', () => over('it closed the connection'));
    socket.on('error', (error) => over(`the connection broke (${error.message})`));
    socket.on('close', () => over('it closed the connection'));
    if (signal.aborted) return late();
    signal.addEventListener('abort', late, { once: true, signal: done });
  });
  answer.catch(() => {}); // told by whoever races with it
  return answer;
}

/** Ends early, and in peace, when the line does. */
async function say(socket: Socket, { send, halfClose }: Talk, done: AbortSignal): Promise<void> {
  for await (const chunk of send) {
    if (done.aborted || !socket.writable) return;
    await taken(socket, chunk, done);
    // An answer that has come meanwhile is heard before more is written: writing to a closed line would lose it.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (halfClose && socket.writable) socket.end();
}

/** Resolves when the octets have left, or will not. */
function taken(socket: Socket, chunk: Uint8Array, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      socket.off('close', end);
      done.removeEventListener('abort', end);
      resolve();
    };
    socket.on('close', end);
    done.addEventListener('abort', end, { once: true });
    socket.write(chunk, end);
  });
}
