/** The resolver port over the network: a stub resolver with several servers, retries, a cache, and equal questions joined. */
import { lowerAscii, questionName } from '../../mail/dns-name.ts';
import type { Millis } from '../../mail/time.ts';
import type { Log } from '../../ports/log.ts';
import type { DnsAnswer, DnsType, Resolver } from '../../ports/resolver.ts';
import { DnsCache } from './cache.ts';
import { ALIASES_MAX } from './reply.ts';
import { askServers, type ServerSet, serverSet } from './servers.ts';

export interface DnsClientOptions {
  /** `127.0.0.1:53`, in order of preference; at least one. */
  readonly servers: readonly string[];
  /** For a whole question, with all its tries and servers. */
  readonly timeout: Millis;
  /** Monotonic time. */
  readonly elapsed: () => Millis;
  readonly log: Log;
}

/** Different questions under way at once. A flood beyond it is answered `limit` at once rather than late. */
const OUTSTANDING_MAX = 4096;

export class DnsClient implements Resolver {
  private readonly cache = new DnsCache();
  private readonly underWay = new Map<string, UnderWay>();
  private readonly servers: ServerSet;
  private readonly options: DnsClientOptions;

  constructor(options: DnsClientOptions) {
    this.options = options;
    this.servers = serverSet(options.servers, options.log);
  }

  resolve(asked: string, type: DnsType, signal: AbortSignal): Promise<DnsAnswer> {
    const name = questionName(asked);
    const basis = { name: name ?? lowerAscii(asked), type, cached: false, ttl: 0, secure: false, server: '' };
    if (signal.aborted) return Promise.resolve({ ...basis, kind: 'failed', rcode: '', cause: 'cancelled' });
    // No message can carry it, so nobody can own it; RFC 7208 §4.3 treats such a name as one that does not exist.
    if (name === undefined) return Promise.resolve({ ...basis, kind: 'empty', rcode: 'NXDOMAIN', why: 'noSuchName' });
    const key = `${type} ${name}`;
    const kept = this.cache.get(key, this.options.elapsed());
    if (kept !== undefined) return Promise.resolve(kept);
    const joined = this.underWay.get(key);
    if (joined !== undefined && !joined.aborted) return joined.join(signal);
    if (this.underWay.size >= OUTSTANDING_MAX)
      return Promise.resolve({ ...basis, kind: 'failed', rcode: '', cause: 'limit' });
    const fresh = new UnderWay({ name, type }, (own) => this.ask(name, type, own));
    this.underWay.set(key, fresh);
    const answer = fresh.join(signal);
    void fresh.answer.then((came) => {
      if (this.underWay.get(key) === fresh) this.underWay.delete(key);
      this.cache.put(key, came, this.options.elapsed());
    });
    return answer;
  }

  /** Ends what is under way and forgets what is kept. */
  close(): void {
    for (const question of this.underWay.values()) question.abort();
    this.servers.close();
    this.cache.clear();
  }

  /** Follows aliases that leave the first answer, as an authority (no resolver) gives them. */
  private async ask(name: string, type: DnsType, signal: AbortSignal): Promise<DnsAnswer> {
    const ends = this.options.elapsed() + this.options.timeout;
    const basis = { name, type, cached: false };
    let at = name;
    let ttl = Number.POSITIVE_INFINITY;
    let secure = true;
    let server = '';
    for (let alias = 0; alias <= ALIASES_MAX; alias++) {
      const left = ends - this.options.elapsed();
      const said = await askServers(this.servers, { name: at, type, left, elapsed: this.options.elapsed }, signal);
      server = said.server;
      if (said.kind === 'failed')
        return { ...basis, kind: 'failed', rcode: said.rcode, cause: said.cause, ttl: 0, secure: false, server };
      ttl = Math.min(ttl, said.ttl);
      secure &&= said.secure;
      if (said.kind === 'found')
        return { ...basis, kind: 'found', rcode: 'NOERROR', records: said.records, ttl, secure, server };
      if (said.kind === 'empty') {
        const rcode = said.why === 'noSuchName' ? 'NXDOMAIN' : 'NOERROR';
        return { ...basis, kind: 'empty', rcode, why: said.why, ttl, secure, server };
      }
      const target = questionName(said.name);
      if (target === undefined)
        return { ...basis, kind: 'failed', rcode: 'NOERROR', cause: 'malformed', ttl: 0, secure: false, server };
      at = target;
    }
    return { ...basis, kind: 'failed', rcode: '', cause: 'limit', ttl: 0, secure: false, server };
  }
}

/** One question for all who ask it now. When the last of them has gone, it stops. */
class UnderWay {
  readonly answer: Promise<DnsAnswer>;
  private readonly own = new AbortController();
  private readonly question: { readonly name: string; readonly type: DnsType };
  private waiting = 0;

  constructor(
    question: { readonly name: string; readonly type: DnsType },
    start: (signal: AbortSignal) => Promise<DnsAnswer>,
  ) {
    this.question = question;
    this.answer = start(this.own.signal);
  }

  join(signal: AbortSignal): Promise<DnsAnswer> {
    this.waiting++;
    return new Promise((resolve) => {
      const leave = () => {
        signal.removeEventListener('abort', leave);
        if (--this.waiting === 0) this.abort();
        const basis = { ...this.question, cached: false, ttl: 0, secure: false, server: '' };
        resolve({ ...basis, kind: 'failed', rcode: '', cause: 'cancelled' });
      };
      signal.addEventListener('abort', leave);
      void this.answer.then((answer) => {
        signal.removeEventListener('abort', leave);
        resolve(answer);
      });
    });
  }

  get aborted(): boolean {
    return this.own.signal.aborted;
  }

  abort(): void {
    this.own.abort();
  }
}
