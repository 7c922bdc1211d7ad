/** One pair of files in use: what stands in them takes over when it is sound, and otherwise is named once in the log. */
import type { SecureContext } from 'node:tls';
import { type PairFacts, type PairFault, pairFaults } from '../../config/certificate-pair.ts';
import type { Certificate } from '../../config/installation.ts';
import { mailDate } from '../../mail/date.ts';
import { days, type Timestamp } from '../../mail/time.ts';
import type { ClientIdentity } from '../../ports/client-identity.ts';
import type { Log } from '../../ports/log.ts';
import { type Pair, readPair } from './read-pair.ts';

/** An ACME client renews a month before the end; half of it is left when something is wrong with that. */
const NOTICE = days(14);

export interface PairWorld {
  readonly log: Log;
  readonly now: () => Timestamp;
}

export class KeptPair {
  readonly #world: PairWorld;
  #of: Certificate;
  #context: SecureContext;
  #text: string;
  #under: Pair['contextUnder'];
  #identity: ClientIdentity;
  /** By authority of clients; few, as listeners name them. */
  readonly #contexts = new Map<string, SecureContext>();
  /** What was said last, so that it is said once. */
  #said = '';
  #toldDay = 0;

  constructor(of: Certificate, world: PairWorld) {
    this.#world = world;
    this.#of = of;
    const pair = readPair(of.certificate, of.key, world.now());
    const faults = pairFaults(of.names, pair);
    const fatal = faults.filter(({ severity }) => severity === 'error');
    if (pair.kind !== 'read' || pair.context === undefined || fatal.length > 0)
      throw new Error(`Cannot use ${of.certificate} with ${of.key} as they must be a sound pair: ${sayFaults(fatal)}`);
    this.#context = pair.context;
    this.#text = pair.text;
    this.#under = pair.contextUnder;
    this.#identity = pair.identity;
    this.#tellTime(pair.facts);
  }

  /** For clients whose certificates this authority signs; '' for all others. */
  contextUnder(clientCa: string): SecureContext {
    if (clientCa === '') return this.#context;
    const known = this.#contexts.get(clientCa) ?? this.#under(clientCa);
    this.#contexts.set(clientCa, known);
    return known;
  }

  /** For the side of a handshake that is asked: a route's. */
  get identity(): ClientIdentity {
    return this.#identity;
  }

  get names(): readonly string[] {
    return this.#of.names;
  }

  get files(): readonly string[] {
    return [this.#of.certificate, this.#of.key];
  }

  isOf({ certificate, key }: Certificate): boolean {
    return certificate === this.#of.certificate && key === this.#of.key;
  }

  renamed(names: readonly string[]): this {
    this.#of = { ...this.#of, names };
    return this;
  }

  lookAgain(): void {
    const pair = readPair(this.#of.certificate, this.#of.key, this.#world.now());
    const same = pair.kind === 'read' && pair.text === this.#text;
    // What is in use may grow old there; what would take its place must be in its time.
    const faults = pairFaults(this.#of.names, pair).filter(({ severity }) => severity === 'error' || !same);
    if (pair.kind !== 'read' || pair.context === undefined || faults.length > 0) {
      this.#refuse(faults, pair);
      return;
    }
    this.#context = pair.context;
    this.#text = pair.text;
    this.#under = pair.contextUnder;
    this.#identity = pair.identity;
    this.#contexts.clear();
    if (!same) this.#world.log.event('certificate.replaced', { ...this.#name(), until: mailDate(pair.facts.notAfter) });
    else if (this.#said !== '') this.#world.log.event('certificate.mended', this.#name());
    this.#said = '';
    this.#tellTime(pair.facts);
  }

  #refuse(faults: readonly PairFault[], pair: Pair | { readonly kind: 'failed' }): void {
    const why = sayFaults(faults);
    const said = `${why}\n${pair.kind === 'read' ? pair.text : ''}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#world.log.error('certificate.refused', { ...this.#name(), why, now: 'the one before stays in use' });
  }

  /** Once a day. */
  #tellTime({ notBefore, notAfter, time }: PairFacts): void {
    const now = this.#world.now();
    const day = Math.floor(now / days(1));
    if (day === this.#toldDay || (time === 'valid' && notAfter - now > NOTICE)) return;
    this.#toldDay = day;
    const told = { ...this.#name(), from: mailDate(notBefore), until: mailDate(notAfter) };
    if (time === 'valid') this.#world.log.warn('certificate.expires', told);
    else this.#world.log.error(time === 'early' ? 'certificate.early' : 'certificate.expired', told);
  }

  #name(): Pick<Certificate, 'names' | 'certificate'> {
    const { names, certificate } = this.#of;
    return { names, certificate };
  }
}

const sayFaults = (faults: readonly PairFault[]): string =>
  faults.map(({ message, remedy }) => `${message} (${remedy})`).join('; ');
