/** One question put to the servers we have: who is asked, how often, for how long, and when the next one is tried. */
import type { Millis } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import type { DnsAnswer, DnsType } from '../../ports/resolver.ts';
import { encodeQuery, isTruncated } from './query.ts';
import { readReply, type Said } from './reply.ts';
import { type DnsServer, parseServer } from './server.ts';
import { askByTcp } from './tcp.ts';
import { type Received, UdpServer } from './udp.ts';
import { ServerWatch } from './watch.ts';

export interface ServerSet {
  readonly servers: readonly { readonly address: DnsServer; readonly udp: UdpServer }[];
  /** Who is asked first: the last that answered. */
  preferred: number;
  readonly watch: ServerWatch;
  close(): void;
}

export function serverSet(texts: readonly string[], log: Log): ServerSet {
  if (texts.length === 0) throw new RangeError('Cannot ask DNS as it must have a server: none is configured');
  const servers = texts.map((text) => {
    const address = parseServer(text);
    return { address, udp: new UdpServer(address) };
  });
  return {
    servers,
    preferred: 0,
    watch: new ServerWatch(
      servers.map(({ address }) => address.text),
      log,
    ),
    close: () => {
      for (const { udp } of servers) udp.close();
    },
  };
}

interface Asking {
  readonly name: string;
  readonly type: DnsType;
  /** Time left for all tries together. */
  readonly left: Millis;
  readonly elapsed: () => Millis;
}

type Failure = {
  readonly kind: 'failed';
  readonly rcode: string;
  readonly cause: Extract<DnsAnswer, { kind: 'failed' }>['cause'];
};
/** `server` is who said it, '' for nobody. */
export type Outcome = (Exclude<Said, { kind: 'failed' }> | Failure) & { readonly server: string };

/** A near resolver answers in milliseconds or is busy recursing; asking again sooner only doubles its work. */
const FIRST_WAIT_MAX: Millis = 1000;
/** With two servers each is asked three times; the deadline usually comes first. */
const TRIES_MAX = 6;

/**
 * Silence: the next server, and each wait is twice the one before. A refusal, a failure or nonsense: the next server at
 * once, and this one is not asked again. Never rejects.
 */
export async function askServers(set: ServerSet, asking: Asking, signal: AbortSignal): Promise<Outcome> {
  const ends = asking.elapsed() + asking.left;
  const useless = new Set<number>();
  let wait = Math.min(FIRST_WAIT_MAX, asking.left / 4);
  let worst: Outcome = { kind: 'failed', rcode: '', cause: 'timeout', server: '' };
  let place = set.preferred;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const left = ends - asking.elapsed();
    if (left <= 0) break;
    const server = set.servers[place]!;
    const last = tries === TRIES_MAX - 1 ? left : Math.min(wait, left);
    const outcome = await askOne(server, asking, last, signal);
    tell(set.watch, server.address.text, outcome, asking.elapsed());
    if (outcome.kind !== 'failed') {
      set.preferred = place;
      return outcome;
    }
    if (outcome.cause === 'cancelled') return outcome;
    // What a server said tells more than another's silence.
    if (worst.server === '') worst = outcome;
    if (outcome.cause === 'timeout') wait *= 2;
    else useless.add(place);
    if (useless.size === set.servers.length) return worst;
    do place = (place + 1) % set.servers.length;
    while (useless.has(place));
  }
  return worst;
}

function tell(watch: ServerWatch, server: string, outcome: Outcome, at: Millis): void {
  const cause = outcome.kind === 'failed' ? outcome.cause : undefined;
  // An abort says nothing about the server, a failure to resolve a name (SERVFAIL) most often something about the name.
  if (cause === 'cancelled') return;
  if (cause === 'timeout' || cause === 'unreachable' || cause === 'refused') watch.silent(server, at);
  else watch.answered(server, at);
}

async function askOne(
  server: ServerSet['servers'][number],
  { name, type, elapsed }: Asking,
  wait: Millis,
  signal: AbortSignal,
): Promise<Outcome> {
  const ends = elapsed() + wait;
  const exchange = async (edns: boolean): Promise<Outcome> => {
    const query = encodeQuery(name, type, edns);
    let received: Received = await server.udp.ask(query, Math.max(1, ends - elapsed()), signal);
    // RFC 7766 §5: what did not fit comes by TCP.
    if (received.kind === 'message' && isTruncated(received.message))
      received = await askByTcp(server.address, query, Math.max(1, ends - elapsed()), signal);
    if (received.kind === 'none') return { kind: 'failed', rcode: '', cause: received.cause, server: '' };
    return { ...readReply(received.message, name, type), server: server.address.text };
  };
  const outcome = await exchange(true);
  // RFC 6891 §7: a server that does not know EDNS says FORMERR (or NOTIMP), and is asked plainly.
  return outcome.kind === 'failed' && (outcome.rcode === 'FORMERR' || outcome.rcode === 'NOTIMP')
    ? exchange(false)
    : outcome;
}
