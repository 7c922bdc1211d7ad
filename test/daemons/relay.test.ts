/** Our client against the servers it was made for: Postfix by SMTP, Dovecot by LMTP, smtp-sink where they misbehave. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consign } from '../../src/gateway/deliver.ts';
import { composeDsn } from '../../src/queue/dsn.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { HostAddress, Route } from '../../src/queue/route.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { SmtpDelivery } from '../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming, from, T0 } from '../support/entries.ts';
import { sendWorld } from '../support/sending-world.ts';
import { type Daemon, filesOf, provide, startDaemon } from './daemon.ts';

const missing = await provide('postfix', 'dovecot');
const never = new AbortController().signal;

const at = (port: number): HostAddress => ({ kind: 'tcp', host: '127.0.0.1', port });
const route = (protocol: 'smtp' | 'lmtp', ...hosts: HostAddress[]): Route => ({
  ...aTiming,
  kind: 'hosts',
  protocol,
  hosts,
  tls: 'none',
  auth: null,
});
const brief = (results: readonly AttemptResult[]) =>
  results.map((r) => ('reply' in r && r.reply !== null ? `${r.kind} ${r.reply.code} ${r.reply.enhanced}` : r.kind));

/** Waits for what a daemon does in its own time; bounded by the test's own timeout. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await pause(20);
  }
}
const withText = (folder: string, mark: string) => until(() => filesOf(folder).find((text) => text.includes(mark)));
/** The body as a Unix mail store keeps it: lines without CR. */
const bodyOf = (text: string) => text.replaceAll('\r\n', '\n').slice(text.replaceAll('\r\n', '\n').indexOf('\n\n') + 2);

const AWKWARD = '.\r\n..\r\n.dot\r\n\r\nFrom here\r\n gr\xfc\xdfe \xff\r\n\tlong '.concat('x'.repeat(900), '\r\n');

describe.skipIf(missing !== '')('the client', () => {
  const daemons: Daemon[] = [];
  let postfix: Daemon;
  let dovecot: Daemon;
  const out = new SmtpDelivery(sendWorld());

  const start = async (recipe: string, env: { readonly [name: string]: string } = {}) => {
    const daemon = await startDaemon(recipe, env);
    daemons.push(daemon);
    return daemon;
  };
  beforeAll(async () => {
    [postfix, dovecot] = await Promise.all([start('postfix'), start('dovecot-lmtp')]);
  });
  afterAll(async () => {
    await out.close();
    for (const daemon of daemons) await daemon.stop();
  });

  const send = (to: Route, entries: readonly Partial<QueueEntry>[], text: string) => {
    const octets = Buffer.from(text, 'latin1');
    const whole = entries.map((changes) => anEntry({ body: '8BITMIME', contentSize: octets.length, ...changes }));
    const read = async function* () {
      for (let n = 0; n < octets.length; n += 1000) yield octets.subarray(n, n + 1000);
    };
    return out.deliver(consign(whole, to, read), never);
  };
  const message = (mark: string, body: string) => `Subject: ${mark}\r\nFrom: <alice@sender.test>\r\n\r\n${body}`;

  test('hands Postfix a message octet for octet, and tells its recipients apart', async () => {
    const results = await send(
      route('smtp', at(postfix.port)),
      ['bob', 'carol', 'full', 'later', 'moved', 'nobody'].map((user) => ({ recipient: `${user}@store.test` })),
      message('to-postfix', AWKWARD),
    );
    expect(brief(results)).toEqual([
      'delivered 250 2.0.0',
      'delivered 250 2.0.0',
      'transient 452 4.2.2',
      'transient 451 4.3.0',
      'permanent 550 5.1.6',
      'permanent 550 5.1.1',
    ]);
    expect(results[0]).toMatchObject({ to: 'dsnRelay' });
    for (const user of ['bob', 'carol'])
      expect(bodyOf(await withText(join(postfix.dir, 'mail', user, 'new'), 'to-postfix'))).toBe(
        AWKWARD.replaceAll('\r\n', '\n'),
      );
  });

  test('hands Dovecot a message by LMTP, over TCP and a unix socket, with a reply for each recipient', async () => {
    const users = ['bob', 'full', 'nobody', 'alice'].map((user) => ({ recipient: `${user}@store.test` }));
    for (const [mark, host] of [
      ['by-tcp', at(dovecot.port)],
      ['by-unix', { kind: 'unix', path: dovecot.values.socket! }],
    ] as const) {
      const results = await send(route('lmtp', host), users, message(mark, AWKWARD));
      expect(brief(results)).toEqual([
        'delivered 250 2.0.0',
        'permanent 552 5.2.2',
        'permanent 550 5.1.1',
        'delivered 250 2.0.0',
      ]);
      const text = await withText(join(dovecot.dir, 'mail/bob/Maildir/new'), mark);
      expect(bodyOf(text)).toBe(AWKWARD.replaceAll('\r\n', '\n'));
      expect(text).toMatch(/^Return-Path: <alice@sender\.test>/m);
    }
  });

  test('goes to the second host when the first is not there', async () => {
    const gone = await start('sink');
    await gone.stop();
    const results = await send(route('smtp', at(gone.port), at(postfix.port)), [{}], message('failover', 'x\r\n'));
    expect(results).toMatchObject([{ kind: 'delivered', host: `127.0.0.1:${postfix.port}` }]);
  });

  test.each([
    ['-q DATA', 'transient'],
    ['-r RCPT', 'transient 450 4.3.0'],
    ['-f DATA', 'permanent 500 5.3.0'],
    ['-f EHLO', 'delivered 250 2.0.0'],
    ['-p', 'delivered 250 2.0.0'],
    ['-q .', 'indeterminate'],
  ])('says of smtp-sink %s: %s', async (options, expected) => {
    const sink = await start('sink', { OPTIONS: options });
    expect(brief(await send(route('smtp', at(sink.port)), [{}], message('sink', 'x\r\n')))).toEqual([expected]);
  });

  test('has its notifications taken by Postfix, whole', async () => {
    const octets = Buffer.from(
      composeDsn({
        id: '3f9k2m7q0d5xb',
        hostname: 'mx.gateway.test',
        to: 'alice@store.test',
        at: T0,
        arrivedAt: T0,
        envid: 'env',
        recordId: '3f9k2m7q0d5xa',
        recipients: [
          {
            recipient: 'x@elsewhere.test',
            orcpt: 'rfc822;x@elsewhere.test',
            retryUntil: T0,
            report: {
              action: 'failed',
              status: '5.1.1',
              host: 'a:25',
              reply: { code: 550, enhanced: '5.1.1', text: 'no' },
              said: '550 5.1.1 no',
              at: T0,
            },
          },
        ],
        original: { octets: Buffer.from('Subject: gr\xfc\xdfe\r\n', 'latin1'), whole: false, utf8: false },
      }),
    ).toString('latin1');
    const results = await send(
      route('smtp', at(postfix.port)),
      [{ recipient: 'alice@store.test', reversePath: from('') }],
      octets,
    );
    expect(brief(results)).toEqual(['delivered 250 2.0.0']);
    const text = await withText(join(postfix.dir, 'mail/alice/new'), '3f9k2m7q0d5xb');
    expect(text).toMatch(/^Return-Path: <>/m);
    expect(bodyOf(text)).toBe(bodyOf(octets));
  });
});
