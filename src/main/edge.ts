/** The receiving side of one thread: its listeners over the ports it was given, opened together and closed in order. */
import { DnsClient } from '../adapters/dns/client.ts';
import { idSource } from '../adapters/ids.ts';
import { loopLag } from '../adapters/system/lag.ts';
import type { Certificates } from '../adapters/tls/certificates.ts';
import { CHECKS } from '../checks/registry.ts';
import { sayHostPort } from '../config/host-port.ts';
import type { Installation, Listener } from '../config/installation.ts';
import { clientJudge } from '../gateway/auth/client-trust.ts';
import { mechanismsOf, sourcesOf } from '../gateway/auth/login.ts';
import { keyedResolver } from '../gateway/dns/keyed-zones.ts';
import { RecordFold } from '../gateway/fold.ts';
import { offerOf } from '../gateway/offer.ts';
import type { Outlet } from '../gateway/record-outlet.ts';
import { openSession } from '../gateway/session.ts';
import { openShedding } from '../gateway/shed.ts';
import type { StoreWords } from '../gateway/store-words.ts';
import type { OpenListener, World } from '../gateway/world.ts';
import { parseRange, RangeSet } from '../mail/ip.ts';
import { type Millis, minutes, seconds, type Timestamp } from '../mail/time.ts';
import type { Resolver } from '../ports/resolver.ts';
import { type CrowdRoom, crowdIn } from '../smtp/receive/crowd.ts';
import { Door, type DoorOptions } from '../smtp/receive/door.ts';
import type { TlsOffer } from '../smtp/receive/handshake.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from '../smtp/receive/receiver.ts';
import { Spooling } from '../smtp/receive/spooling.ts';
import { sayListenTrouble } from './listen-trouble.ts';

/** How long messages in hand may take to finish at a stop. */
export const GRACE: Millis = seconds(20);
const SWEEP = minutes(1);

/** What a thread's sessions stand on. */
export interface EdgeParts
  extends Pick<World, 'clock' | 'log' | 'current' | 'content' | 'state' | 'signingKeys' | 'claim' | 'admitted'> {
  /** Ended here for all sessions by a drain. */
  readonly words: StoreWords;
  readonly outlet: Outlet;
  /** In place of DNS: the demo's and the tests' zones. */
  readonly resolver: Resolver | undefined;
  /** Undefined where no listener speaks TLS. */
  readonly certificates: Certificates | undefined;
  /** Who is in the house, in all threads. */
  readonly crowd: CrowdRoom;
  /** Of this thread among all that draw ids, from 1. */
  readonly number: number;
  readonly socketOf: (listener: string) => Socketing;
}

/** Where a thread's listener listens. */
export type Socketing =
  /** As it is configured. */
  | { readonly kind: 'own' }
  /** With other threads on one port: the configured one, or the one the first of them found free. */
  | { readonly kind: 'shared'; readonly port: number | undefined }
  /** On sockets that were passed to the process. */
  | { readonly kind: 'passed'; readonly fds: readonly number[] }
  | { readonly kind: 'none' };

export interface Sessions {
  readonly [listener: string]: number;
}

export interface Edge {
  /** `host:port` by listener. */
  readonly addresses: { readonly [listener: string]: string };
  /** On: whoever connects is answered 421, sessions at rest end, messages in hand finish. Off: takes again. */
  drain(on: boolean): void;
  /** Open ones, by listener. */
  sessions(): Promise<Sessions>;
  /** Stops listening, answers 421 to sessions at rest, lets what is in hand finish. */
  close(): Promise<void>;
}

export async function openEdge(parts: EdgeParts): Promise<Edge> {
  const { clock, log, outlet } = parts;
  const { installation } = parts.current();
  const ids = idSource(installation.nodeNumber, parts.number, clock.now);
  const fold = new RecordFold(outlet.records, installation.records.coalesce);
  const world: World = {
    clock,
    log,
    newId: () => ids.next(),
    resolver: parts.resolver ?? resolverOf(installation, parts),
    content: parts.content,
    queue: outlet.queue,
    records: fold,
    state: parts.state,
    signingKeys: parts.signingKeys,
    checks: CHECKS,
    current: parts.current,
    claim: parts.claim,
    admitted: parts.admitted,
    words: parts.words,
    rehearsal: undefined,
  };
  const lag = loopLag();
  const crowd = crowdIn(parts.crowd, parts.number - 1, installation.limits);
  const spooling = new Spooling(installation.limits.spoolingBytes);
  const doors = { crowd, lag: lag.read, records: outlet.records };
  const receivers = installation.listeners.flatMap((listener) =>
    placesOf(listener, parts.socketOf(listener.name)).map((place) => ({
      listener,
      receiver: receiverFor(world, listener, place, { ...doors, spooling }, parts.certificates),
    })),
  );
  const close = async (): Promise<void> => {
    parts.words.drain(true);
    await Promise.all(receivers.map(({ receiver }) => receiver.close(GRACE)));
    clearInterval(sweeping);
    lag.stop();
    fold.sweep();
  };
  const sweeping = setInterval(() => fold.sweep(clock.now()), SWEEP);
  const addresses: { [listener: string]: string } = {};
  try {
    for (const { listener, receiver } of receivers) {
      const { address, port } = await receiver.listen().catch((error: unknown) => {
        throw cannotListen(listener, error);
      });
      addresses[listener.name] = sayHostPort({ host: address, port });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    addresses,
    drain: (on) => {
      parts.words.drain(on);
      for (const { receiver } of receivers) receiver.drain(on);
    },
    sessions: async () =>
      Object.fromEntries(receivers.map(({ listener, receiver }) => [listener.name, receiver.connections])),
    close,
  };
}

const resolverOf = ({ dns }: Installation, { clock, log, current }: EdgeParts): Resolver =>
  keyedResolver(new DnsClient({ ...dns, elapsed: clock.elapsed, log }), () => current().zones);

export const cannotListen = (listener: Listener, error: unknown): Error =>
  new Error(sayListenTrouble(listener, error), { cause: error });

type Place = Pick<ReceiverOptions, 'host' | 'port' | 'fd' | 'reusePort'>;

function placesOf({ host, port }: Listener, socket: Socketing): readonly Place[] {
  switch (socket.kind) {
    case 'own':
      return [{ host, port }];
    case 'shared':
      return [{ host, port: socket.port ?? port, reusePort: true }];
    case 'passed':
      return socket.fds.map((fd) => ({ host, port, fd }));
    case 'none':
      return [];
  }
}

/** Of all listeners of the thread. */
interface Shared extends Pick<DoorOptions, 'crowd' | 'lag'>, Pick<World, 'records'> {
  readonly spooling: Spooling;
}

function receiverFor(
  world: World,
  listener: Listener,
  place: Place,
  { crowd, lag, records, spooling }: Shared,
  certificates: Certificates | undefined,
): Receiver {
  const { installation } = world.current();
  const open: OpenListener = { ...listener, trusted: rangesOf(listener.trustedNetworks) };
  const door = new Door({
    crowd,
    lag,
    lagMax: installation.limits.lag,
    // Behind one address of theirs stand many clients.
    known: rangesOf([...listener.trustedNetworks, ...listener.xclientFrom, ...listener.proxyFrom]),
    shed: (client, reason, reply) => openShedding(world, open, records, client, reason, reply),
    log: world.log,
  });
  return createReceiver({
    door,
    hostname: installation.hostname,
    ...place,
    newline: listener.newline,
    xclientFrom: listener.xclientFrom,
    proxyFrom: listener.proxyFrom,
    // Where an upstream names the clients, it is the only one seen.
    strangers: listener.trustedNetworks.length === 0 && listener.xclientFrom.length === 0,
    greetWait: listener.greetWait,
    offer: () => offerOf(world.current().installation, listener),
    // Only where senders are known: a stranger's wish for a notification is a way to make backscatter.
    dsn: listener.trustedNetworks.length > 0,
    tls: certificates && tlsOffer(listener, certificates, world.clock.now),
    auth:
      listener.auth === 'none'
        ? undefined
        : {
            required: listener.auth === 'required',
            mechanisms: () => mechanismsOf(sourcesOf(world.current(), listener)),
          },
    limits: installation.limits,
    spooling,
    open: (client) => openSession(world, open, client),
    log: world.log,
    clock: world.clock,
  });
}

const rangesOf = (texts: readonly string[]): RangeSet =>
  new RangeSet(texts.map(parseRange).filter((range) => range !== undefined));

function tlsOffer(listener: Listener, certificates: Certificates, now: () => Timestamp): TlsOffer | undefined {
  const { tls: mode, clientCertificates } = listener;
  if (mode === 'none') return undefined;
  const contextFor = (name: string) => certificates.contextFor(name, clientCertificates?.ca);
  return { mode, contextFor, judge: clientJudge(listener, now) };
}
