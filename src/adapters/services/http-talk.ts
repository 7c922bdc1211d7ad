/** One exchange over HTTP: the body goes out as fast as it is taken, and one bounded answer comes back, perhaps early. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { clean } from '../../mail/reply.ts';
import { type Millis, seconds } from '../../mail/time.ts';
import { ServiceError } from '../../ports/services.ts';
import { whyOf } from '../net/why-of.ts';

export type HttpHeaders = readonly (readonly [name: string, value: string])[];

export interface HttpAsked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: HttpHeaders;
  readonly octets: AsyncIterable<Uint8Array>;
}

export interface HttpAnswer {
  readonly text: string;
  /** What it calls itself, or ''. */
  readonly server: string;
}

/** Symbols with their options, and URLs where a configuration asks for them. */
const ANSWER_MAX = 1024 * 1024;
/** Shorter than any server closes an idle connection: what is used again must not be closing. */
const IDLE: Millis = seconds(4);

/** Rejects with a `ServiceError` for all but a 200, or with what `octets` threw. */
export type HttpTalk = (asked: HttpAsked, signal: AbortSignal) => Promise<HttpAnswer>;

export function httpTalk(url: string, connectTimeout: Millis): HttpTalk {
  const secure = url.startsWith('https:');
  // Node adds it only to headers that are an object; a request without is refused by every proxy (RFC 9112 §3.2).
  const host = ['Host', new URL(url).host];
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxFreeSockets: 4, timeout: IDLE });
  return async ({ method, path, headers, octets }, signal) => {
    const request = (secure ? overHttps : overHttp)(`${url}${path}`, {
      method,
      agent,
      headers: [...host, ...headers.flat()],
    });
    const done = new AbortController();
    let text: string | undefined;
    try {
      const answer = answerTo(request, connectTimeout, signal, done.signal);
      const sent = send(request, octets, done.signal).then(
        () => answer,
        (error: unknown) => {
          throw signal.aborted ? silent() : error;
        },
      );
      sent.catch(() => {}); // when the answer was first
      const response = await Promise.race([answer, sent]);
      text = await whole(response, signal);
      return { text, server: clean(String(response.headers.server ?? ''), 100) };
    } finally {
      done.abort();
      // One that was sent and read to its end goes back to the agent; any other is closed.
      if (text === undefined || !request.writableFinished) request.destroy();
    }
  };
}

const silent = (): ServiceError => new ServiceError('silent', 'no answer in time');

function answerTo(
  request: ClientRequest,
  connectTimeout: Millis,
  signal: AbortSignal,
  done: AbortSignal,
): Promise<IncomingMessage> {
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    let connected = false;
    const timer = setTimeout(() => {
      if (!connected) reject(new ServiceError('unreachable', `no connection within ${connectTimeout} ms`));
    }, connectTimeout);
    const late = (): void => reject(silent());
    request.once('socket', (socket) => {
      socket.setNoDelay(true);
      const ready = (): void => {
        connected = true;
        clearTimeout(timer);
      };
      if (socket.connecting) socket.once('connect', ready);
      else ready();
    });
    request.once('response', resolve);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(new ServiceError(connected ? 'broken' : 'unreachable', whyOf(error)));
    });
    request.once('close', () => clearTimeout(timer));
    if (signal.aborted) return late();
    signal.addEventListener('abort', late, { once: true, signal: done });
  });
  answer.catch(() => {}); // told by whoever races with it
  return answer;
}

/** Ends early, and in peace, when the request does. */
async function send(request: ClientRequest, octets: AsyncIterable<Uint8Array>, done: AbortSignal): Promise<void> {
  for await (const chunk of octets) {
    if (done.aborted || request.destroyed) return;
    await taken(request, chunk, done);
  }
  if (!request.destroyed) request.end();
}

/** Resolves when the octets have left, or will not: they are whose they were again. */
function taken(request: ClientRequest, chunk: Uint8Array, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      request.off('close', end);
      done.removeEventListener('abort', end);
      resolve();
    };
    request.on('close', end);
    done.addEventListener('abort', end, { once: true });
    request.write(chunk, end);
  });
}

function whole(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = (): void => reject(silent());
    const end = (error: ServiceError | undefined): void => {
      signal.removeEventListener('abort', late);
      if (error !== undefined) reject(error);
      else if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
      else {
        const said = clean(`${response.statusCode} ${response.statusMessage ?? ''}`, 200);
        reject(new ServiceError('refused', `it answers ${said}`));
      }
    };
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > ANSWER_MAX) end(new ServiceError('garbage', `an answer longer than ${ANSWER_MAX} octets`));
      else chunks.push(chunk);
    });
    response.once('end', () => end(undefined));
    response.once('error', (error) => end(new ServiceError('broken', error.message)));
    response.once('close', () =>
      end(new ServiceError('broken', 'it closed the connection in the middle of an answer')),
    );
    if (signal.aborted) return late();
    signal.addEventListener('abort', late, { once: true });
  });
}
