import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { installationView } from '../../src/config/bundle-view.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { nodeNumber } from '../../src/config/node-number.ts';
import { installationSchema } from '../../src/config/schema.ts';
import type { Problem } from '../../src/language/problem.ts';
import { HEADER_OCTETS_MAX } from '../../src/mail/header.ts';
import { days, hours, minutes, seconds } from '../../src/mail/time.ts';
import { FLOW } from '../../src/queue/flow.ts';
import { RECEIVE_LIMITS } from '../../src/smtp/receive/limits.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const LEAST = `hostname: mx1.example.com
listeners:
  mx: { address: "127.0.0.1:0", policy: inbound }
domains:
  example.com: { route: store, recipients: any }
routes:
  store: { hosts: ["mail1.internal:25"] }
`;
const AROUND = {
  '/etc/postern/policies/inbound.yaml': 'policy: inbound\n',
  '/etc/postern/policies/outbound.yaml': 'policy: outbound\n',
  '/etc/postern/recipients.txt': 'alice\n',
};
const load = (text: string, more: { readonly [path: string]: string } = {}) =>
  loadInstallation(FILE, filesOf({ ...AROUND, ...more, [FILE]: text }));
const say = ({ place, message, remedy }: Problem): string =>
  `${place.file}:${place.line}:${place.column} ${message} → ${remedy}`;

describe('postern.yaml', () => {
  test('is complete with four keys', () => {
    const { installation, problems, notYet } = load(LEAST);
    expect(problems).toEqual([]);
    expect(notYet).toEqual([]);
    expect(installation).toMatchObject({
      file: FILE,
      hostname: 'mx1.example.com',
      node: 'mx1',
      postmaster: 'postmaster@mx1.example.com',
      listeners: [
        { name: 'mx', host: '127.0.0.1', port: 0, policy: 'inbound', newline: 'strict', mixed: 'quarantine' },
      ],
      defaultRoute: '',
      dns: { servers: ['127.0.0.1:53'], timeout: seconds(5) },
      policiesDir: '/etc/postern/policies',
      store: { path: '/etc/postern/var/postern', minFreeBytes: 1024 ** 3 },
      queue: { retry: [5, 10, 20, 40, 60, 120, 240].map(minutes), expire: days(5), delayNotice: hours(4) },
      limits: { messageBytes: 50 * 1024 ** 2, recipients: 1000, idle: minutes(5) },
      records: { retention: days(30), coalesce: minutes(1), subject: 'full', jsonl: '' },
      log: { level: 'info' },
    });
    expect(installation?.routes.get('store')).toMatchObject({
      kind: 'hosts',
      protocol: 'smtp',
      hosts: [{ kind: 'tcp', host: 'mail1.internal', port: 25 }],
      tls: 'opportunistic',
      expire: days(5),
    });
  });

  test('says everything there is to say', () => {
    const { installation, problems } = load(
      `${LEAST.replace('mx:', 'smarthost: { address: "[::1]:25", policy: outbound, trusted_networks: [10.0.0.0/24], newline: normalize, mixed: dsn_if_verified }\n  mx:')}
  boxes: { protocol: lmtp, hosts: ["unix:/run/dovecot/lmtp", "[2001:db8::1]"], delay_notice: never, expire: 14d }
  files: { protocol: maildir, path: var/mail, retry: [1m, 1h], refused_after_accept: quarantine }
default_route: store
node: west
postmaster: it@example.com
dns: { servers: ["192.0.2.53", "[2001:db8::53]:5353"], timeout: 2s }
policies: ../shared/policies
store: { path: /var/lib/postern, min_free: 64 MiB }
queue: { retry: [1m], expire: 2d, delay_notice: never }
limits: { message: 10 MiB, recipients: 100 }
records: { retention: 7d, subject: hash, jsonl: { path: var/log/records.jsonl } }
log: { level: debug }
`,
      {
        '/etc/shared/policies/inbound.yaml': 'policy: inbound',
        '/etc/shared/policies/outbound.yaml': 'policy: outbound',
      },
    );
    expect(problems.map(say)).toEqual([]);
    expect(installation).toMatchObject({
      node: 'west',
      postmaster: 'it@example.com',
      defaultRoute: 'store',
      dns: { servers: ['192.0.2.53:53', '[2001:db8::53]:5353'], timeout: seconds(2) },
      policiesDir: '/etc/shared/policies',
      store: { path: '/var/lib/postern', minFreeBytes: 64 * 1024 ** 2 },
      limits: { messageBytes: 10 * 1024 ** 2, recipients: 100, errors: 10 },
      records: { subject: 'hash', jsonl: '/etc/postern/var/log/records.jsonl' },
    });
    expect(installation?.routes.get('boxes')).toMatchObject({
      protocol: 'lmtp',
      hosts: [
        { kind: 'unix', path: '/run/dovecot/lmtp' },
        { kind: 'tcp', host: '2001:db8::1', port: 24 },
      ],
      delayNotice: 'never',
      retry: [minutes(1)],
    });
    expect(installation?.routes.get('files')).toEqual({
      kind: 'maildir',
      name: 'files',
      path: '/etc/postern/var/mail',
      retry: [minutes(1), hours(1)],
      expire: days(2),
      notificationExpire: days(2),
      delayNotice: 'never',
      refusedAfterAccept: 'quarantine',
    });
  });

  test('bounds what goes to a destination, each key by itself, and gives notifications an expiry of their own', () => {
    const { installation, problems } = load(
      `${LEAST}  slow: { hosts: [a.test], concurrency: 2, rate: { messages: 600, per: 1h } }
  once: { hosts: [a.test], reuse: { messages: 1 } }
queue: { notification_expire: 6h }
`,
    );
    expect(problems.map(say)).toEqual([]);
    expect(installation?.routes.get('store')?.flow).toBeUndefined();
    expect(installation?.routes.get('slow')).toMatchObject({
      notificationExpire: hours(6),
      flow: { ...FLOW, concurrency: 2, rate: { messages: 600, per: hours(1) } },
    });
    expect(installation?.routes.get('once')?.flow).toEqual({ ...FLOW, reuse: { messages: 1, idle: seconds(5) } });
    const wrong = load(`${LEAST.replace('["mail1.internal:25"]', '[a.test], concurrency: 0, reuse: { idle: 10m }')}`);
    expect(wrong.problems.map(({ message }) => message)).toHaveLength(2);
  });

  test('is spread over included files', () => {
    const { installation, problems } = load(`${LEAST}include: [conf.d/*.yaml]\n`, {
      '/etc/postern/conf.d/a.yaml':
        'domains:\n  Bücher.Example: { route: store, recipients: { file: recipients.txt } }\n',
      '/etc/postern/conf.d/b.yaml': 'log: { level: warn }\n',
    });
    expect(problems.map(say)).toEqual([]);
    expect(installation?.log.level).toBe('warn');
    expect(installation?.domains.get('xn--bcher-kva.example')).toMatchObject({
      recipients: [{ kind: 'file', path: '/etc/postern/recipients.txt', maxShrink: 0.1, onStale: 'defer' }],
      place: { file: 'conf.d/a.yaml', line: 2, column: 3 },
    });
    expect(Object.keys(installationView(installation!).domains)).toEqual(['example.com', 'xn--bcher-kva.example']);
  });

  test('the example of the manual is understood whole, and what has not come is named', () => {
    const manual = readFileSync(new URL('manual-example.yaml', import.meta.url), 'utf8');
    const { problems, notYet } = load(manual);
    expect(problems.map(say)).toEqual([]);
    expect(notYet.map(({ message }) => message)).toEqual([
      'a retention of their own for records of connections has not come yet',
      'the admin pages have not come yet',
    ]);
  });

  test('has the defaults that a receiver without one has', () => {
    expect(load(LEAST).installation?.limits).toMatchObject(RECEIVE_LIMITS);
  });

  test('which let no message in whole do not load', () => {
    const { problems } = load(`${LEAST}limits: { message: 2 GiB }\n`);
    expect(problems.map(({ message, remedy }) => `${message} ${remedy}`).join()).toContain('as much as `message`');
    expect(load(`${LEAST}limits: { message: 2 GiB, spooling: 2 GiB }\n`).problems).toEqual([]);
  });

  test('lets no header section be longer than what everybody reads of it', () => {
    const { problems } = load(`${LEAST}limits: { header: 129 KiB }\n`);
    expect(problems.map(say)).toEqual([expect.stringContaining('expected 128 KiB or less')]);
    expect(load(LEAST).installation?.limits.headerBytes).toBe(HEADER_OCTETS_MAX);
    expect(RECEIVE_LIMITS.headerBytes).toBe(HEADER_OCTETS_MAX);
  });

  test('that is not there is a problem, not a crash', () => {
    expect(loadInstallation(FILE, filesOf({})).problems.map(say)).toEqual([
      'postern.yaml:1:1 there is no such file, or it cannot be read → name it with --config',
    ]);
  });
});

/** A line of the least file, what it is changed to, and what is said of it. */
const MISTAKES: readonly (readonly [string, string | RegExp, string, string])[] = [
  ['a misspelt key', 'hostname:', 'hostnam:', '1:1 "hostnam" is not a key of this file → did you mean "hostname"?'],
  [
    'a misspelt key below',
    'address:',
    'adress:',
    '3:9 "adress" is not a key that may stand here → did you mean "address"?',
  ],
  [
    'a wrong type',
    'address: "127.0.0.1:0"',
    'address: 25',
    '3:18 "25" is a number, not a text → expected an address with its port',
  ],
  [
    'an address without a port',
    '127.0.0.1:0',
    '127.0.0.1',
    '3:18 "127.0.0.1" is not where a listener can listen → expected an address',
  ],
  [
    'a missing policy',
    'policy: inbound',
    'policy: inbond',
    '3:41 there is no policy "inbond" → did you mean "inbound"? expected policies/inbond.yaml',
  ],
  [
    'a missing route',
    'route: store',
    'route: stor',
    '5:25 there is no route "stor" → did you mean "store"? there are: store',
  ],
  ['a missing default route', /$/, 'default_route: internet\n', '8:16 there is no route "internet" → there are: store'],
  [
    'a domain without recipients',
    ', recipients: any',
    '',
    '5:3 "recipients" is missing → add "recipients": `any`, or a map with inline, file',
  ],
  [
    'a domain that is nobody',
    ', recipients: any',
    ', recipients: any, alias_of: exampel.org',
    '5:18 "route" means nothing beside alias_of',
  ],
  [
    'an alias that is no address',
    'recipients: any',
    'recipients: any, aliases: { inline: { sales: ["a b"] } }',
    '"a b" is not an address',
  ],
  [
    'an alias of another domain',
    'recipients: any',
    'recipients: any, aliases: { inline: { "x@other.test": bob } }',
    '"x@other.test" is not in',
  ],
  [
    'a file of aliases that is not there',
    'recipients: any',
    'recipients: any, aliases: { file: a.txt }',
    'there is no file "a.txt"',
  ],
  ['a catch-all that is no address', 'recipients: any', 'recipients: any, catch_all: "a b"', '"a b" is not an address'],
  [
    'senders rewritten to a stranger',
    'routes:',
    'srs: { domain: stranger.test, keys_file: k }\nroutes:',
    'not a hosted domain',
  ],
  ['a misspelt source', 'any', '{ fille: x }', '5:46 "fille" is not a key that may stand here → did you mean "file"?'],
  [
    'a missing list of recipients',
    'any',
    '{ file: people.txt }',
    '5:52 there is no file "people.txt" → looked for people.txt',
  ],
  [
    'a recipient of another domain',
    'any',
    '{ inline: [bob@example.org] }',
    '5:55 "bob@example.org" is not in example.com → write its local part',
  ],
  ['a recipient that is no address', 'any', '{ inline: ["b b"] }', '5:55 "b b" is not an address'],
  ['a pattern that is none', 'any', '{ pattern: "(a" }', '5:55 "(a" is not a regular expression'],
  ['a pattern with look-around', 'any', '{ pattern: "(?=a)b" }', '5:55 "(?=a)b" is not a regular expression'],
  [
    'something after any',
    'any',
    '[any, { inline: [bob] }]',
    '5:45 `any` knows everybody, so what follows is never asked → put it last',
  ],
  [
    'a shrinking without percent',
    'any',
    '{ file: recipients.txt, max_shrink: 10 }',
    '5:80 "10" is a number, not a text → expected a percentage such as 10%',
  ],
  ['a key twice', /$/, 'hostname: b.example\n', '8:1 hostname stands here a second time → keep one of them'],
  [
    'a domain twice',
    'routes:',
    '  EXAMPLE.com: { route: store, recipients: any }\nroutes:',
    '6:3 "EXAMPLE.com" and "example.com" are the same domain, example.com → keep one',
  ],
  [
    'a domain that is none',
    'example.com: {',
    'exam ple.com: {',
    '5:3 "exam ple.com" is not a domain → expected one such as example.com',
  ],
  [
    'a host name that is none',
    'hostname: mx1.example.com',
    'hostname: "mx1 example"',
    '1:11 "mx1 example" is not a host name → expected the name this machine has',
  ],
  [
    'an address instead of a name',
    'hostname: mx1.example.com',
    'hostname: "192.0.2.1"',
    '1:11 "192.0.2.1" is not a host name',
  ],
  [
    'the whole Internet trusted',
    'policy: inbound',
    'trusted_networks: [0.0.0.0/0]',
    '3:52 "0.0.0.0/0" cannot be trusted: this is the whole Internet: the gateway would be an open relay → name',
  ],
  [
    'the whole of IPv6 trusted',
    'policy: inbound',
    'trusted_networks: ["::/0"]',
    '3:52 "::/0" cannot be trusted: this is the whole Internet',
  ],
  [
    'half the Internet trusted',
    'policy: inbound',
    'trusted_networks: [128.0.0.0/1]',
    '3:52 "128.0.0.0/1" cannot be trusted: this is wider than /8',
  ],
  [
    'a cloud trusted',
    'policy: inbound',
    'trusted_networks: [18.130.0.0/16]',
    '3:52 "18.130.0.0/16" cannot be trusted: this lies in 18.128.0.0/9, which Amazon Web Services lets',
  ],
  [
    'a cloud that may speak for clients',
    'policy: inbound',
    'xclient_from: ["2a01:4f8::/32"]',
    '3:48 "2a01:4f8::/32" cannot be trusted: this lies in 2a01:4f8::/31, which Hetzner',
  ],
  [
    'no range',
    'policy: inbound',
    'trusted_networks: [10.0.0]',
    '3:52 "10.0.0" is not a range of addresses → expected one such as 192.0.2.0/24',
  ],
  [
    'trusted networks that lead nowhere',
    'policy: inbound',
    'trusted_networks: [10.0.0.0/24]',
    '3:33 "mx" relays for trusted networks, and no route leads to other domains → add `default_route:`',
  ],
  [
    'repaired newlines for strangers',
    'policy: inbound',
    'newline: normalize',
    '3:42 `newline: normalize` is for listeners of trusted networks only',
  ],
  ['no duration', /$/, 'dns: { timeout: 5 }\n', '8:17 "5" is a number, not a text → expected a duration with its unit'],
  [
    'no size',
    /$/,
    'limits: { message: 50 Mb/s }\n',
    '8:20 "50 Mb/s" is not a size → expected a number with its unit, such as',
  ],
  [
    'a limit that is none',
    /$/,
    'limits: { recipient: 5 }\n',
    '8:11 "recipient" is not a key that may stand here → did you mean "recipients"?',
  ],
  [
    'no DNS server',
    /$/,
    'dns: { servers: [resolver.example] }\n',
    '8:18 "resolver.example" is not the address of a DNS server → expected an address',
  ],
  [
    'an unreachable host',
    'mail1.internal:25',
    'mail1:99999',
    '7:20 "mail1:99999" is not a host → expected one such as "mail1.internal:25"',
  ],
  [
    'a route that leads nowhere',
    'hosts: ["mail1.internal:25"]',
    'tls: none',
    '7:3 the route leads nowhere → expected one of `hosts: […]`',
  ],
  [
    'a route that leads to two places',
    'hosts: [',
    'protocol: maildir, path: x, hosts: [',
    '7:3 the route says hosts and path → expected one of',
  ],
  [
    'a path without its protocol',
    'hosts: ["mail1.internal:25"]',
    'path: var/mail',
    '7:12 "path" is for maildirs → add `protocol: maildir`',
  ],
  [
    'a maildir with TLS',
    'hosts: ["mail1.internal:25"]',
    'protocol: maildir, path: x, tls: none',
    '7:40 "tls" means nothing for a route by maildir → remove it',
  ],
  [
    'a route by a misspelt protocol',
    'hosts: [',
    'protocol: lmpt, hosts: [',
    '7:22 "lmpt" is not a word that may stand here → did you mean "lmtp"?',
  ],
  [
    'a password in the clear',
    'hosts: [',
    'auth: { user: u, password_file: x }, hosts: [',
    '7:12 a password goes only to a host whose certificate was verified → write `tls: verified`',
  ],
  [
    'a secret in the file',
    'hosts: [',
    'tls: verified, auth: { user: u, password: secret }, hosts: [',
    '7:44 a secret stands in this file → write `password_file:`',
  ],
  [
    'YAML that eats a value',
    'policy: inbound',
    'policy: !(x in y)',
    '3:41 YAML takes "!(x" for a tag and drops it → put the expression in double quotes',
  ],
  [
    'nothing behind a key',
    'store: { hosts: ["mail1.internal:25"] }',
    'store:',
    '7:3 nothing stands behind "store" → expected a map with protocol, hosts',
  ],
  [
    'a list for a map',
    /domains:[\s\S]*routes:/,
    'domains: [example.com]\nroutes:',
    '4:1 "domains" holds no map → expected a map of names',
  ],
  [
    'no domains at all',
    /domains:[\s\S]*routes:/,
    'routes:',
    '1:1 "domains" is missing → add `domains: { example.com: { route: store',
  ],
];

describe('a mistake in postern.yaml is told with its place and its remedy', () => {
  test.each(MISTAKES)('%s', (_name, was, is, said) => {
    const text = LEAST.replace(was, is);
    expect(text).not.toBe(LEAST);
    const { installation, problems } = load(text);
    expect(installation).toBeUndefined();
    const place = /^\d/.test(said) ? 'postern.yaml:' : '';
    expect(problems.map(say)).toContainEqual(expect.stringContaining(`${place}${said}`));
  });

  test('all of them at once, and none because of another', () => {
    const { problems } = load(
      LEAST.replace('mx1.example.com', '"a b"')
        .replace('policy: inbound', 'polcy: inbound')
        .replace('route: store', 'route: x'),
    );
    expect(problems.map(say)).toEqual([
      expect.stringContaining('postern.yaml:1:11 "a b" is not a host name'),
      expect.stringContaining('postern.yaml:3:33 "polcy"'),
      expect.stringContaining('postern.yaml:5:25 there is no route "x"'),
    ]);
  });

  test('in an included file', () => {
    const { problems } = load(`${LEAST}include: [conf.d/*.yaml, extra.yaml]\n`, {
      '/etc/postern/conf.d/a.yaml': 'routes:\n  store: { hosts: [x] }\nhostname: other.example\ninclude: [x]\n',
      '/etc/postern/conf.d/b.yaml': "log: 'a' b\n",
    });
    expect(problems.map(say)).toEqual([
      'postern.yaml:8:26 there is no file "extra.yaml" → looked for /etc/postern/extra.yaml',
      'conf.d/a.yaml:2:3 "store" stands in routes twice → it was said in postern.yaml:7: keep one',
      'conf.d/a.yaml:3:1 "hostname" is said here a second time → it was said in postern.yaml:1: keep one',
      'conf.d/a.yaml:4:1 an included file includes nothing → name all files in the first one',
      expect.stringContaining('conf.d/b.yaml:1:10 YAML cannot read on here'),
    ]);
  });
});

test('a node has the same number every time, of ten bits', () => {
  expect(nodeNumber('mx1')).toBe(nodeNumber('mx1'));
  const numbers = Array.from({ length: 1000 }, (_, n) => nodeNumber(`mx${n}`));
  expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 1024)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(550);
});

test('the JSON Schema of the file knows every key and wants four', () => {
  const schema = installationSchema() as { properties: object; required: string[]; additionalProperties: boolean };
  expect(schema.required).toEqual(['hostname', 'listeners', 'domains', 'routes']);
  expect(schema.additionalProperties).toBe(false);
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(['admin', 'include', 'signing', 'limits']));
});
