/** DANE and MTA-STS on the way out: what a host must prove is kept to, or nothing is said to it. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseZones } from '../../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../../src/gateway/dns/zone-resolver.ts';
import type { MxRoute, TlsLevel } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import type { StsPolicy } from '../../../src/smtp/send/mta-sts.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { daneDistrust, tlsaData } from '../../../src/smtp/send/tlsa.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';
import { makePair } from '../../support/tls.ts';

const never = new AbortController().signal;
const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../support/certificates', name), 'utf8');
const known = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...known, pem('authority.pem')]));
afterAll(() => setDefaultCACertificates(known));
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

/** By an authority that this machine knows, for `localhost`; and the authority beside it. */
const signed: TlsOptions = { key: pem('host.key'), cert: pem('by-name.pem') + pem('authority.pem') };
const other: TlsOptions = { key: pem('host.key'), cert: pem('other-name.pem') + pem('authority.pem') };
const own = (time: 'valid' | 'expired' = 'valid'): TlsOptions => {
  const { key, certificate } = makePair('whoever.test', time);
  return { key, cert: certificate };
};
const derOf = (text: unknown): Uint8Array => new X509Certificate(String(text)).raw;
const spki = (text: unknown): string => tlsaData(derOf(text), 1, 1);
const AD = { AD: true } as const;

interface Case {
  readonly script?: HostScript;
  /** Records at `_port._tcp.localhost`, or TIMEOUT, or SERVFAIL. */
  readonly tlsa?: Zones[string];
  readonly signedZones?: boolean;
  readonly level?: TlsLevel;
  readonly policy?: StsPolicy;
  readonly wish?: 'required' | 'optional';
}

/** Sends one message to a.test, whose exchange is `localhost`; answers how it went, and how many knocked. */
async function went({ script = {}, tlsa, signedZones = true, level = 'dane', policy, wish }: Case) {
  const host = await ScriptedHost.start(script);
  const port = host.address.kind === 'tcp' ? host.address.port : 0;
  const secure = signedZones ? [AD] : [];
  const parsed = parseZones({
    'a.test': [{ MX: [10, 'localhost'] }, ...secure],
    localhost: [{ A: '127.0.0.1' }, ...secure],
    ...(tlsa === undefined ? {} : { [`_${port}._tcp.localhost`]: tlsa }),
  });
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  const resolver = zoneResolver(parsed.zones);
  const sts = { policyOf: async (domain: string) => (domain === 'a.test' ? policy : undefined) };
  const out = new SmtpDelivery(sendWorld({ resolver, sts }));
  open.push(host, { stop: () => out.close() });
  const route: MxRoute = { ...aTiming, kind: 'mx', port, tls: level };
  const entries = [anEntry({ recipient: 'b@a.test', domain: 'a.test', ...(wish ? { tls: wish } : {}) })];
  const body = async function* () {
    yield Buffer.from('Subject: x\r\n\r\nx\r\n');
  };
  const [result] = await out.deliver({ route, entries, size: 17, open: body }, never);
  return {
    said: say(result!),
    connections: host.connections,
    commands: host.commands,
    messages: host.messages.length,
    encrypted: host.encrypted,
  };
}

function say(result: AttemptResult): string {
  if (result.kind === 'delivered') return `delivered: ${result.security ?? ''}`;
  if (result.kind === 'permanent') return `permanent: ${result.reply.enhanced}`;
  return result.kind === 'transient' ? `transient: ${result.cause}` : result.kind;
}

describe('DANE (RFC 7672)', () => {
  test('a key that the zone names is enough: whatever name, authority or time the certificate has', async () => {
    const tls = own('expired');
    const came = await went({ script: { tls }, tlsa: [{ TLSA: `3 1 1 ${spki(tls.cert)}` }, AD] });
    expect(came).toMatchObject({ said: 'delivered: TLSv1.3, verified by DANE', messages: 1 });
  });

  test('an authority that the zone names must have signed it, for the host or the domain', async () => {
    const authority = `2 0 1 ${tlsaData(derOf(pem('authority.pem')), 0, 1)}`;
    const good = await went({ script: { tls: signed }, tlsa: [{ TLSA: authority }, AD] });
    expect(good.said).toBe('delivered: TLSv1.3, verified by DANE');
    const wrong = await went({ script: { tls: other }, tlsa: [{ TLSA: authority }, AD] });
    expect(wrong).toMatchObject({
      said: 'transient: TLS: the certificate is not for localhost or a.test',
      messages: 0,
    });
    const stranger = await went({ script: { tls: own() }, tlsa: [{ TLSA: authority }, AD] });
    expect(stranger).toMatchObject({
      said: 'transient: TLS: the certificate fits none of the TLSA records',
      messages: 0,
    });
  });

  test('a certificate of a public authority does not help where the zone names another key', async () => {
    const came = await went({ script: { tls: signed }, tlsa: [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }, AD] });
    expect(came).toMatchObject({ said: 'transient: TLS: the certificate fits none of the TLSA records', messages: 0 });
    expect(came.encrypted).toEqual([]);
  });

  test('one of several records is enough, since keys are changed', async () => {
    const tls = own();
    const tlsa = [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }, { TLSA: `3 0 2 ${tlsaData(derOf(tls.cert), 0, 2)}` }, AD];
    expect((await went({ script: { tls }, tlsa })).said).toBe('delivered: TLSv1.3, verified by DANE');
  });

  test('a host that does not offer STARTTLS is not sent to in plain', async () => {
    const came = await went({ tlsa: [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }, AD] });
    expect(came).toMatchObject({ said: 'transient: STARTTLS is required and not offered', messages: 0 });
  });

  test.each(['SERVFAIL', 'TIMEOUT'] as const)(
    'records that end in %s keep the host from being asked',
    async (outage) => {
      const came = await went({ script: { tls: signed }, tlsa: [outage] });
      expect(came.said).toMatch(/^transient: TLS: its TLSA records cannot be had: DNS does not say the TLSA of /);
      expect(came.connections).toBe(0);
    },
  );

  test.each<[string, Case]>([
    ['that are not signed', { tlsa: [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }] }],
    ['of a host that unsigned zones lead to', { tlsa: [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }, AD], signedZones: false }],
    ['that are not there', {}],
  ])('records %s count for nothing', async (_, given) => {
    const came = await went({ script: { tls: own() }, ...given });
    expect(came.said).toBe('delivered: TLSv1.3, not verified');
  });

  test('records that cannot be compared ask for encryption alone', async () => {
    const tlsa = [{ TLSA: `1 1 1 ${'0'.repeat(64)}` }, { TLSA: '3 1 9 00' }, { TLSA: '3 1 1 00' }, AD];
    expect((await went({ script: { tls: own() }, tlsa })).said).toBe('delivered: TLSv1.3, not verified');
    expect((await went({ tlsa })).said).toBe('transient: STARTTLS is required and not offered');
  });
});

describe('a chain under an issuer that the zone names', () => {
  const [server, authority] = [derOf(pem('by-name.pem')), derOf(pem('authority.pem'))];
  const named = (der: Uint8Array) => [{ usage: 2, selector: 0, matching: 1, data: tlsaData(der, 0, 1) }];
  const now = Date.UTC(2026, 10, 28);

  test('is trusted while it is valid', () => {
    expect(daneDistrust(named(authority), [server, authority], ['localhost'], now)).toBe('');
    const then = Date.UTC(1990, 0);
    expect(daneDistrust(named(authority), [server, authority], ['localhost'], then)).toMatch(/not valid now/);
  });
  test('must be signed by it: to show it beside is not enough', () => {
    const stranger = derOf(makePair('localhost').certificate);
    expect(daneDistrust(named(stranger), [server, stranger], ['localhost'], now)).toMatch(
      /does not lead to the issuer/,
    );
    const forged = derOf(pem('other-name.pem'));
    expect(daneDistrust(named(forged), [server, forged], ['localhost'], now)).toMatch(/does not lead to the issuer/);
  });
});

test('a relay in place of the hosts of a domain is asked as the operator says, not as zones do', async () => {
  const relay = await ScriptedHost.start();
  open.push(relay);
  const route: MxRoute = { ...aTiming, kind: 'mx', port: 1, tls: 'dane', fallback: [relay.address] };
  const body = async function* () {
    yield Buffer.from('Subject: x\r\n\r\nx\r\n');
  };
  // A domain that DNS does not answer for.
  const silent = { resolve: async (name: string, type: 'MX') => ({ ...SILENT, name, type }) };
  const asking = new SmtpDelivery(sendWorld({ resolver: silent as never }));
  open.push({ stop: () => asking.close() });
  const entries = [anEntry({ recipient: 'b@a.test', domain: 'a.test' })];
  const [result] = await asking.deliver({ route, entries, size: 17, open: body }, never);
  expect(say(result!)).toBe('delivered: in plain: STARTTLS is not offered');
});
const SILENT = {
  kind: 'failed',
  rcode: '',
  cause: 'timeout',
  cached: false,
  ttl: 0,
  secure: false,
  server: '',
} as const;

describe('MTA-STS (RFC 8461)', () => {
  const policy = (mx: string, mode: StsPolicy['mode'] = 'enforce'): StsPolicy => ({ mode, mx: [mx], maxAge: 86_400 });

  test('a host that the policy names is sent to when its certificate is trusted', async () => {
    const came = await went({ script: { tls: signed }, level: 'mta-sts', policy: policy('localhost') });
    expect(came.said).toBe('delivered: TLSv1.3, verified, MTA-STS');
  });
  test('a host that it does not name is not asked', async () => {
    const came = await went({ script: { tls: signed }, policy: policy('mx.a.test') });
    expect(came.said).toBe('transient: TLS: localhost is none of the hosts in the MTA-STS policy of a.test');
    expect(came.connections).toBe(0);
  });
  test.each<[string, HostScript, RegExp]>([
    ['that nobody signed', { tls: own() }, /^transient: TLS: self-signed certificate/],
    ['in another name', { tls: other }, /^transient: TLS: Hostname\/IP does not match/],
    ['in none, as there is no STARTTLS', {}, /^transient: STARTTLS is required and not offered/],
  ])('a certificate %s is not sent to', async (_, script, why) => {
    const came = await went({ script, policy: policy('localhost') });
    expect(came.said).toMatch(why);
    expect(came.messages).toBe(0);
  });
  test.each(['testing', 'none'] as const)('a policy in mode %s keeps nobody out', async (mode) => {
    const came = await went({ script: { tls: own() }, policy: policy('mx.a.test', mode) });
    expect(came.said).toBe('delivered: TLSv1.3, not verified');
  });
  test('where the zone names a key, that counts and the policy does not (RFC 8461 §2)', async () => {
    const tls = own();
    const tlsa = [{ TLSA: `3 1 1 ${spki(tls.cert)}` }, AD];
    const came = await went({ script: { tls }, tlsa, policy: policy('localhost') });
    expect(came.said).toBe('delivered: TLSv1.3, verified by DANE');
  });
});

test.each<[string, HostScript, string]>([
  ['does not offer it', {}, 'delivered: in plain: STARTTLS is not offered'],
  [
    'refuses it',
    { EHLO: '250-h\r\n250 STARTTLS', STARTTLS: '454 4.7.0 no' },
    'delivered: in plain: STARTTLS: 454 4.7.0 no',
  ],
])('mail to a host that %s goes in plain, and the record will say so', async (_, script, said) => {
  expect((await went({ script, level: 'opportunistic' })).said).toBe(said);
});

describe('what the message itself wishes (RFC 8689)', () => {
  const EHLO = '250-h\r\n250-REQUIRETLS\r\n250 STARTTLS';
  test('REQUIRETLS goes on to a host that is proved and offers the same', async () => {
    const came = await went({ script: { tls: signed, EHLO }, wish: 'required' });
    expect(came.said).toBe('delivered: TLSv1.3, verified');
    expect(came.encrypted.filter((line) => line.startsWith('MAIL'))).toEqual([expect.stringMatching(/ REQUIRETLS$/)]);
  });
  test('to a host that does not offer it the message does not go at all', async () => {
    const came = await went({ script: { tls: signed }, wish: 'required' });
    expect(came).toMatchObject({ said: 'permanent: 5.7.30', messages: 0 });
  });
  test.each<[string, Case, RegExp]>([
    ['nobody signed', { script: { tls: own(), EHLO } }, /^transient: TLS: self-signed/],
    ['has no STARTTLS', { script: { EHLO: '250-h\r\n250 REQUIRETLS' } }, /^transient: STARTTLS is required/],
    ['unsigned zones lead to', { script: { tls: signed, EHLO }, signedZones: false }, /neither DNSSEC nor MTA-STS/],
  ])('a host that %s is not trusted with it, whatever the level', async (_, given, why) => {
    for (const level of ['none', 'opportunistic', 'required', 'dane'] as const) {
      const came = await went({ ...given, level, wish: 'required' });
      expect(came.said, level).toMatch(why);
      expect(came.messages).toBe(0);
    }
  });
  test('`TLS-Required: No` waives what zone and policy want, and not what the operator wants', async () => {
    const tlsa = [{ TLSA: `3 1 1 ${'0'.repeat(64)}` }, AD];
    const policy: StsPolicy = { mode: 'enforce', mx: ['mx.a.test'], maxAge: 86_400 };
    expect((await went({ script: { tls: own() }, tlsa, policy, wish: 'optional' })).said).toBe(
      'delivered: TLSv1.3, not verified',
    );
    expect((await went({ policy, wish: 'optional' })).said).toBe('delivered: in plain: STARTTLS is not offered');
    expect((await went({ level: 'required', wish: 'optional' })).said).toMatch(/^transient: STARTTLS is required/);
  });
});
