/** Routes and `routing` as an operator writes them: what is understood, and what each mistake is told. */
import { describe, expect, test } from 'vitest';
import type { PairReading } from '../../src/config/certificate-pair.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { ADDED_OCTETS } from '../../src/queue/takes.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const load = (route: string, more = '', pairs: { readonly [certificate: string]: PairReading } = {}) =>
  loadInstallation(
    FILE,
    filesOf(
      {
        '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
        [FILE]: `hostname: mx1.example.com
listeners: { mx: { address: "0.0.0.0:25" } }
domains: { example.com: { route: r, recipients: any } }
routes: { r: { ${route} } }
${more}
`,
      },
      pairs,
    ),
  );
const routed = (route: string) => {
  const { installation, problems, notYet } = load(route);
  expect([problems, notYet]).toEqual([[], []]);
  return installation!.routes.get('r');
};
const problemsOf = (route: string, more = '') =>
  load(route, more).problems.map(({ place, message }) => `${place.line} ${message}`);

const at = (host: string, port: number) => ({ kind: 'tcp', host, port });

describe('a route', () => {
  test('says when its clients hear: at once, unless it cuts through', () => {
    expect(routed('hosts: ["a.internal:25"]')).not.toHaveProperty('deliver');
    expect(routed('hosts: ["a.internal:25"], deliver: queue')).not.toHaveProperty('deliver');
    expect(routed('hosts: ["a.internal:25"], deliver: cut_through')).toMatchObject({ deliver: 'cut_through' });
    expect(routed('protocol: maildir, path: mail, deliver: cut_through')).toMatchObject({ deliver: 'cut_through' });
    expect(problemsOf('hosts: ["a.internal:25"], deliver: cut_thru')).toHaveLength(1);
  });

  test('by MX has port 25 and encrypts as zones and policies want', () => {
    expect(routed('mx: true')).toMatchObject({ kind: 'mx', port: 25, tls: 'dane' });
  });
  test('by MX may name its port, where it speaks from, and who comes last', () => {
    expect(
      routed('mx: true, port: 2525, source: ["2001:db8::25", 192.0.2.25], fallback: ["relay.test", "[::1]:26"]'),
    ).toMatchObject({
      port: 2525,
      source: { v4: '192.0.2.25', v6: '2001:db8::25' },
      fallback: [at('relay.test', 25), at('::1', 26)],
    });
  });
  test('to hosts asks them in their order', () => {
    expect(routed('hosts: ["a.test", "b.test:26"]')).toMatchObject({ hosts: [at('a.test', 25), at('b.test', 26)] });
  });
  test('to hosts may take turns, or weigh them', () => {
    expect(routed('strategy: round_robin, hosts: ["a.test"]')).toMatchObject({ strategy: { kind: 'roundRobin' } });
    expect(
      routed('strategy: weighted, hosts: [{ host: "a.test", weight: 3 }, { host: "b.test:26" }, "c.test"]'),
    ).toMatchObject({
      hosts: [at('a.test', 25), at('b.test', 26), at('c.test', 25)],
      strategy: { kind: 'weighted', weights: [3, 1, 1] },
    });
  });
  test.each([
    ['hosts: [{ host: "a.test", weight: 3 }]', '4 a weight means something by weights only'],
    ['hosts: ["a b"]', '4 "a b" is not a host'],
    ['hosts: [{ host: "a b" }]', '4 "a b" is not a host'],
    ['mx: true, fallback: ["a b"]', '4 "a b" is not a host'],
    ['mx: true, fallback: ["127.0.0.1:25"]', '4 this is our own listener "mx": mail would go round'],
    ['mx: true, source: [here]', '4 "here" is not an address'],
    ['mx: true, source: [192.0.2.1, 192.0.2.2]', '4 "192.0.2.2" is the second address of its family'],
    ['mx: true, strategy: failover', '4 "strategy" means nothing for a route by MX'],
    ['mx: true, hosts: ["a.test"]', '4 the route says hosts and mx'],
    ['protocol: maildir, path: mail, source: [192.0.2.1]', '4 "source" means nothing for a route by maildir'],
    ['protocol: maildir, path: mail, fallback: ["a.test"]', '4 "fallback" means nothing for a route by maildir'],
    ['hosts: ["a.test"], port: 26', '4 "port" means nothing for a route by hosts'],
  ])('%s: %s', (route, problem) => {
    expect(problemsOf(route)).toEqual([problem]);
  });
});

describe('a certificate of a route', () => {
  const facts = { names: [], notBefore: 1, notAfter: 2, time: 'valid', rsaBits: undefined } as const;
  const sound = { ...facts, keyMatches: true, keyExposed: false, forClients: true };
  const told = (route: string, reading: PairReading = { kind: 'read', facts: sound }) =>
    load(route, '', { '/etc/postern/tls/a.pem': reading });
  const PAIR = 'certificate: tls/a.pem, key: tls/a.key';
  test('is a pair of files, by hosts and by MX', () => {
    const certificate = { certificate: '/etc/postern/tls/a.pem', key: '/etc/postern/tls/a.key' };
    for (const way of ['mx: true', 'hosts: ["a.test"]']) {
      const { installation, problems } = told(`${way}, ${PAIR}`);
      expect([problems, installation?.routes.get('r')]).toEqual([[], expect.objectContaining({ certificate })]);
    }
  });
  test.each<[string, PairReading | undefined, string[]]>([
    ['mx: true, certificate: tls/a.pem', undefined, ['error "certificate" wants "key" with it']],
    ['mx: true, key: tls/a.key', undefined, ['error "key" wants "certificate" with it']],
    [
      `hosts: ["a.test"], tls: none, ${PAIR}`,
      undefined,
      ['error a certificate is shown in TLS, and `tls: none` speaks none'],
    ],
    [
      `protocol: maildir, path: mail, ${PAIR}`,
      undefined,
      ['error "certificate" means nothing for a route by maildir', 'error "key" means nothing for a route by maildir'],
    ],
    [
      `mx: true, ${PAIR}`,
      { kind: 'read', facts: { ...sound, keyExposed: true } },
      ['error every user of this machine may read the key'],
    ],
    [
      `mx: true, ${PAIR}`,
      { kind: 'read', facts: { ...sound, forClients: false } },
      ['warning it is issued for servers alone: hosts that look at its purpose refuse it from a client'],
    ],
    [
      `mx: true, ${PAIR}`,
      { kind: 'failed', file: 'key', why: 'the key is encrypted', remedy: 'write it plain' },
      ['error the key is encrypted'],
    ],
    [`mx: true, ${PAIR}`, { kind: 'unread' }, []],
  ])('%s', (route, reading, problems) => {
    const loaded = told(route, reading);
    expect(loaded.problems.map(({ severity, message }) => `${severity} ${message}`)).toEqual(problems);
    expect(loaded.installation === undefined).toBe(problems.some((one) => one.startsWith('error')));
  });
});

describe('the preset exchange-online', () => {
  const ONE = 'preset: exchange-online, source: [192.0.2.25]';
  test('gives what the route does not say, by hosts and by MX', () => {
    const given = { tls: 'verified', takes: { utf8: true, sizeBytes: 150_000_000 - ADDED_OCTETS } };
    expect(routed(`${ONE}, hosts: ["example-com.mail.protection.outlook.com:25"]`)).toMatchObject(given);
    expect(routed(`${ONE}, mx: true`)).toMatchObject(given);
  });
  test('gives nothing that the route says itself', () => {
    expect(routed(`${ONE}, mx: true, tls: dane, size: 36 MB, smtputf8: false`)).toMatchObject({
      tls: 'dane',
      takes: { utf8: false, sizeBytes: 36_000_000 - ADDED_OCTETS },
    });
    expect(routed('mx: true')).not.toHaveProperty('takes');
  });
  test('warns where a connector could not know us, and stops nothing by that', () => {
    for (const way of ['mx: true', 'mx: true, source: ["2001:db8::25"]']) {
      const { installation, problems } = load(`preset: exchange-online, ${way}`);
      expect(problems).toMatchObject([{ severity: 'warning', message: expect.stringContaining('IPv4 address') }]);
      expect(installation?.routes.get('r')).toMatchObject({ tls: 'verified' });
    }
    const certificate = 'certificate: tls/a.pem, key: tls/a.key';
    expect(load(`preset: exchange-online, mx: true, ${certificate}`).problems).toEqual([]);
  });
  test('is of hosts, not of a folder; and there is no other', () => {
    expect(problemsOf('preset: exchange-online, protocol: maildir, path: mail')).toEqual([
      '4 "preset" means nothing for a route by maildir',
    ]);
    expect(problemsOf('preset: exchange, mx: true')).toHaveLength(1);
  });
});

describe('routing', () => {
  test('is understood', () => {
    const more = `routing:
  - { recipient: Alice@Example.com, route: r }
  - { recipient: [example.org, .bücher.example, "*-news@example.com"], sender: "<>", route: r }
  - { user: "scanner*", route: r }`;
    expect(load('mx: true', more)).toMatchObject({
      problems: [],
      installation: {
        routing: [
          { recipient: [{ kind: 'address', address: 'alice@example.com' }], route: 'r' },
          {
            recipient: [
              { kind: 'domain', domain: 'example.org', below: false },
              { kind: 'domain', domain: 'xn--bcher-kva.example', below: true },
              { kind: 'pattern', pattern: '*-news@example.com' },
            ],
            sender: [{ kind: 'null' }],
            route: 'r',
          },
          { user: [{ kind: 'pattern', pattern: 'scanner*' }], route: 'r' },
        ],
      },
    });
  });
  test.each([
    ['{ recipient: a@b.test, route: x }', '5 there is no route "x"'],
    ['{ route: r }', '5 this holds for all mail'],
    ['{ recipient: "a b", route: r }', '5 "a b" names nobody'],
    ['{ recipient: "a@b@c", route: r }', '5 "a@b@c" names nobody'],
    ['{ sender: "*.test", route: r }', '5 "*.test" names nobody'],
    ['{ recipient: "<>", route: r }', '5 "<>" names nobody'],
    ['{ recipent: a@b.test, route: r }', '5 "recipent" is not a key here'],
  ])('%s: %s', (entry, problem) => {
    expect(problemsOf('mx: true', `routing: [${entry}]`)[0]).toContain(problem.split(' is not')[0]);
  });
});
