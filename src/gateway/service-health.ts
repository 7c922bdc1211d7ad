/** How the services are for the whole process: told once when the first thread has given one up, once when the last has it back. */
import type { Timestamp } from '../mail/time.ts';
import type { ServiceName } from '../policy/services.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceNews, ServiceStatus } from '../ports/services.ts';

interface Seen {
  readonly down: Map<number, ServiceNews>;
  since: Timestamp;
  lastError: string;
}

export class ServiceHealth {
  readonly #log: Log;
  readonly #began: Timestamp;
  readonly #seen = new Map<ServiceName, Seen>();

  constructor(log: Log, began: Timestamp) {
    this.#log = log;
    this.#began = began;
  }

  heard(thread: number, news: ServiceNews): void {
    const seen = this.#of(news.service);
    const before = seen.down.size;
    if (news.state === 'down') seen.down.set(thread, news);
    else seen.down.delete(thread);
    if (news.state === 'down') seen.lastError = news.why;
    if (before > 0 === seen.down.size > 0) return;
    seen.since = news.at;
    switch (news.state) {
      case 'down':
        this.#log.error('service.down', {
          service: news.service,
          error: news.why,
          remedy: "it is probed until it answers; `postern doctor` asks it now; until then the rules' on_error holds",
        });
        break;
      case 'up':
        this.#log.event('service.up', { service: news.service });
        break;
      case 'retired':
        break; // another, or none, stands in its place: nothing is known of it
    }
  }

  /** What a thread that ended knew is of no use. */
  gone(thread: number, at: Timestamp): void {
    for (const [service, { down }] of this.#seen)
      if (down.has(thread)) this.heard(thread, { service, state: 'retired', at, why: '' });
  }

  status(configured: readonly ServiceName[]): readonly ServiceStatus[] {
    return configured.map((service) => {
      const { down, since, lastError } = this.#seen.get(service) ?? fresh(this.#began);
      return { service, state: down.size > 0 ? 'down' : 'up', since, lastError };
    });
  }

  #of(service: ServiceName): Seen {
    const seen = this.#seen.get(service) ?? fresh(this.#began);
    this.#seen.set(service, seen);
    return seen;
  }
}

const fresh = (since: Timestamp): Seen => ({ down: new Map(), since, lastError: '' });
