/** Digests as a running thing: rounds that tell recipients, and the pages their links lead to. The main thread alone does it. */
import { digestKeys } from '../adapters/files/digest-keys.ts';
import { releaseDesk } from '../gateway/digest/desk.ts';
import { Rounds, type RoundsStatus } from '../gateway/digest/rounds.ts';
import type { Outlet } from '../gateway/record-outlet.ts';
import type { Current } from '../gateway/world.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { SigningKeys } from '../ports/signing-keys.ts';
import type { Store } from '../ports/store.ts';
import { sayListenTrouble } from './listen-trouble.ts';

export interface Digests {
  /** `host:port` of the pages. */
  readonly address: string;
  readonly status: RoundsStatus;
  stop(): Promise<void>;
}

export interface DigestsWorld {
  readonly store: Pick<Store, 'queue' | 'records' | 'content' | 'digests'>;
  readonly outlet: Outlet;
  readonly signingKeys: SigningKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly current: () => Current;
  /** Mail was queued. */
  readonly queued: () => void;
}

/** Undefined where the configuration says no digest. Rejects with a sentence where it cannot be done as it says. */
export async function openDigests(world: DigestsWorld): Promise<Digests | undefined> {
  const { store, outlet, clock, log, newId, current, queued } = world;
  const { digest, store: place } = current().installation;
  if (digest === undefined) return undefined;
  const keys = digestKeys(place.path);
  const desk = releaseDesk({ queue: store.queue, records: store.records, keys, clock, current, queued });
  // Loaded only where it is used: most gateways serve no pages, and none should start later for it.
  const { serveReleases } = await import('../adapters/http/release-server.ts');
  const server = await serveReleases(digest.address, desk, { clock, log }).catch((error: unknown) => {
    throw new Error(sayListenTrouble({ name: 'quarantine.digest', ...digest.address }, error));
  });
  const rounds = new Rounds({
    digests: store.digests,
    queue: { admit: outlet.queue.admit, read: outlet.queue.read },
    content: store.content,
    keys,
    signingKeys: world.signingKeys,
    clock,
    log,
    newId,
    current,
    queued,
  });
  rounds.start();
  return {
    address: server.address,
    get status() {
      return rounds.status;
    },
    stop: async () => {
      await server.close();
      await rounds.stop();
    },
  };
}
