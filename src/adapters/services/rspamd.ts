/** A client of rspamd by HTTP: `POST /checkv2` with what is known of the envelope in headers, and the message as it is. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { type Millis, seconds } from '../../mail/time.ts';
import { type ScannedEnvelope, ServiceError, type SpamScanner } from '../../ports/services.ts';
import { Places } from './places.ts';
import { readCheck } from './rspamd-answer.ts';

export interface RspamdParts {
  readonly url: string;
  readonly connectTimeout: Millis;
}

/** A worker of rspamd takes many at once; these bound what our own side holds open. */
const CONNECTIONS = 16;
/** Symbols with their options, and URLs where a configuration asks for them. */
const ANSWER_MAX = 1024 * 1024;
/** Shorter than any server closes an idle connection: what is used again must not be closing. */
const IDLE: Millis = seconds(4);
/** Header lines of a request; rspamd needs some recipients, not a mailing list's thousands. */
const RECIPIENTS_MAX = 100;

type Headers = readonly (readonly [name: string, value: string])[];

export function rspamd({ url, connectTimeout }: RspamdParts): SpamScanner {
  const secure = url.startsWith('https:');
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxFreeSockets: 4, timeout: IDLE });
  const places = new Places(CONNECTIONS);
  const exchange = async (
    method: 'GET' | 'POST',
    path: string,
    headers: Headers,
    octets: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ readonly text: string; readonly server: string }> => {
    const request = (secure ? overHttps : overHttp)(`${url}${path}`, { method, agent, headers: headers.flat() });
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
      return { text, server: String(response.headers.server ?? '') };
    } finally {
      done.abort();
      // One that was sent and read to its end goes back to the agent; any other is closed.
      if (text === undefined || !request.writableFinished) request.destroy();
    }
  };
  return {
    probe: async (signal) => {
      const { text, server } = await exchange('GET', '/ping', [], none(), signal);
      if (text.trim() !== 'pong') throw new ServiceError('garbage', 'no "pong" in answer to /ping');
      return server === '' ? 'rspamd' : server.slice(0, 100);
    },
    scan: ({ size, octets }, envelope, user, signal) =>
      places.within(signal, async () =>
        readCheck((await exchange('POST', '/checkv2', headersOf(size, envelope, user), octets, signal)).text),
      ),
  };
}

async function* none(): AsyncIterable<Uint8Array> {}

/** As the protocol of rspamd names them (its documentation, "protocol"). */
function headersOf(size: number, envelope: ScannedEnvelope, user: string): Headers {
  const { client, helo, from, recipients, id } = envelope;
  const known: Headers = [
    ['IP', client.ip],
    ['Hostname', client.name],
    ['Helo', helo],
    ['User', envelope.user],
    ['Deliver-To', user],
    ['Queue-Id', id],
  ];
  return [
    ['Content-Length', String(size)],
    ['Content-Type', 'message/rfc822'],
    // The null reverse-path is a fact too: it is said, and not left out.
    ['From', headerText(from)],
    ...recipients.slice(0, RECIPIENTS_MAX).map((one) => ['Rcpt', headerText(one)] as const),
    ...known.filter(([, value]) => value !== '').map(([name, value]) => [name, headerText(value)] as const),
  ];
}

/** Octets of UTF-8, as an envelope has them, in what HTTP takes; nothing in it ends a line. */
const headerText = (text: string): string =>
  Buffer.from(text.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 1000), 'utf8').toString('latin1');

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

/** Several addresses of one name fail together, with an empty message. */
function whyOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors : [];
  return inner.length > 0 ? inner.map((one: Error) => one.message).join('; ') : error.message;
}

/** Ends early, and in peace, when the request does. */
async function send(request: ClientRequest, octets: AsyncIterable<Uint8Array>, done: AbortSignal): Promise<void> {
  for await (const chunk of octets) {
    if (done.aborted || request.destroyed) return;
    if (!request.write(chunk)) await drained(request, done);
  }
  if (!request.destroyed) request.end();
}

function drained(request: ClientRequest, done: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      request.off('drain', end).off('close', end);
      done.removeEventListener('abort', end);
      resolve();
    };
    if (done.aborted || request.destroyed) return resolve();
    request.on('drain', end).on('close', end);
    done.addEventListener('abort', end, { once: true });
  });
}

function whole(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = (): void => reject(silent());
    const end = (error: ServiceError | undefined): void => {
      signal.removeEventListener('abort', late);
      if (error !== undefined) return reject(error);
      if (response.statusCode === 200) return resolve(Buffer.concat(chunks).toString('utf8'));
      reject(new ServiceError('refused', `rspamd answers ${response.statusCode} ${response.statusMessage ?? ''}`));
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
