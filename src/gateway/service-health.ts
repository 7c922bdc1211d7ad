/** How the services are for the whole process: told once when the first thread has given one up, once when the last has it back. */
import type { Timestamp } from '../mail/time.ts';
import type { ServiceName } from '../policy/services.ts';
import type { Log } from '../ports/log.ts';
import type { ServiceNews, ServiceStatus } from '../ports/services.ts';

interface Seen {
  readonly down: Map<number, ServiceNews<string>>;
  since: Timestamp;
  lastError: string;
}

/** How an outage stands in the log. */
interface Words {
  readonly down: string;
  readonly up: string;
  readonly remedy: string;
}

const SERVICES: Words = {
  down: 'service.down',
  up: 'service.up',
  remedy: "it is probed until it answers; `postern doctor` asks it now; until then the rules' on_error holds",
};

/** Directories of users. */
export const DIRECTORIES: Words = {
  down: 'users.ldap.failed',
  up: 'users.ldap.restored',
  remedy: 'logins are answered 454; it is probed until it answers; `postern doctor` asks each of its addresses now',
};

export class ServiceHealth<Name extends string = ServiceName> {
  readonly #log: Log;
  readonly #began: Timestamp;
  readonly #words: Words;
  readonly #seen = new Map<Name, Seen>();

  constructor(log: Log, began: Timestamp, words = SERVICES) {
    this.#log = log;
    this.#began = began;
    this.#words = words;
  }

  heard(thread: number, news: ServiceNews<Name>): void {
    const seen = this.#of(news.service);
    const before = seen.down.size;
    if (news.state === 'down') seen.down.set(thread, news);
    else seen.down.delete(thread);
    if (news.state === 'down') seen.lastError = news.why;
    if (before > 0 === seen.down.size > 0) return;
    seen.since = news.at;
    switch (news.state) {
      case 'down':
        this.#log.error(this.#words.down, { service: news.service, error: news.why, remedy: this.#words.remedy });
        break;
      case 'up':
        this.#log.event(this.#words.up, { service: news.service });
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

  status(configured: readonly Name[]): readonly ServiceStatus<Name>[] {
    return configured.map((service) => {
      const { down, since, lastError } = this.#seen.get(service) ?? fresh(this.#began);
      return { service, state: down.size > 0 ? 'down' : 'up', since, lastError };
    });
  }

  #of(service: Name): Seen {
    const seen = this.#seen.get(service) ?? fresh(this.#began);
    this.#seen.set(service, seen);
    return seen;
  }
}

const fresh = (since: Timestamp): Seen => ({ down: new Map(), since, lastError: '' });
