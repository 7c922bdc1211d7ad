/** The checks clamav, spamassassin and rspamd against the real daemons. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServiceClients } from '../../src/adapters/services/service-clients.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { clamav } from '../../src/checks/clamav.ts';
import { rspamd } from '../../src/checks/rspamd.ts';
import { spamassassin } from '../../src/checks/spamassassin.ts';
import type { Services } from '../../src/ports/services.ts';
import { runOn, wire } from '../support/check-bench.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('clamd', 'spamd', 'rspamd');

// In halves, so that this file is none of them.
const EICAR = `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND'}${'ARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;
const GTUBE = `XJS*C4JDBQADN1.NSBN3*2IDNEN*${'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL'}*C.34X`;
const mail = (body: string, more = ''): Uint8Array =>
  wire(`Received: from client.example (client.example [192.0.2.1]) by mx.example.net; Sun, 22 Nov 2026 10:00:00 +0000
From: Alice <a@example.org>
To: b@example.net
Subject: hello
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <1@example.org>
MIME-Version: 1.0
${more}
${body}
`);
const attached = (octets: string): Uint8Array =>
  mail(
    `--x\nContent-Type: text/plain\n\nhello\n--x\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n${Buffer.from(octets).toString('base64')}\n--x--`,
    'Content-Type: multipart/mixed; boundary="x"\n',
  );
const FACTS = { client: { ip: '192.0.2.1', name: 'client.example', user: '' }, mail: { address: 'a@example.org' } };

describe.skipIf(missing !== '')('with clamd, spamd and rspamd', () => {
  const daemons: Daemon[] = [];
  const clients = new ServiceClients(systemClock, () => {});
  let services: Services = {};
  let virus: Daemon;

  beforeAll(async () => {
    // Together: each takes seconds to read its rules.
    const [clamd, spamd, scan] = await Promise.all(['clamd', 'spamd', 'rspamd'].map((name) => startDaemon(name)));
    daemons.push(clamd!, spamd!, scan!);
    virus = clamd!;
    services = clients.of({
      clamav: { address: { kind: 'unix', path: virus.values.socket! }, connectTimeout: 2000, maxBytes: Infinity },
      spamassassin: { address: { kind: 'tcp', host: '127.0.0.1', port: spamd!.port }, connectTimeout: 2000 },
      rspamd: { url: `http://127.0.0.1:${scan!.port}`, connectTimeout: 2000 },
    });
  });
  afterAll(async () => {
    clients.close();
    await Promise.all(daemons.map((daemon) => daemon.stop()));
  });

  const ask = async (check: Parameters<typeof runOn>[0], message: Uint8Array, written: object = {}, more = services) =>
    (
      await runOn(check, {
        services: more,
        message,
        written,
        facts: FACTS,
        helo: 'client.example',
        recipients: ['b@example.net'],
      })
    ).facts;

  test.each<[string, Uint8Array, object]>([
    ['clean', mail('hello'), { result: 'clean', signature: '', part: '' }],
    ['a virus in an attachment', attached(EICAR), { result: 'infected', signature: 'Test.EICAR.UNOFFICIAL' }],
    [
      'a mark that only mail has',
      mail('GATEWAY-AV-TEST-MARKER'),
      { result: 'infected', signature: 'Test.Body-Marker.UNOFFICIAL' },
    ],
    ['longer than it takes', mail(`${'x'.repeat(998)}\n`.repeat(33_000)), { result: 'too-large' }],
  ])('clamav: %s', async (_what, message, facts) => {
    const found = await ask(clamav, message);
    expect(found).toMatchObject(facts);
    expect(found.version).toMatch(/^ClamAV \d/);
  });

  test('clamav: by TCP, and not sent what is longer than the configuration says', async () => {
    const address = { kind: 'tcp', host: '127.0.0.1', port: virus.port } as const;
    const small = clients.of({ clamav: { address, connectTimeout: 2000, maxBytes: 2000 } });
    expect(await ask(clamav, attached(EICAR), {}, small)).toMatchObject({ result: 'infected' });
    expect(await ask(clamav, mail('x'.repeat(3000)), {}, small)).toMatchObject({ result: 'too-large' });
  });

  test('clamav: forty scans at once are all answered', async () => {
    const found = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask(clamav, n % 2 ? attached(EICAR) : mail('hello'))),
    );
    expect(found.map(({ result }) => result)).toEqual(found.map((_, n) => (n % 2 ? 'infected' : 'clean')));
  });

  test('spamassassin: the test for spam, rule by rule, and a letter', async () => {
    const spam = await ask(spamassassin, mail(GTUBE), { user: "''" });
    expect(spam).toMatchObject({ result: 'scanned', required: 5 });
    expect(spam.score).toBeGreaterThan(900);
    expect(spam.symbols).toContainEqual({
      name: 'GTUBE',
      score: 1000,
      about: 'BODY: Generic Test for Unsolicited Bulk Email',
    });
    const ham = await ask(spamassassin, mail('hello'));
    expect(ham.score).toBeLessThan(5);
    expect(await ask(spamassassin, mail('x'.repeat(3000)), { max_size: '2 KiB' })).toMatchObject({
      result: 'too-large',
      score: 0,
    });
  });

  test('spamassassin: whoever writes that the mail comes from localhost is not believed', async () => {
    const forged = Buffer.from(
      Buffer.from(mail('hello'))
        .toString()
        .replaceAll('client.example', 'localhost')
        .replaceAll('192.0.2.1', '127.0.0.1'),
    );
    const { symbols } = await ask(spamassassin, forged);
    const names = (symbols as readonly { readonly name: string }[]).map(({ name }) => name);
    expect(names, names.join()).not.toContain('ALL_TRUSTED');
  });

  test('rspamd: the test for spam, and a letter, and what it is told of the envelope', async () => {
    expect(await ask(rspamd, mail(GTUBE))).toMatchObject({ result: 'scanned', action: 'reject', required: 15 });
    const names = ((await ask(rspamd, mail('hello'))).symbols as readonly { readonly name: string }[]).map(
      ({ name }) => name,
    );
    expect(names).toContain('FROM_EQ_ENVFROM');
    expect(names).toContain('TO_MATCH_ENVRCPT_ALL');
    expect(await ask(rspamd, mail('hello'))).toMatchObject({ action: 'no action' });
    expect(await ask(rspamd, mail('x'.repeat(3000)), { max_size: '2 KiB' })).toMatchObject({
      result: 'too-large',
      action: '',
    });
  });

  test('each says what it is', async () => {
    const signal = new AbortController().signal;
    expect(await services.clamav?.probe(signal)).toBe('PONG');
    expect(await services.spamassassin?.probe(signal)).toMatch(/^spamd \d/);
    expect(await services.rspamd?.probe(signal)).toMatch(/^rspamd/);
  });
});
