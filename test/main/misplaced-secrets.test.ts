/** A secret written where none belongs, or a file of one that is spoiled: the error says where and what, and not the secret. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { cliWorld } from '../../src/main/cli-world.ts';
import { startGateway } from '../../src/main/serve.ts';
import { leaks, partsOfPem, planted } from '../support/planted.ts';
import { type SecretiveWorld, secretiveWorld } from '../support/secretive-world.ts';
import { ed25519Key } from '../support/signing.ts';

const SECRET = 'misplaced/Planted+7x';
const PEM = ed25519Key().privateKey;
const OURS = [planted('misplaced', SECRET), { kind: 'misplaced key', forms: partsOfPem(PEM) }];

/** One for all: each listens to the standard output. */
const here = cliWorld(new AbortController().signal);

afterEach(() => vi.unstubAllEnvs());

/** What it says where it may not load, and where it does. */
async function complaints(world: SecretiveWorld): Promise<Map<string, string>> {
  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value);
  const texts = new Map<string, string>();
  for (const args of [['check'], ['check', '--json'], ['check', '--no-secrets'], ['reload'], ['doctor'], ['status']]) {
    let text = '';
    const write = (said: string) => {
      text += said;
      return Promise.resolve();
    };
    const shell = { ...here, out: write, err: write };
    const code = await runCli([...args, '--config', world.config], shell);
    expect(code, text).toBeLessThan(2);
    texts.set(args.join(' '), text);
  }
  const note = (name: string, data?: object) =>
    void texts.set('log', `${texts.get('log') ?? ''}${name} ${JSON.stringify(data)}\n`);
  const started = startGateway(world.config, { log: { event: note, warn: note, error: note } });
  const error = await started.then(
    (gateway) => gateway.stop(),
    (why: Error) => why,
  );
  return texts.set('serve', error === undefined ? '' : `${error.message} ${error.stack} ${String(error.cause ?? '')}`);
}

const ROUTE = 'password_file: secrets/route-file';
const inline = PEM.trim().replaceAll('\n', '\n      ');

test.each<[string, string, string]>([
  ['a password in its own place', ROUTE, `password: '${SECRET}'`],
  ['a password as the name of a variable', ROUTE, `password: "env:${SECRET}"`],
  ['a password in the place of its file', ROUTE, `password_file: "${SECRET}"`],
  ['a password under a key that is misspelt', ROUTE, `passwort: ${SECRET}`],
  ['a password that is a map', ROUTE, `password: { value: ${SECRET} }`],
  ['a password on a line of its own', ROUTE, `password:\n      ${SECRET}`],
  ['a password with a tag', ROUTE, `password: !${SECRET}`],
  ['a password that looks like an alias', ROUTE, `password: *${SECRET}`],
  ['a password whose quote does not end', ROUTE, `password: "${SECRET}`],
  ['a password that is there twice', ROUTE, `password: '${SECRET}', password: '${SECRET}'`],
  ['a password of a directory', 'password_file: secrets/ldap-file', `password: '${SECRET}'`],
  ['a password of a directory as its file', 'password_file: secrets/ldap-file', `password_file: '${SECRET}'`],
  ['a password of a database', 'password_file: secrets/sql-file', `password: '${SECRET}'`],
  ['a password of a directory of users', 'password_file: secrets/bind-file', `password: '${SECRET}'`],
  ['the same as its file', 'password_file: secrets/bind-file', `password_file: '${SECRET}'`],
  ['a password in an address of users', '{ ldap: { url: "ldap://', `{ ldap: { url: "ldap://cn=reader:${SECRET}@`],
  [
    'a password in an address of LDAP',
    'recipients: { ldap: { url: "ldap://',
    `recipients: { ldap: { url: "ldap://r:${SECRET}@`,
  ],
  ['a password in an address of SQL', 'postgres://reader@', `postgres://reader:${SECRET}@`],
  ['one in an address that is broken', 'postgres://reader@', `postgres//reader:${SECRET}@`],
  ['one with blanks in it', 'postgres://reader@', `postgres://reader:a ${SECRET} b@`],
  ['one behind a question mark', '/mail", tls: none', `/mail?password=${SECRET}", tls: none`],
  [
    'a password in the address of rspamd',
    'default_route:',
    `services: { rspamd: { url: "http://a:${SECRET}@[::1]:1/" } }\ndefault_route:`,
  ],
  ['a password with a host', '"localhost:1"', `"relay:${SECRET}@localhost:1"`],
  ['a key of srs in the place of its file', 'keys_file: secrets/srs', `keys_file: ${SECRET}`],
  ['a key in the place of its file', 'key_file: keys/rsa.pem', `key_file: "${SECRET}"`],
  [
    'a key in PEM in that place',
    '{ selector: r, key_file: keys/rsa.pem }',
    `{ selector: r, key_file: "${PEM.replaceAll('\n', '\\n')}" }`,
  ],
  [
    'a key in PEM below that',
    'certificates: [{ names: [mx.gateway.test], certificate: tls/a.pem, key: tls/a.key }]',
    `certificates:\n  - names: [mx.gateway.test]\n    certificate: tls/a.pem\n    key: |\n      ${inline}`,
  ],
  ['a key of TLS in the place of its file', 'key: tls/a.key', `key: "${SECRET}"`],
  ['a key of a route in the place of its file', 'key: tls/client.key', `key: "${SECRET}"`],
])('%s is not said again', async (_, from, to) => {
  const world = await secretiveWorld();
  world.rewrite(from, to);
  const texts = await complaints(world);
  expect(texts.get('check')).toMatch(/postern\.yaml:\d+:\d+: error: /);
  expect(leaks(texts, OURS)).toEqual([]);
});

test.each<[string, string, string]>([
  [
    'the zone of a blocklist in the place of its file',
    'policies/inbound.yaml',
    `policy: inbound
checks: { connect: [dnsbl: { lists: { zen: { zone_file: ${SECRET}, shown_as: key.dnsbl.dq.test, codes: { "127.0.0.2": 1 } } } }] }
`,
  ],
  ['a zone that is none', 'secrets/zone-dnsbl', `${SECRET} ${SECRET}\n`],
  ['a password of two lines', 'secrets/route-file', `${SECRET}\n${SECRET}\n`],
  ['a key of srs that is too short', 'secrets/srs', `${SECRET.slice(0, 8)}\n${SECRET}\u0001\n`],
  [
    'a key that signs and is none',
    'keys/rsa.pem',
    `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`,
  ],
  ['a key of TLS that is none', 'tls/a.key', `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----\n`],
  ['users that are none', 'users', `alice@files.test ${SECRET}\n`],
  ['keys of digests that are none', 'store/digest-keys.json', `[{ "since": 1, "key": "${SECRET}" }]`],
])('%s: what stands there is not said', async (_, file, text) => {
  const world = await secretiveWorld();
  writeFileSync(join(world.folder, file), text);
  const texts = await complaints(world);
  expect(leaks(texts, OURS)).toEqual([]);
});
