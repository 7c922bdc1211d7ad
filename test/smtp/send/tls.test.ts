/** STARTTLS as the levels of a route mean it: opportunistic, required, verified; and the password, which goes to nobody else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HostAddress, Route, TlsLevel } from '../../../src/queue/route.ts';
import type { AttemptResult } from '../../../src/queue/transition.ts';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

const never = new AbortController().signal;
const MESSAGE = 'Subject: hello\r\n\r\nBody.\r\n';
const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../support/certificates', name), 'utf8');
const tls = (certificate: string) => ({ key: pem('host.key'), cert: pem(`${certificate}.pem`) });
const known = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...known, pem('authority.pem')]));
afterAll(() => setDefaultCACertificates(known));

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript, path?: string): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script, path);
  open.push(started);
  return started;
}

function delivery(deadlines = DEADLINES): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld(), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}

type HostsRoute = Route & { readonly kind: 'hosts' };

/** To the host by name or by address; both lead to loopback. */
function route(next: ScriptedHost, level: TlsLevel, by: 'localhost' | '127.0.0.1' = 'localhost'): HostsRoute {
  const { address } = next;
  const at: HostAddress = address.kind === 'tcp' ? { ...address, host: by } : address;
  return { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [at], tls: level, auth: null };
}

const send = (to: HostsRoute, out = delivery()) =>
  out.deliver(
    {
      route: to,
      entries: [anEntry()],
      size: MESSAGE.length,
      async *open() {
        yield Buffer.from(MESSAGE);
      },
    },
    never,
  );
const brief = ([result]: readonly AttemptResult[]) => {
  if (result?.kind !== 'transient') return result?.kind;
  return `transient: ${result.reply?.code ?? ''} ${result.cause}`;
};

/** How a message went: `encrypted`, `plain`, or why not. */
async function went(next: ScriptedHost, to: HostsRoute): Promise<string | undefined> {
  const said = brief(await send(to));
  if (said !== 'delivered') return said;
  expect(next.messages).toEqual([MESSAGE]);
  return next.encrypted.includes('DATA') ? 'encrypted' : 'plain';
}

describe('a message over TLS', () => {
  test('says EHLO anew and everything after it where nobody listens', async () => {
    const next = await host({ tls: tls('by-name') });
    expect(brief(await send(route(next, 'opportunistic')))).toBe('delivered');
    expect(next.commands.slice(0, 2)).toEqual(['EHLO mx.gateway.test', 'STARTTLS']);
    expect(next.encrypted.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'MAIL', 'RCPT', 'DATA']);
    expect(next.messages).toEqual([MESSAGE]);
    expect(next.servernames).toEqual(['localhost']);
  });

  test('names no address in the handshake (RFC 6066 §3)', async () => {
    const next = await host({ tls: tls('by-address') });
    expect(brief(await send(route(next, 'verified', '127.0.0.1')))).toBe('delivered');
    expect(next.servernames).toEqual([]);
  });

  test('keeps the line for the next message', async () => {
    const next = await host({ tls: tls('by-name') });
    const out = delivery();
    for (let n = 0; n < 3; n++) expect(brief(await send(route(next, 'required'), out))).toBe('delivered');
    expect([next.connections, next.encrypted.filter((line) => line === 'DATA').length]).toEqual([1, 3]);
  });

  test('does not take a line that a laxer level of the route left open', async () => {
    const next = await host({ tls: tls('by-name') });
    const out = delivery();
    for (const level of ['none', 'opportunistic', 'required', 'verified'] as const)
      expect(brief(await send(route(next, level), out))).toBe('delivered');
    expect(next.connections).toBe(4);
    expect(next.encrypted.filter((line) => line === 'DATA')).toHaveLength(3);
  });

  test('is not tried where the route says none', async () => {
    const next = await host({ tls: tls('by-name') });
    expect(await went(next, route(next, 'none'))).toBe('plain');
    expect(next.commands).not.toContain('STARTTLS');
  });

  test('goes by LMTP, too', async () => {
    const next = await host({ tls: tls('by-name'), lmtp: true });
    expect(await went(next, { ...route(next, 'verified'), protocol: 'lmtp' })).toBe('encrypted');
    expect(next.encrypted[0]).toBe('LHLO mx.gateway.test');
  });
});

const CAUSE = {
  name: /^transient: {2}TLS: Hostname\/IP does not match certificate's altnames/,
  expired: /^transient: {2}TLS: certificate has expired/,
  selfSigned: /^transient: {2}TLS: self-signed certificate/,
  refused: /^transient: {2}STARTTLS: 454/,
  handshake: /^transient: {2}TLS: /,
  missing: 'transient:  STARTTLS is required and not offered',
};

describe.each<[string, HostScript, 'localhost' | '127.0.0.1', { readonly [level: string]: string | RegExp }]>([
  ['proves its name', { tls: tls('by-name') }, 'localhost', { verified: 'encrypted' }],
  ['proves its address', { tls: tls('by-address') }, '127.0.0.1', { verified: 'encrypted' }],
  ['proves a name and was called by its address', { tls: tls('by-name') }, '127.0.0.1', { verified: CAUSE.name }],
  ['proves an address and was called by its name', { tls: tls('by-address') }, 'localhost', { verified: CAUSE.name }],
  ['proves another name', { tls: tls('other-name') }, 'localhost', { verified: CAUSE.name }],
  ['shows what has expired', { tls: tls('expired') }, 'localhost', { verified: CAUSE.expired }],
  ['vouches for itself', { tls: tls('self-signed') }, 'localhost', { verified: CAUSE.selfSigned }],
  [
    'knows only TLS 1.1',
    { tls: { ...tls('by-name'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } },
    'localhost',
    { opportunistic: 'plain', required: CAUSE.handshake, verified: CAUSE.handshake },
  ],
  [
    'takes STARTTLS back',
    { tls: tls('by-name'), STARTTLS: '454 4.7.0 not now' },
    'localhost',
    { opportunistic: 'plain', required: CAUSE.refused, verified: CAUSE.refused },
  ],
  [
    'hangs up at STARTTLS',
    { tls: tls('by-name'), STARTTLS: 'drop' },
    'localhost',
    { opportunistic: 'plain', required: /^transient: {2}STARTTLS: /, verified: /^transient: {2}STARTTLS: / },
  ],
  [
    'says go on and speaks no TLS',
    { EHLO: '250-host.test\r\n250 STARTTLS' },
    'localhost',
    { opportunistic: 'plain', required: CAUSE.handshake, verified: CAUSE.handshake },
  ],
  [
    'sends commands of its own before the handshake',
    { tls: tls('by-name'), STARTTLS: '220 go on\r\n250-host.test\r\n250 AUTH PLAIN' },
    'localhost',
    { opportunistic: 'plain', required: /plaintext after the reply/, verified: /plaintext after the reply/ },
  ],
  ['does not offer it', {}, 'localhost', { opportunistic: 'plain', required: CAUSE.missing, verified: CAUSE.missing }],
])('a host that %s', (_, script, by, expected) => {
  const said = { opportunistic: 'encrypted', required: 'encrypted', ...expected };
  test.each(Object.entries(said))('gets a message by level %s: %s', async (level, how) => {
    const next = await host(script);
    expect(await went(next, route(next, level as TlsLevel, by))).toEqual(
      typeof how === 'string' ? how : expect.stringMatching(how),
    );
    // Nothing of the message was said in plain unless that is how it went.
    if (how !== 'plain')
      expect(next.commands.filter((line) => /^MAIL/.test(line))).toEqual(
        next.encrypted.filter((line) => /^MAIL/.test(line)),
      );
  });
});

describe('a handshake that never ends', () => {
  const short = { ...DEADLINES, hello: 100 };
  test.each([
    ['opportunistic', 'delivered', 2],
    ['required', 'transient:  TLS: no answer in time', 1],
  ] as const)('counts as failed by level %s', async (level, expected, connections) => {
    const next = await host({ EHLO: '250-host.test\r\n250 STARTTLS', mute: true });
    expect(brief(await send(route(next, level), delivery(short)))).toBe(expected);
    expect(next.connections).toBe(connections);
  });
});

describe('a level that this client does not know how to keep', () => {
  test.each([
    ['dane', 'its zone has no signed TLSA records'],
    ['mta-sts', 'MTA-STS speaks of hosts by MX alone'],
  ] as const)('%s: nothing is sent at all', async (level, why) => {
    const next = await host({ tls: tls('by-name') });
    expect(brief(await send(route(next, level)))).toBe(`transient:  TLS: ${why}`);
    expect(next.connections).toBe(0);
  });
  test('verified, to a unix socket: it has no name to prove', async () => {
    const to = { ...route(await host({}), 'verified'), hosts: [{ kind: 'unix', path: '/nowhere' } as const] };
    expect(brief(await send(to))).toBe('transient:  a unix socket has no name that a certificate could prove');
  });
});

describe('a password', () => {
  const auth = { user: 'gateway', password: 'grün' };
  const secret = Buffer.from('\0gateway\0grün').toString('base64');

  test('goes to a host that has proved its name, before the message', async () => {
    const next = await host({ tls: tls('by-name') });
    expect(brief(await send({ ...route(next, 'verified'), auth }))).toBe('delivered');
    expect(next.encrypted.slice(0, 2)).toEqual(['EHLO mx.gateway.test', `AUTH PLAIN ${secret}`]);
  });

  test.each<[TlsLevel, HostScript]>([
    ['none', { EHLO: '250-host.test\r\n250 AUTH PLAIN' }],
    ['opportunistic', { EHLO: '250-host.test\r\n250 AUTH PLAIN' }],
    ['opportunistic', { tls: tls('by-name') }],
    ['opportunistic', { tls: tls('by-name'), STARTTLS: '454 no' }],
    ['required', { tls: tls('by-name') }],
  ])('stays here by level %s, and the message with it', async (level, script) => {
    const next = await host(script);
    expect(brief(await send({ ...route(next, level), auth }))).toBe('transient:  a password needs `tls: verified`');
    expect(next.commands).toEqual([]);
  });

  test.each([
    ['proves another name', { tls: tls('other-name') }],
    ['has expired', { tls: tls('expired') }],
    ['vouches for itself', { tls: tls('self-signed') }],
    ['offers AUTH in plain and no TLS', { EHLO: '250-host.test\r\n250 AUTH PLAIN' }],
  ] satisfies [string, HostScript][])('stays here when the host %s', async (_, script) => {
    const next = await host(script);
    expect(brief(await send({ ...route(next, 'verified'), auth }))).toMatch(/^transient/);
    expect(next.commands.join('\n')).not.toMatch(/AUTH|MAIL/);
  });

  test('that is refused is the operator’s to mend: the message waits', async () => {
    const next = await host({ tls: tls('by-name'), AUTH: '535 5.7.8 no' });
    expect(brief(await send({ ...route(next, 'verified'), auth }))).toMatch(/^transient: 535/);
    expect(next.messages).toEqual([]);
  });

  test.each([
    ['greeting', { greeting: '554 5.7.1 gr\u00fcn again' }],
    ['answer to HELO', { EHLO: '554 no', HELO: '554 5.7.1 grün again' }],
  ] satisfies [string, HostScript][])(
    'that a host knows from another line, and has in its %s, is told to nobody',
    async (_, script) => {
      const [result] = await send({
        ...route(await host({ tls: tls('by-name'), ...script }), 'verified'),
        auth,
      });
      expect(JSON.stringify(result)).toMatch(/again|554/);
      expect(JSON.stringify(result)).not.toContain('gr\u00fcn');
    },
  );

  test('that is answered by another yes than 235 has not been taken (RFC 4954 §4)', async () => {
    const next = await host({ tls: tls('by-name'), AUTH: '250 ok' });
    expect(brief(await send({ ...route(next, 'verified'), auth }))).toMatch(/^transient: 250/);
    expect(next.messages).toEqual([]);
  });

  test('is not sent where PLAIN is not offered', async () => {
    const next = await host({ tls: tls('by-name'), EHLO: '250-host.test\r\n250-STARTTLS\r\n250 AUTH LOGIN' });
    expect(brief(await send({ ...route(next, 'verified'), auth }))).toBe('transient:  AUTH PLAIN is not offered');
  });
});
