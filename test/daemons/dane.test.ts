/** DANE end to end: a zone signed by knot, validated by unbound, asked by our own client, and Postfix behind it with a key of its own. */

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DnsClient } from '../../src/adapters/dns/client.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { MxRoute } from '../../src/queue/route.ts';
import { SmtpDelivery } from '../../src/smtp/send/smtp-delivery.ts';
import { tlsaData } from '../../src/smtp/send/tlsa.ts';
import { anEntry, aTiming } from '../support/entries.ts';
import { quiet } from '../support/gateway.ts';
import { sendWorld } from '../support/sending-world.ts';
import { makePair } from '../support/tls.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('postfix', 'knot', 'unbound');
const never = new AbortController().signal;

describe.skipIf(missing !== '')('DANE, with knot, unbound and Postfix', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-dane-'));
  let postfix: Daemon;
  let dns: Daemon;
  let client: DnsClient;
  let out: SmtpDelivery;

  beforeAll(async () => {
    const pair = makePair('any.name.test', 'expired');
    writeFileSync(join(folder, 'key.pem'), pair.key, { mode: 0o600 });
    writeFileSync(join(folder, 'cert.pem'), pair.certificate);
    const MAIN = [
      'smtpd_tls_security_level = may',
      `smtpd_tls_key_file = ${folder}/key.pem`,
      `smtpd_tls_cert_file = ${folder}/cert.pem`,
      'virtual_mailbox_domains = good.dane.test, bad.dane.test, bare.dane.test, unsigned.test',
      'virtual_mailbox_maps = static:box/',
    ].join('\n');
    postfix = await startDaemon('postfix', { MAIN });
    const right = tlsaData(new X509Certificate(pair.certificate).raw, 1, 1);
    const at = `_${postfix.port}._tcp`;
    const zone = join(folder, 'dane.test.zone');
    writeFileSync(
      zone,
      `$ORIGIN dane.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
good MX 10 mx.good
mx.good A 127.0.0.1
${at}.mx.good TLSA 3 1 1 ${right}
bad MX 10 mx.bad
mx.bad A 127.0.0.1
${at}.mx.bad TLSA 3 1 1 ${'ab'.repeat(32)}
bare MX 10 mx.bare
mx.bare A 127.0.0.1
`,
    );
    const unsigned = join(folder, 'unsigned');
    writeFileSync(
      unsigned,
      `'unsigned.test. 60 IN MX 10 mx.unsigned.test.'
'mx.unsigned.test. 60 IN A 127.0.0.1'
'${at}.mx.unsigned.test. 60 IN TLSA 3 1 1 ${'ab'.repeat(32)}'
`,
    );
    dns = await startDaemon('dnssec', { ZONE: zone, UNSIGNED: unsigned });
    client = new DnsClient({
      servers: [`127.0.0.1:${dns.port}`],
      timeout: 5000,
      elapsed: systemClock.elapsed,
      log: quiet,
    });
    out = new SmtpDelivery(sendWorld({ resolver: client }));
  }, 60_000);

  afterAll(async () => {
    await out?.close();
    client?.close();
    await dns?.stop();
    await postfix?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(domain: string): Promise<string> {
    const route: MxRoute = { ...aTiming, kind: 'mx', port: postfix.port, tls: 'dane' };
    const entries = [anEntry({ recipient: `box@${domain}`, domain })];
    const body = async function* () {
      yield Buffer.from('Subject: x\r\n\r\nx\r\n');
    };
    const [result] = await out.deliver({ route, entries, size: 17, open: body }, never);
    if (result?.kind === 'delivered') return `delivered [${result.security}]`;
    return result?.kind === 'transient' ? `${result.reply?.code ?? ''} ${result.cause}`.trim() : `${result?.kind}`;
  }

  test('our client sees that the zone is signed', async () => {
    expect(await client.resolve('good.dane.test', 'MX', never)).toMatchObject({ kind: 'found', secure: true });
    expect(await client.resolve('unsigned.test', 'MX', never)).toMatchObject({ kind: 'found', secure: false });
  });

  test('the key that the zone names is proof, though its certificate is expired and of nobody', async () => {
    expect(await send('good.dane.test')).toBe('delivered [TLSv1.3, verified by DANE]');
  });

  test('another key gets nothing', async () => {
    expect(await send('bad.dane.test')).toBe('TLS: the certificate fits none of the TLSA records');
  });

  test('a signed zone without records leaves it open, and so do records that nobody signed', async () => {
    expect(await send('bare.dane.test')).toBe('delivered [TLSv1.3, not verified]');
    expect(await send('unsigned.test')).toBe('delivered [TLSv1.3, not verified]');
  });
});
