/** Serves the pages on which recipients release what was held for them: two methods of one path, and nothing else. */
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import type { HostPort } from '../../config/host-port.ts';
import { type Millis, minutes, seconds } from '../../mail/time.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ReleaseDesk } from '../../ports/release-desk.ts';
import { ClientRate, clientOf } from './client-rate.ts';
import {
  lookedPage,
  NOT_HERE,
  NOT_NOW,
  NOT_UNDERSTOOD,
  PAGE_HEADERS,
  type Page,
  releasedPage,
  TOO_MANY,
} from './release-pages.ts';

export interface ReleaseServer {
  readonly address: string;
  /** Answers what is in hand, takes nothing more. */
  close(): Promise<void>;
}

/** `confirm=release` with room for what a browser might add. */
const BODY_MAX = 1024;
/** A browser's, with cookies of others on the same name. */
const HEADERS_MAX = 16 * 1024;
const HEADER_FIELDS_MAX = 100;
/** From a proxy beside us: it has the request whole. */
const REQUEST_TIME: Millis = seconds(10);
const IDLE: Millis = seconds(30);
const CONNECTIONS_MAX = 200;
const REQUESTS_A_CONNECTION = 1000;
/** The store's own answer, and a scan (as long as `gateway/quarantine/rescan.ts` lets one be) with some grace. */
const ANSWER_TIME: Millis = minutes(4);
/** What is in hand at a stop is told that it has to end; then sockets are closed. */
const GRACE: Millis = seconds(5);

export async function serveReleases(
  { host, port }: HostPort,
  desk: ReleaseDesk,
  { clock, log }: { readonly clock: Pick<Clock, 'elapsed'>; readonly log: Log },
): Promise<ReleaseServer> {
  const stopping = new AbortController();
  const rate = new ClientRate();
  const server = Fastify({
    logger: false, // its lines hold the path, and the path is the right
    bodyLimit: BODY_MAX,
    http: { maxHeaderSize: HEADERS_MAX, connectionsCheckingInterval: seconds(2) },
    requestTimeout: REQUEST_TIME,
    keepAliveTimeout: IDLE,
    maxRequestsPerSocket: REQUESTS_A_CONNECTION,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: HEADERS_MAX },
    clientErrorHandler: (_, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      else socket.destroy();
    },
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  server.server.headersTimeout = REQUEST_TIME;
  server.server.maxHeadersCount = HEADER_FIELDS_MAX;

  /** Everything that is answered is answered here, and told without its path. */
  const say = (request: FastifyRequest, reply: FastifyReply, { status, html }: Page, item = '') => {
    const client = clientOf(request.ip, header(request, 'x-forwarded-for'));
    log.event('release.request', { method: request.method, status, client, ...(item === '' ? {} : { item }) });
    return reply.code(status).headers(PAGE_HEADERS).send(html);
  };
  const bounded = () => AbortSignal.any([stopping.signal, AbortSignal.timeout(ANSWER_TIME)]);

  server.addHook('onRequest', async (request, reply) => {
    const client = clientOf(request.ip, header(request, 'x-forwarded-for'));
    if (!rate.takes(client, clock.elapsed())) return say(request, reply, TOO_MANY);
    return undefined;
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) =>
    done(null, new URLSearchParams(String(body))),
  );
  server.setNotFoundHandler((request, reply) => say(request, reply, NOT_HERE));
  server.setErrorHandler((error: { readonly statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return say(request, reply, { ...NOT_UNDERSTOOD, status });
    // Its text might hold what it was about: the desk's errors are the store's, and name no token.
    log.error('release.failed', { error: String(error) });
    return say(request, reply, NOT_NOW);
  });
  // HEAD comes with it. Neither changes anything, however often a scanner of links comes by (RFC 9110 §9.2.1).
  server.get<{ Params: { token: string } }>('/release/:token', async (request, reply) => {
    const looked = await desk.look(request.params.token, bounded());
    return say(request, reply, lookedPage(looked), itemOf(looked));
  });
  server.post<{ Params: { token: string } }>('/release/:token', async (request, reply) => {
    const { body } = request;
    if (!(body instanceof URLSearchParams) || body.get('confirm') !== 'release')
      return say(request, reply, NOT_UNDERSTOOD);
    const released = await desk.release(request.params.token, bounded());
    return say(request, reply, releasedPage(released), itemOf(released));
  });

  await server.listen({ host, port });
  const at = server.server.address() as AddressInfo;
  return {
    address: at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`,
    close: async () => {
      const late = setTimeout(() => {
        stopping.abort(new Error('the gateway stops'));
        server.server.closeAllConnections();
      }, GRACE);
      await server.close();
      clearTimeout(late);
    },
  };
}

/** A message's id may be told to the log: it gives no right. */
const itemOf = (found: {
  readonly kind: string;
  readonly id?: string;
  readonly view?: { readonly id: string };
}): string => found.id ?? found.view?.id ?? '';

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.at(-1) : value;
}
