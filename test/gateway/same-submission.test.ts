/** `explain` and the gateway answer alike where users, trusted clients and providers send: the same scenarios over real TLS with real logins. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { idSource } from '../../src/adapters/ids.ts';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { secureContext } from '../../src/adapters/tls/secure-context.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { clientJudge } from '../../src/gateway/auth/client-trust.ts';
import { suspend } from '../../src/gateway/auth/suspension.ts';
import { offerOf } from '../../src/gateway/offer.ts';
import { rehearse, type Stagehand } from '../../src/gateway/rehearse.ts';
import type { Current } from '../../src/gateway/world.ts';
import { hours, type Timestamp } from '../../src/mail/time.ts';
import type { UserSource } from '../../src/ports/logins.ts';
import { comparable } from '../../src/record/comparable.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import type { Scenario } from '../../src/record/scenario.ts';
import { recordView } from '../../src/record/view.ts';
import { quiet, resolverOver, sound, type TestGateway, testGateway } from '../support/gateway.ts';
import { Client } from '../support/receiver.ts';
import { endClients, implicitly, makePair, secured } from '../support/tls.ts';

const CERTIFICATES = fileURLToPath(new URL('../support/certificates/', import.meta.url));
const pem = (name: string): string => readFileSync(join(CERTIFICATES, name), 'utf8');
const NOW: Timestamp = Date.UTC(2026, 10, 22, 10);
const TENANT = '6f0d4f5e-1111-4222-8333-444455556666';

const POLICY = `policy: outbound
checks: { mail: [{ rate: { as: often, key: client.user, limit: 1, window: 1h } }] }
rules:
  mail:
    - name: too-often
      when: often.exceeded
      defer: { code: 450, enhanced: 4.7.1, text: "more than one an hour from {client.user}" }
  data:
    - name: not-encrypted
      when: "!tls.active"
      reject: { code: 550, enhanced: 5.7.1, text: "by TLS only" }
`;
const CONFIG = `hostname: mx.gateway.test
listeners:
  required: { address: "127.0.0.1:0", policy: outbound, tls: required, auth: required }
  implicit: { address: "127.0.0.1:0", policy: outbound, tls: implicit, auth: required }
  optional: { address: "127.0.0.1:0", policy: outbound, tls: opportunistic, auth: optional }
  provider:
    address: "127.0.0.1:0"
    policy: outbound
    tls: implicit
    relay_for: [{ certificate: localhost, tenants: ["${TENANT}"], domains: [example.com] }]
  own: { address: "127.0.0.1:0", policy: outbound, tls: implicit, client_certificates: { ca: tls/ours.pem, names: [localhost] } }
certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]
users: { staff: { file: users } }
senders: { printer: [printer@example.com, example.org] }
domains: { example.com: { route: files, recipients: { inline: [bob@example.com] } }, example.org: { route: plain, recipients: any } }
routes: { files: { protocol: maildir, path: mail }, plain: { hosts: ["127.0.0.1:1"], size: 64 KiB } }
default_route: plain
store: { path: store, min_free: 1 MiB }
`;

const LISTENERS = ['required', 'implicit', 'optional', 'provider', 'own'] as const;
const ids = idSource(1, 1, systemClock.now);
const gateways = new Map<string, TestGateway>();
let current: Current;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-'));
  for (const name of ['policies', 'tls']) mkdirSync(join(folder, name));
  const { certificate, key } = makePair('mx.gateway.test');
  writeFileSync(join(folder, 'tls/a.pem'), certificate);
  writeFileSync(join(folder, 'tls/a.key'), key, { mode: 0o600 });
  writeFileSync(join(folder, 'tls/ours.pem'), pem('authority.pem'));
  writeFileSync(join(folder, 'users'), '', { mode: 0o600 });
  writeFileSync(join(folder, 'policies/outbound.yaml'), POLICY);
  writeFileSync(join(folder, 'postern.yaml'), CONFIG);
  const loaded = sound(join(folder, 'postern.yaml'));
  const staff: UserSource = {
    scram: false,
    verifier: () => undefined,
    decoy: () => undefined,
    check: async (user) => ({ kind: 'right', user, addresses: ADDRESSES }),
  };
  current = { ...loaded, logins: new Map([['staff', staff]]) };
  const context = secureContext(certificate, key, pem('authority.pem'));
  for (const name of LISTENERS) {
    const listener = current.installation.listeners.find((one) => one.name === name)!;
    const mode = listener.tls === 'none' ? undefined : listener.tls;
    gateways.set(
      name,
      await testGateway(current, resolverOver({}), name, {
        xclientFrom: [],
        offer: () => offerOf(current.installation, listener),
        tls: mode && { mode, contextFor: () => context, judge: clientJudge(listener, Date.now) },
        auth:
          listener.auth === 'none'
            ? undefined
            : { required: listener.auth === 'required', mechanisms: () => ['PLAIN'] },
      }),
    );
  }
});
afterEach(endClients);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const gateway of gateways.values()) await gateway.stop();
});

/** As a directory would give them. */
const ADDRESSES = ['sales@example.com'];
const mail = (from: string, more = ''): string => `From: ${from}\r\nSubject: x\r\n${more}\r\nHello.\r\n`;
const OURS = `X-MS-Exchange-CrossTenant-Id: ${TENANT}\r\n`;

/** Name, scenario, and what its last answer is. */
const SCENARIOS: readonly (readonly [string, Scenario, RegExp])[] = [
  ['nobody logs in', { listener: 'required', rcpt: ['bob@example.com'] }, /^530 5\.7\.0 .*log in/],
  ['nor where TLS comes first', { listener: 'implicit', rcpt: ['bob@example.com'] }, /^530 5\.7\.0 /],
  ['nothing is encrypted', { listener: 'required', tls: false }, /^530 5\.7\.0 .*STARTTLS/],
  [
    'a stranger to our own',
    { listener: 'optional', tls: false, rcpt: ['bob@example.com'], raw: mail('a@x.example') },
    /^550 .*TLS only/,
  ],
  ['a stranger to the world', { listener: 'optional', tls: true, rcpt: ['ann@x.example'] }, /^550 .*relaying denied/],
  [
    'a user as itself',
    {
      listener: 'required',
      auth_user: 'Alice@example.com',
      mail_from: 'alice@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('alice@example.com'),
    },
    /^250 2\.0\.0 /,
  ],
  [
    'a user as its directory says',
    {
      listener: 'implicit',
      auth_user: 'alice@example.com',
      mail_from: 'sales@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('sales@example.com'),
    },
    /^250 2\.0\.0 /,
  ],
  [
    'a user as somebody else',
    { listener: 'required', auth_user: 'alice@example.com', mail_from: 'bob@example.com', rcpt: ['ann@x.example'] },
    /^550 5\.7\.1 /,
  ],
  [
    'an author that is somebody else',
    {
      listener: 'optional',
      auth_user: 'alice@example.com',
      mail_from: 'alice@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('Bob <bob@example.com>'),
    },
    /^550 5\.7\.1 /,
  ],
  [
    'a user whose senders are said',
    {
      listener: 'required',
      auth_user: 'printer',
      mail_from: 'any@example.org',
      rcpt: ['bob@example.com'],
      raw: mail('printer@example.com'),
    },
    /^250 2\.0\.0 /,
  ],
  [
    "the null path is everybody's",
    { listener: 'required', auth_user: 'alice@example.com', mail_from: '', rcpt: ['nobody@example.com'] },
    /^550 5\.1\.1 /,
  ],
  [
    'a user whom somebody suspended',
    { listener: 'required', auth_user: 'mallory', mail_from: 'mallory@example.com', rcpt: ['ann@x.example'] },
    /^525 5\.7\.13 /,
  ],
  [
    'a tenant of ours',
    {
      listener: 'provider',
      client_certificate: 'localhost',
      mail_from: 'a@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('a@example.com', OURS),
    },
    /^250 2\.0\.0 /,
  ],
  [
    'another tenant',
    {
      listener: 'provider',
      client_certificate: 'localhost',
      mail_from: 'a@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('a@example.com'),
    },
    /^5\d\d /,
  ],
  [
    'a tenant of ours as another domain',
    { listener: 'provider', client_certificate: 'localhost', mail_from: 'a@x.example', rcpt: ['ann@x.example'] },
    /^550 .*relaying denied/,
  ],
  [
    'another provider',
    { listener: 'provider', client_certificate: 'other.test', mail_from: 'a@example.com', rcpt: ['ann@x.example'] },
    /^550 .*relaying denied/,
  ],
  [
    'a certificate of our authority',
    {
      listener: 'own',
      client_certificate: 'localhost',
      mail_from: 'a@example.com',
      rcpt: ['ann@x.example'],
      raw: mail('a@example.com'),
    },
    /^250 2\.0\.0 /,
  ],
  [
    'a certificate that names another',
    { listener: 'own', client_certificate: 'other.test', mail_from: 'a@example.com', rcpt: ['ann@x.example'] },
    /^550 .*relaying denied/,
  ],
  ['no certificate', { listener: 'own', rcpt: ['ann@x.example'] }, /^550 .*relaying denied/],
  [
    'REQUIRETLS over TLS',
    {
      listener: 'optional',
      tls: true,
      mail_parameters: 'REQUIRETLS',
      rcpt: ['bob@example.com'],
      raw: mail('a@x.example'),
    },
    /^250 2\.0\.0 /,
  ],
  [
    'REQUIRETLS without',
    { listener: 'optional', tls: false, mail_parameters: 'REQUIRETLS', rcpt: ['bob@example.com'] },
    /^555 5\.5\.4 /,
  ],
  [
    'DSN of a stranger',
    { listener: 'optional', tls: true, mail_parameters: 'RET=HDRS', rcpt: ['bob@example.com'] },
    /^555 5\.5\.4 /,
  ],
  [
    'DSN of a user',
    {
      listener: 'optional',
      auth_user: 'alice@example.com',
      mail_from: 'alice@example.com',
      mail_parameters: 'RET=HDRS ENVID=x',
      rcpt: ['bob@example.com'],
    },
    /^250 /,
  ],
  [
    'too large for anybody',
    { listener: 'optional', tls: true, mail_parameters: 'SIZE=99999999', rcpt: ['bob@example.com'] },
    /^552 5\.3\.4 /,
  ],
  [
    'too large for this one',
    { listener: 'optional', tls: true, mail_parameters: 'SIZE=70000', rcpt: ['x@example.org'] },
    /^552 5\.3\.4 /,
  ],
  [
    'SMTPUTF8 where a route does not take it',
    { listener: 'optional', tls: true, mail_parameters: 'SMTPUTF8', rcpt: ['x@example.org'] },
    /^555 5\.5\.4 /,
  ],
];

test.each(SCENARIOS)('%s: the same answers and the same record', async (_, scenario, last) => {
  const gateway = gateways.get(scenario.listener!)!;
  gateway.now = NOW;
  gateway.state = await beginning();
  gateway.records.length = 0;
  const heard = await play(gateway.port, scenario);
  while (gateway.records.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const real: TransactionRecord = gateway.records[0]!;
  const hand: Stagehand = {
    clock: systemClock,
    newId: () => ids.next(),
    content: memoryStore().content,
    checks: CHECKS,
    log: quiet,
    current: () => current,
  };
  const message = scenario.raw === undefined ? undefined : Buffer.from(scenario.raw, 'latin1');
  const addresses = scenario.auth_user === undefined ? {} : { auth_addresses: ADDRESSES };
  const { record } = await rehearse({ ...scenario, ...addresses, client_ip: '127.0.0.1', now: NOW / 1000 }, hand, {
    resolver: resolverOver({}),
    state: await beginning(),
    message,
  });
  expect(heard).toMatch(last);
  expect(comparable(record)).toEqual(comparable(real));
  expect(gateway.errors).toEqual([]);
  if (scenario.rcpt === undefined || !heard.startsWith('530')) return;
  // What ended it stands where whoever asks looks for it.
  expect(recordView(real, [], undefined).session).toMatchObject({
    verdict: 'reject',
    reason: 'builtin:auth-required',
    stage: 'mail',
    reply: { code: 530, enhanced: '5.7.0' },
  });
});

async function beginning(): Promise<MemoryState> {
  const state = new MemoryState();
  await suspend(
    state,
    { suspensions: async () => [], suspend: async () => {} },
    {
      user: 'mallory',
      by: 'olga',
      why: 'phished',
      since: NOW,
      until: NOW + hours(1),
      recordId: '',
    },
  );
  return state;
}

/** What was heard last, of the refusal or of the message. */
async function play(port: number, scenario: Scenario): Promise<string> {
  const { client_certificate: name, auth_user: user = '', tls, listener: at } = scenario;
  const certificate =
    name === undefined
      ? {}
      : { cert: pem(name === 'localhost' ? 'by-name.pem' : 'other-name.pem'), key: pem('host.key') };
  const options = { ...certificate, ciphers: 'TLS_AES_256_GCM_SHA384', minVersion: 'TLSv1.3' } as const;
  const implicit = at === 'implicit' || at === 'provider' || at === 'own';
  let client = implicit ? await implicitly(port, options) : await Client.connect(port);
  const ask = async (line: string): Promise<string> => (await client.ask(line)) ?? 'closed';
  await client.reply();
  if (!implicit && (tls ?? (at === 'required' || user !== ''))) {
    await ask('EHLO client.invalid');
    await ask('STARTTLS');
    client = await secured(client.socket, options);
  }
  await ask('EHLO client.invalid');
  const lines = [
    ...(user === '' ? [] : [`AUTH PLAIN ${Buffer.from(`\0${user}\0any`).toString('base64')}`]),
    `MAIL FROM:<${scenario.mail_from ?? ''}>${scenario.mail_parameters === undefined ? '' : ` ${scenario.mail_parameters}`}`,
    ...(scenario.rcpt ?? []).map((address) => `RCPT TO:<${address}>`),
    ...(scenario.raw === undefined ? [] : ['DATA', `${scenario.raw}.`]),
  ];
  let heard = '';
  for (const line of lines) {
    heard = await ask(line);
    if (!/^[23]/.test(heard)) break;
  }
  await ask('QUIT');
  return heard;
}
