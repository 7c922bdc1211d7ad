/** Whom a whole gateway believes on the wire: Postfix with every kind of certificate, a zone signed by knot, policies over HTTPS. */
import { randomInt, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tlsaData } from '../../src/smtp/send/tlsa.ts';
import { Authority, type Issued } from './authority.ts';
import { type Daemon, filesOf, provide, startDaemon } from './daemon.ts';
import { Operated } from './operated.ts';

const missing = await provide('postfix', 'knot', 'unbound');

/** The names of Postfix, each at an address of its own on one port, as every host by MX has. */
const HOSTS = {
  right: '127.0.0.1',
  expired: '127.0.0.2',
  other: '127.0.0.3',
  old: '127.0.0.4',
  refuses: '127.0.0.5',
  bare: '127.0.0.6',
} as const;
type Host = keyof typeof HOSTS;

const nameOf = (host: Host): string => `${host}.mx.peer.test`;

/** Its policy's page is shown with a certificate for others. */
const UNPROVED = 'unproved.sts.peer.test';

/** What Postfix is at each address beyond the first. */
const asMaster = (expired: Issued, other: Issued): string =>
  (
    [
      ['expired', `-o smtpd_tls_cert_file=${expired.certificate} -o smtpd_tls_key_file=${expired.key}`],
      ['other', `-o smtpd_tls_cert_file=${other.certificate} -o smtpd_tls_key_file=${other.key}`],
      ['old', '-o smtpd_tls_protocols=TLSv1 -o tls_medium_cipherlist=DEFAULT@SECLEVEL=0'],
      ['refuses', '-o smtpd_tls_cert_file=/nowhere -o smtpd_tls_key_file=/nowhere'],
      ['bare', '-o smtpd_tls_security_level=none'],
    ] as const
  )
    .map(([host, options]) => `${HOSTS[host]}:PORT inet n - n - 10 smtpd ${options}`)
    .join('\n');

/** What becomes of a message to a domain whose hosts these are, best first. */
interface Case {
  readonly domain: string;
  readonly hosts: readonly string[];
  readonly said: string | RegExp;
  /** Hosts of its MTA-STS policy, if it has one. */
  readonly policy?: readonly string[];
}

const NAMED = /^deferred TLS: Hostname\/IP does not match certificate's altnames/;
const REFUSED = 'STARTTLS: 454 4.7.0 TLS not available due to local problem';

const LEVELS = {
  verified: {
    right: 'delivered 250 [TLSv1.3, verified]',
    expired: 'deferred TLS: certificate has expired',
    other: NAMED,
    old: 'deferred TLS: tlsv1 alert protocol version',
    refuses: `deferred ${REFUSED}`,
    bare: 'deferred STARTTLS is required and not offered',
  },
  required: {
    expired: 'delivered 250 [TLSv1.3, not verified]',
    old: 'deferred TLS: tlsv1 alert protocol version',
    refuses: `deferred ${REFUSED}`,
  },
  opportunistic: {
    other: 'delivered 250 [TLSv1.3, not verified]',
    old: 'delivered 250 [in plain: TLS: tlsv1 alert protocol version]',
    refuses: `delivered 250 [in plain: ${REFUSED}]`,
    bare: 'delivered 250 [in plain: STARTTLS is not offered]',
  },
} satisfies { readonly [level: string]: { readonly [host in Host]?: string | RegExp } };

const BY_ROUTE: readonly Case[] = Object.entries(LEVELS).flatMap(([level, hosts]) =>
  Object.entries(hosts).map(([host, said]) => ({
    domain: `${host}.${level}.peer.test`,
    hosts: [nameOf(host as Host)],
    said,
  })),
);

/** Under a name that its zone gives the key of another certificate. */
const FORGED = 'forged.mx.peer.test';

const BY_ZONE: readonly Case[] = [
  {
    domain: 'fits.dane.peer.test',
    hosts: [nameOf('expired')],
    said: 'delivered 250 [TLSv1.3, verified by DANE]',
  },
  {
    domain: 'mismatch.dane.peer.test',
    hosts: [FORGED],
    said: 'deferred TLS: the certificate fits none of the TLSA records',
  },
  {
    domain: 'second.dane.peer.test',
    hosts: [FORGED, nameOf('expired')],
    said: 'delivered 250 [TLSv1.3, verified by DANE]',
  },
];

const BY_POLICY: readonly Case[] = [
  {
    domain: 'right.sts.peer.test',
    policy: [nameOf('right')],
    hosts: [nameOf('right')],
    said: 'delivered 250 [TLSv1.3, verified, MTA-STS]',
  },
  {
    domain: 'wrong.sts.peer.test',
    policy: ['right.other.test', '*.elsewhere.peer.test'],
    hosts: [nameOf('right')],
    said: 'deferred TLS: right.mx.peer.test is none of the hosts in the MTA-STS policy of wrong.sts.peer.test',
  },
  {
    domain: 'second.sts.peer.test',
    policy: ['right.mx.peer.test'],
    hosts: [nameOf('bare'), nameOf('right')],
    said: 'delivered 250 [TLSv1.3, verified, MTA-STS]',
  },
  { domain: 'name.sts.peer.test', policy: ['*.mx.peer.test'], hosts: [nameOf('other')], said: NAMED },
  {
    domain: 'plain.sts.peer.test',
    policy: ['*.mx.peer.test'],
    hosts: [nameOf('bare')],
    said: 'deferred STARTTLS is required and not offered',
  },
  {
    domain: UNPROVED,
    policy: ['right.other.test'],
    hosts: [nameOf('right')],
    said: 'delivered 250 [TLSv1.3, not verified]',
  },
];

describe.skipIf(missing !== '')('a message', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-peer-'));
  const ends: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let gateway: Operated;
  let postfix: Daemon;
  const ids = new Map<string, string>();
  const all = [...BY_ROUTE, ...BY_ZONE, ...BY_POLICY];

  beforeAll(async () => {
    const authority = new Authority();
    ends.push(() => authority.close());
    const right = authority.issue([nameOf('right')]);
    const expired = authority.issue([nameOf('expired')], 'expired');
    postfix = await startDaemon('postfix', {
      MAIN: [
        'smtpd_tls_security_level = may',
        `smtpd_tls_cert_file = ${right.certificate}`,
        `smtpd_tls_key_file = ${right.key}`,
        `virtual_mailbox_domains = ${all.map(({ domain }) => domain).join(' ')}`,
        'virtual_mailbox_maps = static:box/',
      ].join('\n'),
      MASTER: asMaster(expired, authority.issue(['elsewhere.test'])),
    });
    ends.push(() => postfix.stop());
    const pages = authority.issue(
      BY_POLICY.map(({ domain }) => `mta-sts.${domain}`).filter((name) => !name.includes(UNPROVED)),
    );
    const served = await servePolicies(pages, BY_POLICY);
    ends.push(() => served.stop());
    const zone = join(folder, 'peer.test.zone');
    writeFileSync(zone, zoneOf(all, postfix.port, served.address, expired));
    const dns = await startDaemon('dnssec', { ZONE: zone });
    ends.push(() => dns.stop());
    const route = (tls: string) => `{ mx: true, port: ${postfix.port}, tls: ${tls} }`;
    const levels = Object.keys(LEVELS);
    gateway = await Operated.start({
      authority: authority.file,
      lines: [
        `domains: { ours.test: { route: internet, recipients: any } }`,
        `routes: { ${[`internet: ${route('dane')}`, ...levels.map((level) => `${level}: ${route(level)}`)].join(', ')} }`,
        `routing: [${levels.map((level) => `{ recipient: .${level}.peer.test, route: ${level} }`).join(', ')}]`,
        'default_route: internet',
        `dns: { servers: ["127.0.0.1:${dns.port}"] }`,
        'queue: { retry: [1h] }',
      ],
    });
    ends.push(() => gateway.stop());
    for (const { domain } of all) ids.set(domain, await gateway.send(domain, `box@${domain}`));
  });
  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  const becomes = async ({ domain, said }: Case) => {
    const one = await gateway.first(ids.get(domain)!);
    const brief = `${one.kind} ${one.text.replace(/^250 .*(?= \[)/, '250')}`;
    expect(brief).toEqual(typeof said === 'string' ? said : expect.stringMatching(said));
  };
  describe('as its route asks', () => {
    test.each(BY_ROUTE)('$domain: $said', becomes);
  });
  describe('as a zone asks that DNSSEC vouches for', () => {
    test.each(BY_ZONE)('$domain: $said', becomes);
  });
  describe('as a policy asks that was fetched by HTTPS', () => {
    test.each(BY_POLICY)('$domain: $said', becomes);
  });

  test('is at Postfix where it was delivered, and nowhere else', () => {
    const there = filesOf(join(postfix.dir, 'mail/box/new')).map((file) => /^Subject: (.*)$/m.exec(file)?.[1]);
    const delivered = all.filter(({ said }) => String(said).startsWith('delivered')).map(({ domain }) => domain);
    expect(there.sort()).toEqual(delivered.sort());
  });

  test('that waits is listed with what its host could not prove, and traced', async () => {
    const wrong = BY_POLICY.find(({ domain }) => domain === 'wrong.sts.peer.test')!;
    const why = String(wrong.said).replace('deferred ', '');
    expect(await gateway.waiting('--domain', wrong.domain)).toMatchObject([
      { recipient: `box@${wrong.domain}`, attempts: 1, last: { said: why }, state: { kind: 'waiting' } },
    ]);
    expect(await gateway.run('trace', ids.get(wrong.domain)!)).toContain(why);
  });
});

function zoneOf(cases: readonly Case[], port: number, pages: string, expired: Issued): string {
  const fits = tlsaData(new X509Certificate(readFileSync(expired.certificate)).raw, 1, 1);
  return [
    '$ORIGIN peer.test.',
    '$TTL 60',
    '@ SOA ns hostmaster 1 3600 600 86400 60',
    '@ NS ns',
    'ns A 127.0.0.1',
    ...Object.entries(HOSTS).map(([host, address]) => `${host}.mx A ${address}`),
    `${FORGED}. A ${HOSTS.right}`,
    `_${port}._tcp.${nameOf('expired')}. TLSA 3 1 1 ${fits}`,
    `_${port}._tcp.${FORGED}. TLSA 3 1 1 ${fits}`,
    ...cases.flatMap(({ domain, hosts, policy }) => [
      ...hosts.map((host, n) => `${domain}. MX ${10 * n} ${host}.`),
      ...(policy === undefined ? [] : [`_mta-sts.${domain}. TXT "v=STSv1; id=1"`, `mta-sts.${domain}. A ${pages}`]),
    ]),
    '',
  ].join('\n');
}

/** At an address of its own, since the port is the same for all the world. */
async function servePolicies(
  { certificate, key }: Issued,
  cases: readonly Case[],
): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    const policy = cases.find(({ domain }) => request.headers.host === `mta-sts.${domain}`)?.policy;
    const found = policy !== undefined && request.url === '/.well-known/mta-sts.txt';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain' });
    const hosts = (policy ?? []).map((host) => `mx: ${host}\r\n`).join('');
    response.end(found ? `version: STSv1\r\nmode: enforce\r\n${hosts}max_age: 86400\r\n` : '');
  });
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  await once(server.listen(443, address), 'listening');
  return {
    address,
    stop: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
