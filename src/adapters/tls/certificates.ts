/** The certificates in use: read whole, looked at again when their files change, the last good one kept in force. */
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import type { Certificate, Installation } from '../../config/installation.ts';
import { speaksFor } from '../../config/server-name.ts';
import { hours, type Timestamp } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import type { WatchedFiles } from '../../ports/watched-files.ts';
import { WatchSet } from '../files/watch-set.ts';
import { KeptPair } from './kept-pair.ts';
import { keepSelfSigned } from './self-signed.ts';

export interface Certificates {
  /** For a new handshake with the client that asks for this server; '' when it names none. Never throws. */
  contextFor(serverName: string, clientCa?: string): SecureContext;
  /** Takes over what the installation says now, and reads all files anew. */
  take(installation: CertificatesWanted): void;
  stop(): void;
}

export type CertificatesWanted = Pick<Installation, 'hostname' | 'certificates' | 'listeners' | 'store'>;

export interface CertificatesWorld {
  readonly files: WatchedFiles;
  readonly log: Log;
  readonly now: () => Timestamp;
}

/** Contexts are made anew so often, and the keys of their session tickets with them. */
const EVERY = hours(1);

/** Undefined where no listener speaks TLS. Each thread may open its own; only one should be given a log that is read. */
export function openCertificates(installation: CertificatesWanted, world: CertificatesWorld): Certificates | undefined {
  if (installation.listeners.every(({ tls }) => tls === 'none')) return undefined;
  return new InUse(installation, world);
}

class InUse implements Certificates {
  readonly #world: CertificatesWorld;
  readonly #timer: NodeJS.Timeout;
  #hostname: string;
  #selfSigned = '';
  #saidOurOwn = false;
  /** Never empty. */
  #pairs: readonly KeptPair[];
  readonly #watching: WatchSet;

  constructor(installation: CertificatesWanted, world: CertificatesWorld) {
    this.#world = world;
    this.#hostname = installation.hostname;
    this.#pairs = this.#open(installation, []);
    this.#watching = new WatchSet(world.files, (path) => {
      for (const pair of this.#pairs) if (pair.files.includes(path)) pair.lookAgain();
    });
    this.#watch();
    this.#timer = setInterval(() => this.#lookAgain(), EVERY).unref();
  }

  contextFor(serverName: string, clientCa = ''): SecureContext {
    const name = serverName.toLowerCase().replace(/\.$/, '');
    return (this.#named(name) ?? this.#named(this.#hostname) ?? this.#pairs[0]!).contextUnder(clientCa);
  }

  take(installation: CertificatesWanted): void {
    try {
      this.#pairs = this.#open(installation, this.#pairs);
      this.#hostname = installation.hostname;
    } catch (error) {
      this.#world.log.error('certificate.refused', { why: error instanceof Error ? error.message : String(error) });
      return;
    }
    this.#lookAgain();
    this.#watch();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watching.stop();
  }

  /** A name written out goes before one with a star. */
  #named(name: string): KeptPair | undefined {
    return (
      this.#pairs.find(({ names }) => names.includes(name)) ??
      this.#pairs.find(({ names }) => names.some((one) => speaksFor(one, name)))
    );
  }

  /** Pairs that were in use before stay what they are. Throws where a new one is no pair. */
  #open({ hostname, certificates, store }: CertificatesWanted, before: readonly KeptPair[]): KeptPair[] {
    this.#selfSigned = certificates.length > 0 ? '' : join(store.path, 'self-signed.pem');
    const wanted = certificates.length > 0 ? certificates : [this.#makeOne(hostname)];
    return wanted.map(
      (one) => before.find((pair) => pair.isOf(one))?.renamed(one.names) ?? new KeptPair(one, this.#world),
    );
  }

  #makeOne(hostname: string): Certificate {
    const file = this.#selfSigned;
    const done = keepSelfSigned(file, hostname, this.#world.now());
    const why = 'no certificate is configured: senders can encrypt, and cannot know whom they speak to';
    // Once a life: a reload changes nothing about it.
    if (!this.#saidOurOwn || done === 'made')
      this.#world.log.warn('certificate.self-signed', { hostname, file, done, why });
    this.#saidOurOwn = true;
    return { names: [hostname], certificate: file, key: file };
  }

  #lookAgain(): void {
    this.#renewOurOwn();
    for (const pair of this.#pairs) pair.lookAgain();
  }

  /** On a disk that is full the old one serves on until it expires. */
  #renewOurOwn(): void {
    if (this.#selfSigned === '') return;
    const { log, now } = this.#world;
    const told = { hostname: this.#hostname, file: this.#selfSigned };
    try {
      if (keepSelfSigned(this.#selfSigned, this.#hostname, now()) === 'made') log.event('certificate.renewed', told);
    } catch (error) {
      log.error('certificate.refused', { ...told, why: error instanceof Error ? error.message : String(error) });
    }
  }

  #watch(): void {
    this.#watching.want(new Set(this.#pairs.flatMap(({ files }) => files)));
  }
}
