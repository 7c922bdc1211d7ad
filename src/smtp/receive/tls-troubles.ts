/** TLS that failed, in the log: scanners and old clients fail by the thousand; at once and once more a minute and network tells enough. */
import { networkOf, parseIp } from '../../mail/ip.ts';
import { minutes, type Timestamp } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';

interface Fold {
  readonly ends: Timestamp;
  /** Behind the one that was told at once. */
  more: number;
  last: { readonly client: string; readonly why: string };
}

export class TlsTroubles {
  readonly #log: Pick<Log, 'event'>;
  readonly #folds = new Map<string, Fold>();

  constructor(log: Pick<Log, 'event'>) {
    this.#log = log;
  }

  failed(client: string, why: string, now: Timestamp): void {
    const ip = parseIp(client);
    const own = ip === undefined ? client : networkOf(ip);
    const network = this.#folds.size < NETWORKS_MAX || this.#folds.has(own) ? own : '*';
    const fold = this.#folds.get(network);
    if (fold !== undefined) {
      fold.more++;
      fold.last = { client, why };
      return;
    }
    // Nothing for a person to mend: an event, no warning.
    this.#log.event('smtp.tls.failed', { client, network, why });
    this.#folds.set(network, { ends: now + FOLD, more: 0, last: { client, why } });
  }

  /** Tells what came more in minutes that ended; with no time given, in all. */
  sweep(now: Timestamp = Number.POSITIVE_INFINITY): void {
    for (const [network, { ends, more, last }] of this.#folds) {
      // A clock that was set back does not keep them open for ever.
      if (ends > now && ends - now <= FOLD) continue;
      this.#folds.delete(network);
      if (more > 0) this.#log.event('smtp.tls.failed', { ...last, network, more });
    }
  }
}

const FOLD = minutes(1);
/** Networks told apart at once; what comes from others is one line together. */
const NETWORKS_MAX = 200;
