/** The certificates that routes show: read whole, looked at again when their files change, the last good one kept in force. */
import type { Installation } from '../../config/installation.ts';
import { identitiesIn, pairKey } from '../../config/route-certificate.ts';
import { hours } from '../../mail/time.ts';
import type { IdentityOf } from '../../ports/client-identity.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import type { CertificateFiles } from '../../queue/route.ts';
import { WatchSet } from '../files/watch-set.ts';
import { KeptPair, type PairWorld } from './kept-pair.ts';
import { readPair } from './read-pair.ts';

/** That one ends soon is told once a day, whoever changes its files. */
const EVERY = hours(1);

export class ClientIdentities {
  readonly #world: PairWorld;
  readonly #pairs = new Map<string, KeptPair>();
  readonly #watching: WatchSet;
  readonly #timer: NodeJS.Timeout;
  /** By pair, so that what keeps one from being used is said once, not with each message. */
  readonly #refused = new Map<string, string>();
  #wanted: readonly CertificateFiles[] = [];

  constructor(files: WatchedFiles, world: PairWorld) {
    this.#world = world;
    this.#watching = new WatchSet(files, (path) => {
      for (const one of this.#wanted) if (one.certificate === path || one.key === path) this.#look(one);
    });
    this.#timer = setInterval(() => this.#lookAtAll(), EVERY).unref();
  }

  readonly of: IdentityOf = (files) => (this.#pairs.get(pairKey(files)) ?? this.#open(files))?.identity;

  /** Takes over what the routes say now, and reads all files anew. */
  take({ routes }: Pick<Installation, 'routes'>): void {
    this.#wanted = identitiesIn(routes);
    const kept = new Set(this.#wanted.map(pairKey));
    for (const key of this.#pairs.keys()) if (!kept.has(key)) this.#pairs.delete(key);
    this.#lookAtAll();
    this.#watching.want(new Set(this.#wanted.flatMap(({ certificate, key }) => [certificate, key])));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watching.stop();
  }

  #lookAtAll(): void {
    for (const one of this.#wanted) this.#look(one);
  }

  #look(files: CertificateFiles): void {
    const known = this.#pairs.get(pairKey(files));
    if (known === undefined) this.#open(files);
    else known.lookAgain();
  }

  #open(files: CertificateFiles): KeptPair | undefined {
    try {
      const pair = new KeptPair({ names: [], ...files }, this.#world);
      this.#pairs.set(pairKey(files), pair);
      this.#refused.delete(pairKey(files));
      return pair;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.#refused.get(pairKey(files)) !== why)
        this.#world.log.error('certificate.refused', { certificate: files.certificate, why });
      this.#refused.set(pairKey(files), why);
      return undefined;
    }
  }
}

/** For a command, which asks once and keeps nothing. */
export const identityNow =
  (now: PairWorld['now']): IdentityOf =>
  ({ certificate, key }) => {
    const pair = readPair(certificate, key, now());
    return pair.kind === 'read' && pair.context !== undefined ? pair.identity : undefined;
  };
