/** How often a client may ask in a minute: a guess costs us a hash, a page costs us a look into the store. */
import { isIP } from 'node:net';
import { networkOf, parseIp } from '../../mail/ip.ts';
import { type Millis, minutes } from '../../mail/time.ts';

/** A person opens a page a second at most; scanners of one office come from one address. */
const REQUESTS_MAX = 60;
const WINDOW = minutes(1);
/** Clients told apart; those beyond share one count. */
const CLIENTS_MAX = 10_000;

export class ClientRate {
  #counts = new Map<string, number>();
  #since: Millis | undefined;

  /** `elapsed` is monotonic. */
  takes(client: string, elapsed: Millis): boolean {
    if (this.#since === undefined || elapsed - this.#since >= WINDOW) {
      this.#counts = new Map();
      this.#since = elapsed;
    }
    const known = this.#counts.has(client) || this.#counts.size < CLIENTS_MAX;
    const key = known ? client : '';
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= REQUESTS_MAX;
  }
}

/**
 * Who asks. Only a proxy of ours reaches the address these pages are served at, and the last entry of X-Forwarded-For is the
 * one it wrote; whoever else is let in can tell lies about who to count, and no more. An IPv6 client is its /64.
 */
export function clientOf(peer: string, forwarded: string | undefined): string {
  const told = forwarded?.slice(-100).split(',').at(-1)?.trim() ?? '';
  const text = isIP(told) === 0 ? peer : told;
  const ip = parseIp(text);
  if (ip === undefined) return text;
  return ip.family === 6 ? networkOf(ip) : ip.text;
}
