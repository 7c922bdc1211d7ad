/** The clients of the services that are configured, each behind its guard; one whose configuration a reload leaves alone stays as it is. */
import type { ServiceSettings } from '../../config/installation.ts';
import type { ServiceName } from '../../policy/services.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ServiceNews, Services, SpamScanner, VirusScanner } from '../../ports/services.ts';
import { clamd } from './clamd.ts';
import { Guard } from './guard.ts';
import { rspamd } from './rspamd.ts';
import { spamd } from './spamd.ts';

interface Kept {
  readonly service: ServiceName;
  readonly client: VirusScanner | SpamScanner;
  readonly guard: Guard;
}

export class ServiceClients {
  readonly #clock: Clock;
  readonly #tell: (news: ServiceNews) => void;
  /** By service and configuration. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, tell: (news: ServiceNews) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Nothing is asked of a service before a check, a probe or the doctor does. */
  of({ clamav, spamassassin, rspamd: http }: ServiceSettings): Services {
    return {
      ...(clamav && { clamav: this.#client('clamav', clamav, () => this.#virus('clamav', clamd(clamav))) }),
      ...(spamassassin && {
        spamassassin: this.#client('spamassassin', spamassassin, () => this.#spam('spamassassin', spamd(spamassassin))),
      }),
      ...(http && { rspamd: this.#client('rspamd', http, () => this.#spam('rspamd', rspamd(http))) }),
    };
  }

  /** What is not configured any more is not probed any more. */
  only(settings: ServiceSettings): void {
    const wanted = new Set(Object.entries(settings).map(([name, setting]) => keyOf(name, setting)));
    for (const [key, { guard }] of this.#kept) {
      if (wanted.has(key)) continue;
      guard.retire();
      this.#kept.delete(key);
    }
  }

  close(): void {
    this.only({});
  }

  #client<C extends VirusScanner | SpamScanner>(
    service: ServiceName,
    settings: object,
    make: () => { readonly client: C; readonly guard: Guard },
  ): C {
    const key = keyOf(service, settings);
    const known = this.#kept.get(key) ?? { service, ...make() };
    this.#kept.set(key, known);
    return known.client as C;
  }

  #guard(service: ServiceName, bare: VirusScanner | SpamScanner): Guard {
    const probe = (signal: AbortSignal) => bare.probe(signal);
    return new Guard({ service, clock: this.#clock, probe, tell: this.#tell });
  }

  /** Probes and versions are asked for by who wants to know whether it lives: they pass a guard that is shut. */
  #virus(service: ServiceName, bare: VirusScanner) {
    const guard = this.#guard(service, bare);
    const client: VirusScanner = {
      ...bare,
      scan: (file, signal) => guard.ask(file.message, () => bare.scan(file, signal)),
    };
    return { client, guard };
  }

  #spam(service: ServiceName, bare: SpamScanner) {
    const guard = this.#guard(service, bare);
    const client: SpamScanner = {
      ...bare,
      scan: (message, envelope, user, signal) =>
        guard.ask(message.sha256, () => bare.scan(message, envelope, user, signal)),
    };
    return { client, guard };
  }
}

const keyOf = (name: string, settings: object): string => JSON.stringify([name, settings]);
