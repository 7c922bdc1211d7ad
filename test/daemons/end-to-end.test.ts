/** The whole way with real parts: swaks hands mail to the gateway, the gateway asks unbound and hands it to Postfix or Dovecot. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { type InstallationFolder, installationFolder } from '../support/installation-folder.ts';
import { type Daemon, filesOf, provide, startDaemon } from './daemon.ts';

const missing = await provide('postfix', 'dovecot', 'unbound', 'swaks');

const POLICY = `policy: inbound
checks:
  connect:
    - rdns: {}
  mail:
    - spf: {}
  data:
    - dkim: {}
    - dmarc: {}
rules: {}
`;

const FORGED = 'Authentication-Results: mx.gateway.test; spf=pass smtp.mailfrom=bank.example\n';
const HEAD = `From: Alice <alice@mail.test>
To: bob@store.test
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <m1@mail.test>
Authentication-Results: other.example; spf=fail
`;
const BODY = `Subject: on the way
MIME-Version: 1.0
Content-Transfer-Encoding: 8bit

.
..
.dot, gr\xfc\xdfe \xff
From the start of a line

\tlong ${'x'.repeat(900)}
the end
`;

interface Story {
  readonly facts: { readonly spf: { readonly result: string } };
  readonly recipients: readonly { readonly address: string; readonly outcome: string }[];
  readonly events: readonly { readonly kind: string; readonly recipient: number }[];
}

describe.skipIf(missing !== '')('the gateway', () => {
  const daemons: Daemon[] = [];
  let postfix: Daemon;
  let dovecot: Daemon;
  let unbound: Daemon;

  beforeAll(async () => {
    [postfix, dovecot, unbound] = await Promise.all([
      startDaemon('postfix'),
      startDaemon('dovecot-lmtp'),
      startDaemon('unbound'),
    ]);
    daemons.push(postfix, dovecot, unbound);
  });
  afterAll(async () => {
    for (const daemon of daemons) await daemon.stop();
  });

  /** Before Postfix or Dovecot, with the recipients they know and one they do not. */
  async function before(route: string) {
    const at = installationFolder(
      [
        'domains: { store.test: { route: store, recipients: { inline: [alice, bob, carol, full, moved] } } }',
        `routes: { store: { ${route} } }`,
        `dns: { servers: ["127.0.0.1:${unbound.port}"] }`,
      ],
      { inbound: POLICY },
    );
    const gateway = new GatewayProcess(at.config);
    return { at, gateway, port: await gateway.port() };
  }
  const bySmtp = () => before(`hosts: ["127.0.0.1:${postfix.port}"], tls: none`);
  const byLmtp = () => before(`protocol: lmtp, hosts: ["unix:${dovecot.values.socket}"], tls: none`);

  const inbox = (user: string, kept: 'postfix' | 'dovecot') =>
    kept === 'postfix' ? join(postfix.dir, 'mail', user, 'new') : join(dovecot.dir, 'mail', user, 'Maildir/new');
  /** The message with this record's id in the inbox, once it is there. */
  async function delivered(folder: string, id: string): Promise<string> {
    let found: string | undefined;
    const look = () => {
      found = filesOf(folder).find((text) => text.includes(id));
      return found !== undefined;
    };
    await expect.poll(look, { timeout: 20_000, interval: 20 }).toBe(true);
    return found!;
  }
  /** What `postern trace` tells, once so many recipients have theirs: Postfix may be quicker than our commit. */
  async function story(at: InstallationFolder, id: string, ends: number): Promise<Story> {
    let found: Story | undefined;
    const look = async () => {
      const { code, out } = await postern('trace', id, '--json', '--config', at.config);
      expect(code).toBe(0);
      found = JSON.parse(out) as Story;
      return found.events.length;
    };
    await expect.poll(look, { timeout: 20_000 }).toBe(ends);
    return found!;
  }

  test('hands Postfix a message octet for octet below its trace fields, and takes a forged one of its own name away', async () => {
    const { at, port } = await bySmtp();
    const { code, said } = await swaks(at, port, 'bob@store.test', HEAD + FORGED + BODY);
    expect(code, said).toBe(0);
    const id = queuedAs(said);
    const text = await delivered(inbox('bob', 'postfix'), id);
    const top = text.slice(0, -(HEAD + BODY).length);
    expect(text.slice(top.length)).toBe(HEAD + BODY);
    const [, ours] = top.split(/(?<=\n)(?=Received: from mx1\.mail\.test)/);
    expect(ours?.replace(id, 'ID').replace(/\w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}/, 'DATE')).toBe(OUR_FIELDS);
    expect(text).toMatch(/^Return-Path: <alice@mail\.test>$/m);

    const { facts, recipients, events } = await story(at, id, 1);
    expect(facts.spf.result).toBe('pass');
    expect(recipients).toMatchObject([{ address: 'bob@store.test', outcome: 'queued' }]);
    expect(events).toMatchObject([
      {
        kind: 'delivered',
        recipient: 1,
        by: `127.0.0.1:${postfix.port}`,
        text: expect.stringMatching(/^250 2\.0\.0 /),
      },
    ]);
  });

  test('hands Dovecot a message for two by LMTP, each with one Return-Path, neither named in Received', async () => {
    const { at, port } = await byLmtp();
    const { code, said } = await swaks(at, port, 'bob@store.test,carol@store.test', HEAD + BODY);
    expect(code, said).toBe(0);
    const id = queuedAs(said);
    for (const user of ['bob', 'carol']) {
      const text = await delivered(inbox(user, 'dovecot'), id);
      expect(text.slice(-(HEAD + BODY).length)).toBe(HEAD + BODY);
      expect(text.match(/^Return-Path:.*$/gm)).toEqual(['Return-Path: <alice@mail.test>']);
      const [received] = /^Received: from mx1\.mail\.test[^;]*;/m.exec(text)!;
      expect(received).not.toContain('store.test');
    }
    const { events } = await story(at, id, 2);
    expect(events.map(({ kind, recipient }) => `${recipient} ${kind}`).sort()).toEqual(['1 delivered', '2 delivered']);
  });

  test('what Dovecot refuses after our 250 is kept for the postmaster when its sender cannot be reached', async () => {
    const { at, port } = await byLmtp();
    const { code, said } = await swaks(at, port, 'alice@store.test,full@store.test', HEAD + BODY);
    expect(code, said).toBe(0);
    const id = queuedAs(said);
    await delivered(inbox('alice', 'dovecot'), id);
    const kept = async () => {
      const { out } = await postern('quarantine', 'list', '--json', '--config', at.config);
      return out
        .split('\n')
        .filter((line) => line.includes(id))
        .map((line) => JSON.parse(line));
    };
    await expect
      .poll(kept, { timeout: 20_000 })
      .toMatchObject([{ class: 'undeliverable', reason: expect.stringMatching(/^552 5\.2\.2/) }]);
  });

  test('refuses to relay, and refuses whom nobody knows, while the others get theirs', async () => {
    const { at, port } = await bySmtp();
    const relay = await swaks(at, port, 'x@elsewhere.test', HEAD + BODY);
    expect(relay.said).toMatch(/<\*\* 550 5\.7\.1 \(ref \w{13}\.1\) relaying denied/);
    expect(relay.code).toBe(24); // none of its recipients was taken
    const mixed = await swaks(at, port, 'nobody@store.test,carol@store.test', HEAD + BODY);
    expect(mixed.said).toMatch(/<\*\* 550 5\.1\.1 \(ref \w{13}\.1\) nobody@store\.test: no such recipient here/);
    expect(mixed.code).toBe(0);
    const id = queuedAs(mixed.said);
    await delivered(inbox('carol', 'postfix'), id);
    const { recipients } = await story(at, id, 1);
    expect(recipients).toMatchObject([
      { address: 'nobody@store.test', outcome: 'refused' },
      { address: 'carol@store.test', outcome: 'queued' },
    ]);
  });
});

const OUR_FIELDS = `Received: from mx1.mail.test (mx1.mail.test [127.0.0.1])
\tby mx.gateway.test (Postern) with ESMTP id ID
\tfor <bob@store.test>;
\tDATE
Authentication-Results: mx.gateway.test; iprev=pass policy.iprev=127.0.0.1;
 spf=pass smtp.mailfrom=alice@mail.test; dkim=none; dmarc=none
 header.from=mail.test
`;

const queuedAs = (said: string): string => /250 2\.0\.0 queued as (\w{13})/.exec(said)![1]!;

function swaks(
  at: InstallationFolder,
  port: number,
  to: string,
  text: string,
): Promise<{ readonly code: number; readonly said: string }> {
  const file = join(at.folder, 'message.eml');
  writeFileSync(file, text.replace(/\n$/, ''), 'latin1'); // swaks ends the last line itself
  const options = [
    '--server',
    `127.0.0.1:${port}`,
    '--helo',
    'mx1.mail.test',
    '--from',
    'alice@mail.test',
    '--to',
    to,
    '--data',
    `@${file}`,
  ];
  return new Promise((resolve) => {
    execFile('swaks', options, { encoding: 'latin1' }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: out + err }),
    );
  });
}
