/** A gateway on a free loopback port over memory stores and zones, and a client that plays scenarios at it over real SMTP. */
import { createConnection, type Socket } from 'node:net';
import { idSource } from '../../src/adapters/ids.ts';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../src/gateway/dns/zone-resolver.ts';
import { RecipientLists } from '../../src/gateway/recipient-list.ts';
import { wireOctets } from '../../src/gateway/rehearse.ts';
import { openSession } from '../../src/gateway/session.ts';
import type { Current, World } from '../../src/gateway/world.ts';
import { RangeSet } from '../../src/mail/ip.ts';
import { configure } from '../../src/main/configure.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Admission } from '../../src/ports/queue.ts';
import type { Resolver } from '../../src/ports/resolver.ts';
import type { StateStore } from '../../src/ports/state.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import type { Scenario, Zones } from '../../src/record/scenario.ts';
import { createReceiver, type ReceiverOptions } from '../../src/smtp/receive/receiver.ts';

/** The configuration in force for tests; a mistake in it is the test's failure. */
export function sound(file: string): Current {
  const lists = new RecipientLists({ watch: () => () => {} }, quiet);
  const { current, problems } = configure(file, systemClock, lists);
  if (current === undefined)
    throw new Error(problems.map(({ place, message }) => `${place.file}:${place.line} ${message}`).join('\n'));
  return current;
}

export const quiet: Log = { event: () => {}, warn: () => {}, error: () => {} };

export function resolverOver(zones: Zones): Resolver {
  const parsed = parseZones(zones);
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  return zoneResolver(parsed.zones);
}

export interface TestGateway {
  readonly port: number;
  readonly records: TransactionRecord[];
  readonly admissions: Admission[];
  readonly errors: string[];
  /** The state the next session begins with. */
  state: StateStore;
  now: number;
  stop(): Promise<void>;
}

export async function testGateway(
  current: Current,
  resolver: Resolver,
  listenerName?: string,
  more: Partial<ReceiverOptions> = {},
): Promise<TestGateway> {
  const store = memoryStore();
  const ids = idSource(1, 0, systemClock.now);
  const gateway: Omit<TestGateway, 'port' | 'stop'> = {
    records: [],
    admissions: [],
    errors: [],
    state: new MemoryState(),
    now: Date.UTC(2026, 10, 22, 10),
  };
  const world: World = {
    clock: { ...systemClock, now: () => gateway.now },
    newId: () => ids.next(),
    resolver,
    content: store.content,
    queue: {
      admit: async (admission) => {
        gateway.admissions.push(admission);
        gateway.records.push(admission.record);
        return [];
      },
      suspensions: async () => [],
      suspend: async () => {},
    },
    records: { append: (record) => void gateway.records.push(record) },
    get state() {
      return gateway.state;
    },
    checks: CHECKS,
    log: { ...quiet, error: (name, data) => void gateway.errors.push(`${name} ${JSON.stringify(data)}`) },
    current: () => current,
    claim: () => undefined,
    admitted: () => {},
    words: undefined,
    signingKeys: undefined,
    rehearsal: undefined,
  };
  const listener = current.installation.listeners.find(
    ({ name }) => listenerName === undefined || name === listenerName,
  )!;
  const receiver = createReceiver({
    hostname: current.installation.hostname,
    host: '127.0.0.1',
    port: 0,
    newline: listener.newline,
    xclientFrom: ['127.0.0.1'],
    offer: () => ({ smtpUtf8: false, messageBytes: current.installation.limits.messageBytes }),
    dsn: false,
    limits: current.installation.limits,
    open: (client) => openSession(world, { ...listener, trusted: new RangeSet([]) }, client),
    log: world.log,
    clock: systemClock,
    ...more,
  });
  const { port } = await receiver.listen();
  return Object.assign(gateway, { port, stop: () => receiver.close(0) });
}

/** Plays one scenario as a client would, and answers every reply's first line. */
export async function play(port: number, scenario: Scenario): Promise<string[]> {
  const client = new Talker(createConnection(port, '127.0.0.1'));
  const replies: string[] = [];
  const say = async (line: string): Promise<number> => {
    const reply = await client.command(line);
    replies.push(reply);
    return Number(reply.slice(0, 3));
  };
  try {
    await client.reply();
    const attributes = [`ADDR=${scenario.client_ip?.includes(':') ? 'IPV6:' : ''}${scenario.client_ip ?? '192.0.2.1'}`];
    if (scenario.client_name !== undefined) attributes.push(`NAME=${scenario.client_name}`);
    await client.command('EHLO upstream.example');
    if ((await say(`XCLIENT ${attributes.join(' ')}`)) >= 400) return replies;
    if ((await say(`EHLO ${scenario.helo ?? 'client.invalid'}`)) >= 400) return replies;
    if ((await say(`MAIL FROM:<${scenario.mail_from ?? ''}>`)) >= 400) return replies;
    for (const recipient of scenario.rcpt ?? []) await say(`RCPT TO:<${recipient}>`);
    if (scenario.raw === undefined) return replies;
    if ((await say('DATA')) !== 354) return replies;
    const text = Buffer.from(wireOctets(Buffer.from(scenario.raw, 'utf8'))).toString('latin1');
    const stuffed = text.replace(/^\./, '..').replaceAll('\r\n.', '\r\n..');
    client.socket.write(`${stuffed.endsWith('\r\n') || stuffed === '' ? stuffed : `${stuffed}\r\n`}.\r\n`, 'latin1');
    replies.push(await client.reply());
    return replies;
  } finally {
    await client.quit();
  }
}

class Talker {
  readonly socket: Socket;
  #buffer = '';
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#buffer += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('error', () => this.#wake?.());
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  command(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  /** A whole reply; '' when the connection ended without one. */
  async reply(): Promise<string> {
    for (;;) {
      const end = /(?:^|\r\n)\d{3} [^\r\n]*\r\n/.exec(this.#buffer);
      if (end !== null) {
        const reply = this.#buffer.slice(0, end.index + end[0].length);
        this.#buffer = this.#buffer.slice(reply.length);
        return reply;
      }
      if (this.#closed) return '';
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async quit(): Promise<void> {
    if (this.#closed) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.socket.end('QUIT\r\n');
    await closed;
  }
}
