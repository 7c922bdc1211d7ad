/** What a route shows of us to a host that asks for a certificate, and that a line opened as one is never another's. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { dialSocket } from '../../../src/adapters/net/dial.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { ClientIdentity } from '../../../src/ports/client-identity.ts';
import type { Route, TlsLevel } from '../../../src/queue/route.ts';
import { calloutClient } from '../../../src/smtp/send/callout.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';
import { makePair } from '../../support/tls.ts';

const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../support/certificates', name), 'utf8');
const authority = new X509Certificate(pem('authority.pem'));
const known = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...known, pem('authority.pem')]));
afterAll(() => setDefaultCACertificates(known));

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

/** Asks for a certificate, or not; `shown`: the common name each line showed, '' for none. */
async function host(asks: 'asks' | 'demands' | 'does not ask') {
  const shown: string[] = [];
  const next = await ScriptedHost.start({
    tls: {
      key: pem('host.key'),
      cert: pem('by-name.pem'),
      requestCert: asks !== 'does not ask',
      rejectUnauthorized: false,
    },
    secured: (socket: TLSSocket) => {
      const one = socket.getPeerX509Certificate();
      if (asks === 'demands' && one?.verify(authority.publicKey) !== true) socket.destroy();
      else shown.push(one?.subject ?? '');
    },
  });
  open.push(next);
  return { next, shown };
}

const pair = (name: string): ClientIdentity => makePair(name);
const ours = { certificate: pem('other-name.pem'), key: pem('host.key') };

function delivery(identities: { [certificate: string]: ClientIdentity | undefined }): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld({ identityOf: ({ certificate }) => identities[certificate] }));
  open.push({ stop: () => made.close() });
  return made;
}

const MESSAGE = 'Subject: hello\r\n\r\nBody.\r\n';
async function send(
  out: SmtpDelivery,
  next: ScriptedHost,
  certificate: string | undefined,
  tls: TlsLevel = 'verified',
) {
  const { address } = next;
  const route: Route = {
    ...aTiming,
    kind: 'hosts',
    protocol: 'smtp',
    hosts: [address.kind === 'tcp' ? { ...address, host: 'localhost' } : address],
    tls,
    auth: null,
    ...(certificate !== undefined && { certificate: { certificate, key: `${certificate}.key` } }),
  };
  const [result] = await out.deliver(
    {
      route,
      entries: [anEntry()],
      size: MESSAGE.length,
      async *open() {
        yield Buffer.from(MESSAGE);
      },
    },
    new AbortController().signal,
  );
  return result?.kind === 'transient' ? `transient: ${result.cause}` : result?.kind;
}

test.each(['opportunistic', 'required', 'verified'] as const)(
  'a host that asks is shown the certificate of the route, by level %s',
  async (level) => {
    const { next, shown } = await host('asks');
    expect(await send(delivery({ a: pair('mx.gateway.test') }), next, 'a', level)).toBe('delivered');
    expect(shown).toEqual(['CN=mx.gateway.test']);
  },
);

test('a host that does not ask is shown none, nor one that asks a route without', async () => {
  const quiet = await host('does not ask');
  const asking = await host('asks');
  const out = delivery({ a: pair('mx.gateway.test') });
  expect(await send(out, quiet.next, 'a')).toBe('delivered');
  expect(await send(out, asking.next, undefined)).toBe('delivered');
  expect([quiet.shown, asking.shown]).toEqual([[''], ['']]);
});

test('a host that demands one of an authority it knows takes ours, and mail waits where there is another or none', async () => {
  const { next, shown } = await host('demands');
  const out = delivery({ ours, other: pair('stranger.test') });
  expect(await send(out, next, 'ours')).toBe('delivered');
  for (const wrong of ['other', undefined]) expect(await send(out, next, wrong)).toMatch(/^transient: /);
  expect(shown).toEqual(['CN=other-name']);
});

test('a line that was opened with one certificate serves no route with another, with none, or with the renewed one', async () => {
  const { next, shown } = await host('asks');
  const identities = { a: pair('a.test'), b: pair('b.test') };
  const out = delivery(identities);
  for (const as of ['a', 'a', 'b', undefined, 'a']) expect(await send(out, next, as)).toBe('delivered');
  expect(shown).toEqual(['CN=a.test', 'CN=b.test', '']);
  identities.a = pair('a.test');
  expect(await send(out, next, 'a')).toBe('delivered');
  expect(shown).toEqual(['CN=a.test', 'CN=b.test', '', 'CN=a.test']);
});

test("a callout to a route's hosts shows its certificate, and is down where there is none to show", async () => {
  const { next, shown } = await host('demands');
  const { address } = next;
  const ask = async (identity: ClientIdentity | undefined): Promise<string> => {
    const client = calloutClient({
      hosts: [address.kind === 'tcp' ? { ...address, host: 'localhost' } : address],
      protocol: 'smtp',
      tls: 'verified',
      certificate: { certificate: 'a', key: 'a.key' },
      identityOf: () => identity,
      probeRandom: false,
      timeout: 2000,
      hostname: 'mx.gateway.test',
      dial: dialSocket,
      clock: systemClock,
      nobody: () => 'nobody',
    });
    const asked = { address: 'a@b.test', local: 'a', domain: 'b.test' };
    return client
      .ask(asked, AbortSignal.timeout(2000))
      .catch((error: Error) => error.message)
      .finally(() => client.close());
  };
  expect(await ask(ours)).toBe('known');
  expect(await ask(undefined)).toMatch(/the route's certificate is not to be had/);
  expect(shown).toEqual(['CN=other-name']);
});

test('mail of a route whose certificate is not to be had waits, and nobody is greeted without it', async () => {
  const { next } = await host('asks');
  expect(await send(delivery({}), next, 'a', 'opportunistic')).toMatch(/^transient: the route's certificate/);
  expect(next.connections).toBe(0);
});
