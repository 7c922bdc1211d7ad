/** Delivery by MX where the better exchange is smtp-sink in its moods and the other one Postfix, found by DNS messages. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DnsClient } from '../../src/adapters/dns/client.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { consign } from '../../src/gateway/deliver.ts';
import type { LastAttempt, QueueEntry } from '../../src/queue/entry.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { SmtpDelivery } from '../../src/smtp/send/smtp-delivery.ts';
import { servedZones } from '../support/dns-zones.ts';
import { anEntry, aTiming } from '../support/entries.ts';
import { quiet } from '../support/gateway.ts';
import { sendWorld } from '../support/sending-world.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('postfix');
const never = new AbortController().signal;

describe.skipIf(missing !== '')('by MX', () => {
  let postfix: Daemon;
  let resolver: DnsClient;
  let out: SmtpDelivery;
  const ends: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    postfix = await startDaemon('postfix');
    const dns = await servedZones({
      'store.test': [{ MX: [20, 'postfix.test'] }, { MX: [10, 'sink.test'] }],
      'sink.test': [{ A: '127.0.0.2' }],
      'postfix.test': [{ A: '127.0.0.1' }],
    });
    resolver = new DnsClient({ servers: [dns.server], timeout: 2000, elapsed: systemClock.elapsed, log: quiet });
    ends.push(
      () => postfix.stop(),
      () => dns.close(),
      () => resolver.close(),
    );
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** With a sink of this mood as the better exchange; undefined: nobody is there. */
  async function among<T>(mood: string | undefined, use: () => Promise<T>): Promise<T> {
    const where = { ADDRESS: '127.0.0.2', PORT: String(postfix.port) };
    const sink = mood === undefined ? undefined : await startDaemon('sink', { OPTIONS: mood, ...where });
    out = new SmtpDelivery(sendWorld({ resolver }));
    try {
      return await use();
    } finally {
      await out.close();
      await sink?.stop();
    }
  }

  async function send(mark: string, entries: readonly Partial<QueueEntry>[] = [{}]): Promise<readonly AttemptResult[]> {
    const octets = Buffer.from(`Subject: ${mark}\r\n\r\nBody.\r\n`);
    const route = { ...aTiming, kind: 'mx', port: postfix.port, tls: 'none' } as const;
    const whole = entries.map((changes) => anEntry({ contentSize: octets.length, ...changes }));
    const read = async function* () {
      yield octets;
    };
    return out.deliver(consign(whole, route, read), never);
  }

  const brief = (results: readonly AttemptResult[]): string[] =>
    results.map((one) => {
      const said = 'reply' in one && one.reply !== null ? ` ${one.reply.code}` : '';
      return `${one.kind}${said} ${one.host.replace(/\[.*/, '')}`;
    });

  test.each<[string, string | undefined]>([
    ['is not there', undefined],
    ['refuses to talk for good', '-f CONNECT'],
    ['refuses to talk for now', '-r CONNECT'],
    ['says 421 and hangs up', '-Q MAIL'],
    ['hangs up at once', '-q CONNECT'],
    ['puts off the recipients', '-r RCPT'],
    ['puts off the message', '-r DATA'],
    ['hangs up after DATA', '-q DATA'],
  ])('the second exchange has the message when the first %s', async (_, mood) => {
    expect(await among(mood, () => send('second'))).toMatchObject([
      { kind: 'delivered', host: `postfix.test[127.0.0.1]:${postfix.port}`, to: 'dsnRelay' },
    ]);
  });

  test.each([
    ['is slow', '-w 2', 'delivered 250 sink.test'],
    ['has no PIPELINING', '-p', 'delivered 250 sink.test'],
    ['refuses the recipients', '-f RCPT', 'permanent 500 sink.test'],
    ['refuses the message', '-f DATA', 'permanent 500 sink.test'],
    ['loses the line after the dot', '-q .', 'indeterminate sink.test'],
  ])('the first one has the last word when it %s', async (_, mood, expected) => {
    expect(brief(await among(mood, () => send('first')))).toEqual([expected]);
  });

  test('what may lie with the first one is not given to the second, whatever becomes of the first', async () => {
    const [lost] = await among('-q .', () => send('lost'));
    const last: LastAttempt = { at: 0, host: lost!.host, said: '', enhanced: '4.4.2', onlyAt: lost!.host };
    expect(brief(await among(undefined, () => send('lost', [{ last }])))).toEqual(['transient sink.test']);
    expect(brief(await among('', () => send('lost', [{ last }])))).toEqual(['delivered 250 sink.test']);
  });

  test('each recipient has its own answer from the one that talks', async () => {
    const users = ['bob', 'full', 'moved'].map((user) => ({ recipient: `${user}@store.test` }));
    expect(brief(await among('-r RCPT', () => send('apart', users)))).toEqual([
      'delivered 250 postfix.test',
      'transient 452 postfix.test',
      'permanent 550 postfix.test',
    ]);
  });
});
