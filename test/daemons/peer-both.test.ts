/** A gateway between two Postfix: one hands it mail and the other takes it, and on both sides whoever is called proves who he is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { speak } from '../support/speak.ts';
import { Authority } from './authority.ts';
import { type Daemon, filesOf, provide, startDaemon } from './daemon.ts';
import { Operated } from './operated.ts';

const missing = await provide('postfix');

describe.skipIf(missing !== '')('from Postfix through the gateway to Postfix', () => {
  const ends: (() => Promise<void> | void)[] = [];
  let gateway: Operated;
  let outside: Daemon;
  let inside: Daemon;

  beforeAll(async () => {
    const authority = new Authority();
    ends.push(() => authority.close());
    const store = authority.issue(['localhost']);
    inside = await startDaemon('postfix', {
      MAIN: [
        'smtpd_tls_security_level = may',
        `smtpd_tls_cert_file = ${store.certificate}`,
        `smtpd_tls_key_file = ${store.key}`,
        'smtpd_tls_received_header = yes',
      ].join('\n'),
    });
    ends.push(() => inside.stop());
    const ours = authority.issue(['mx.gateway.test']);
    gateway = await Operated.start({
      authority: authority.file,
      listener: 'tls: required',
      lines: [
        'domains: { store.test: { route: store, recipients: { inline: [alice, bob, carol, full, moved] } } }',
        `routes: { store: { hosts: ["localhost:${inside.port}"], tls: verified } }`,
        `certificates: [{ names: [mx.gateway.test], certificate: "${ours.certificate}", key: "${ours.key}" }]`,
        'queue: { retry: [1h] }',
      ],
    });
    ends.push(() => gateway.stop());
    const next = (host: string) => `[${host}]:${gateway.port}`;
    outside = await startDaemon('postfix', {
      MAIN: [
        'myhostname = outside.test',
        'virtual_mailbox_domains = sender.test',
        'virtual_mailbox_maps = static:box/',
        'smtpd_relay_restrictions = permit_mynetworks, reject',
        'smtpd_recipient_restrictions = permit_mynetworks, reject',
        'default_transport = smtp',
        `relayhost = ${next('127.0.0.1')}`,
        `transport_maps = inline:{ other.test=smtp:${next('localhost')} }`,
        `smtp_tls_CAfile = ${authority.file}`,
        'smtp_tls_security_level = secure',
        `smtp_tls_policy_maps = inline:{ { ${next('127.0.0.1')} = secure match=mx.gateway.test }, { ${next('localhost')} = secure match=mx.other.test } }`,
        'smtp_tls_loglevel = 1',
      ].join('\n'),
    });
    ends.push(() => outside.stop());
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  const sent = async (mark: string, ...to: readonly string[]) =>
    expect(
      await speak(`127.0.0.1:${outside.port}`, [
        'EHLO client.test',
        'MAIL FROM:<dora@sender.test>',
        ...to.map((one) => `RCPT TO:<${one}>`),
        'DATA',
        `From: dora@sender.test\r\nTo: bob@store.test\r\nSubject: ${mark}\r\n\r\n${mark}.\r\n.`,
        'QUIT',
      ]),
    ).toMatch(/^250 /);
  const log = () => readFileSync(join(outside.dir, 'postfix-mail.log'), 'utf8');
  /** The message with this mark in a mailbox, once it is there. */
  async function arrived(folder: string, mark: string): Promise<string> {
    const look = () => filesOf(folder).find((text) => text.includes(mark));
    await expect.poll(look, { timeout: 30_000 }).toBeDefined();
    return look()!;
  }
  const inbox = (user: string) => join(inside.dir, 'mail', user, 'new');

  test('each proves its name to the one before it, and the record says so', async () => {
    await sent('all the way', 'bob@store.test');
    const text = await arrived(inbox('bob'), 'all the way');
    const [, id] = /^\tby mx\.gateway\.test \(Postern\) with ESMTPS id (\w{13})/m.exec(text) ?? [];
    expect(text).toMatch(/^Received: from mx\.gateway\.test [^\n]*\n\t\(using TLSv1\.3 /m);
    await expect.poll(log).toMatch(/Verified TLS connection established to 127\.0\.0\.1\S+: TLSv1\.3/);
    expect(log()).toMatch(new RegExp(`status=sent \\(250 2\\.0\\.0 queued as ${id}\\)`));
    expect(await gateway.first(id!)).toMatchObject({
      kind: 'delivered',
      by: `localhost:${inside.port}`,
      text: expect.stringMatching(/^250 2\.0\.0 .* \[TLSv1\.3, verified\]$/),
    });
    expect(await gateway.run('trace', id!)).toContain('[TLSv1.3, verified]');
  });

  test('whom the gateway refuses the first Postfix tells of, and whom the second puts off the gateway keeps', async () => {
    await sent('some of them', 'nobody@store.test', 'carol@store.test', 'full@store.test');
    const id = /with ESMTPS id (\w{13})/.exec(await arrived(inbox('carol'), 'some of them'))![1]!;
    const bounce = await arrived(join(outside.dir, 'mail/box/new'), 'Final-Recipient: rfc822; nobody@store.test');
    expect(bounce).toMatch(/^Diagnostic-Code: smtp; 550 5\.1\.1 \(ref \w{13}\.\d\)/m);
    await gateway.until(id, ({ length }) => length === 2);
    expect(await gateway.waiting('--domain', 'store.test')).toMatchObject([
      {
        recipient: 'full@store.test',
        attempts: 1,
        last: { said: '452 4.2.2 <full@store.test>: Recipient address rejected: mailbox full' },
      },
    ]);
  });

  test('a gateway of another name than was asked for gets nothing from Postfix', async () => {
    await sent('for another', 'bob@other.test');
    await expect
      .poll(log, { timeout: 30_000 })
      .toMatch(/<bob@other\.test>.* status=deferred \(Server certificate not verified\)/);
  });
});
