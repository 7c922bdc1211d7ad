/** The whole receiving side over loopback, with a gateway's session behind each connection, watched and kept apart by client. */
import { idSource } from '../../../src/adapters/ids.ts';
import { MemoryContent } from '../../../src/adapters/memory/content.ts';
import { MemoryState } from '../../../src/adapters/memory/state.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { CHECKS } from '../../../src/checks/registry.ts';
import { openSession } from '../../../src/gateway/session.ts';
import type { World } from '../../../src/gateway/world.ts';
import { RangeSet } from '../../../src/mail/ip.ts';
import type { Log } from '../../../src/ports/log.ts';
import type { TransactionRecord } from '../../../src/record/record.ts';
import { createReceiver } from '../../../src/smtp/receive/receiver.ts';
import type { ClientInfo, Session } from '../../../src/smtp/receive/session.ts';
import { resolverOver, sound } from '../gateway.ts';
import { contextOf, makePair } from '../tls.ts';
import { WatchedSession } from './watched-session.ts';

export interface House {
  readonly port: number;
  /** What is seen of a client at this address from now on; each has an address of its own, in 127.0.0.0/8. */
  expect(ip: string): Seen;
  /** The client at this address is gone, and all of it was looked at. */
  forget(ip: string): void;
  /** What belongs to no client that is expected. */
  readonly strays: Seen;
  stop(): Promise<void>;
}

/** Remembered keys of greylist and rates: few, so that what grows is not what is meant to be remembered. */
const KEYS_MAX = 500;

export async function openHouse(): Promise<House> {
  const current = sound('fixtures/fuzz/postern.yaml');
  const listener = { ...current.installation.listeners[0]!, trusted: new RangeSet([]) };
  const content = new MemoryContent();
  const ids = idSource(1, 0, systemClock.now);
  const expected = new Map<string, Seen>();
  const strays = new Seen();
  // XCLIENT closes one session and opens the next at once, with an address of its own: it is the same client's.
  let closedLast: Seen = strays;
  const loud = (name: string, data: { readonly [key: string]: unknown } = {}): void => {
    const said = `log ${name} ${JSON.stringify(data, (_, value) => (value instanceof Error ? (value.stack ?? value.message) : value))}`;
    (expected.get(String(data.client)) ?? strays).wrong.push(said);
  };
  const log: Log = { event: () => {}, warn: loud, error: loud };
  const shared: Omit<World, 'queue' | 'records' | 'newId'> = {
    clock: systemClock,
    resolver: resolverOver(ZONES),
    content,
    state: new MemoryState('live', undefined, undefined, KEYS_MAX),
    checks: CHECKS,
    log,
    current: () => current,
    claim: () => undefined,
    admitted: () => {},
    words: undefined,
    signingKeys: undefined,
    rehearsal: undefined,
  };
  const open = (client: ClientInfo): Session => {
    const seen = expected.get(client.ip) ?? (client.ip.startsWith('127.') ? strays : closedLast);
    const world: World = {
      ...shared,
      newId: () => ids.next(),
      log: {
        event: () => {},
        warn: (name, data) => seen.logged(name, data),
        error: (name, data) => seen.logged(name, data),
      },
      queue: {
        async admit({ record, content: admitted }) {
          if (admitted === null) throw new Error('a message without content');
          await seen.admitted(record, admitted.open(NEVER));
          content.keep(admitted.ref);
          content.free(admitted.ref);
          return [];
        },
        suspensions: async () => [],
        suspend: async () => {},
      },
      records: { append: (record) => seen.recorded(record) },
    };
    const watched = new WatchedSession(openSession(world, listener, client), (what) => seen.wrong.push(what));
    seen.sessions.push(watched);
    const close = watched.close.bind(watched);
    watched.close = () => {
      close();
      closedLast = seen;
    };
    return watched;
  };
  const certificate = contextOf(makePair('mx.example.com'));
  const receiver = createReceiver({
    hostname: current.installation.hostname,
    host: '127.0.0.1',
    port: 0,
    newline: listener.newline,
    xclientFrom: ['127.0.0.0/8'],
    offer: () => ({ smtpUtf8: true, messageBytes: current.installation.limits.messageBytes }),
    dsn: true,
    tls: { mode: 'opportunistic', contextFor: () => certificate },
    limits: current.installation.limits,
    open,
    log,
    clock: systemClock,
  });
  const { port } = await receiver.listen();
  return {
    port,
    strays,
    expect(ip) {
      const seen = new Seen();
      expected.set(ip, seen);
      return seen;
    },
    forget: (ip) => void expected.delete(ip),
    stop: () => receiver.close(0),
  };
}

/** What the gateway did for one client. */
export class Seen {
  readonly wrong: string[] = [];
  readonly sessions: WatchedSession[] = [];
  readonly admissions: string[] = [];
  readonly records: string[] = [];

  /** All that was begun has ended: nothing more is to come. */
  get whole(): boolean {
    return this.sessions.every(({ closed, resting }) => closed && resting) && this.records.length >= this.recordsDue;
  }

  /** One a transaction, and one for a session that had none. */
  get recordsDue(): number {
    return this.sessions.reduce((sum, { transactions }) => sum + Math.max(1, transactions), 0);
  }

  logged(name: string, data: { readonly [key: string]: unknown } = {}): void {
    this.wrong.push(`log ${name} ${JSON.stringify(data)}`);
  }

  recorded({ id }: TransactionRecord): void {
    if (this.records.includes(id)) this.wrong.push(`a second record ${id}`);
    this.records.push(id);
    if (this.records.length > this.recordsDue) this.wrong.push(`${this.records.length} records of ${this.recordsDue}`);
  }

  async admitted(record: TransactionRecord, octets: AsyncIterable<Uint8Array>): Promise<void> {
    this.recorded(record);
    this.admissions.push(record.id);
    let text = '';
    for await (const chunk of octets) text += Buffer.from(chunk).toString('latin1');
    const at = text.search(FOUL);
    if (at >= 0)
      this.wrong.push(`admitted a bare CR, LF or NUL: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))}`);
  }

  /** What can only be said when all has ended. */
  conclude(): void {
    if (this.records.length !== this.recordsDue)
      this.wrong.push(`${this.records.length} records where there should be ${this.recordsDue}`);
    for (const session of this.sessions) {
      if (!session.closed) this.wrong.push('a session that was not closed');
      if (session.writing !== 0) this.wrong.push('a message that was neither finished nor abandoned');
      if (session.finished !== undefined) this.wrong.push('a finished message that nobody took');
    }
    const promised = this.sessions.flatMap((session) => session.promised);
    if (promised.toSorted().join() !== this.admissions.toSorted().join())
      this.wrong.push(`250 was said for [${promised}], and admitted were [${this.admissions}]`);
  }
}

const FOUL = /\0|\r(?!\n)|(?<!\r)\n/;
const NEVER = new AbortController().signal;

const ZONES = {
  'client.example.net': [{ A: '192.0.2.7' }],
  'example.net': [{ TXT: 'v=spf1 ip4:192.0.2.0/24 -all' }, { MX: [10, 'mx.example.net'] }],
  'mx.example.net': [{ A: '192.0.2.1' }],
  'null.example': [{ MX: [0, '.'] }],
  'reject.example': [{ A: '192.0.2.9' }],
  '_dmarc.reject.example': [{ TXT: 'v=DMARC1; p=reject' }],
  'dead.example': ['SERVFAIL' as const],
  '_dmarc.dead.example': ['SERVFAIL' as const],
};
