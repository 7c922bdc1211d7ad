/** What a scanner of TLS servers would find, asked with `openssl s_client`: protocols, ciphers, renegotiation, compression, tickets. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/adapters/system/log.ts';
import { type Gateway, startGateway } from '../../src/main/serve.ts';
import { makePair } from '../support/tls.ts';

let gateway: Gateway;
let folder = '';

/** An RSA pair, so that the suites of RSA are asked for too. */
function rsaPair(name: string): void {
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-noenc',
        '-subj',
        `/CN=${name}`,
        '-addext',
        `subjectAltName=DNS:${name}`,
      ],
      ...['-days', '30', '-keyout', join(folder, 'rsa.key'), '-out', join(folder, 'rsa.pem')],
    ],
    { stdio: 'ignore' },
  );
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'probe-'));
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
  const { certificate, key } = makePair('ec.test');
  writeFileSync(join(folder, 'ec.pem'), certificate);
  writeFileSync(join(folder, 'ec.key'), key, { mode: 0o600 });
  rsaPair('rsa.test');
  writeFileSync(
    join(folder, 'postern.yaml'),
    `hostname: ec.test
listeners:
  mx: { address: "127.0.0.1:0" }
  smtps: { address: "127.0.0.1:0", tls: implicit }
certificates:
  - { names: [ec.test], certificate: ec.pem, key: ec.key }
  - { names: [rsa.test], certificate: rsa.pem, key: rsa.key }
domains: { files.test: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
store: { path: store, min_free: 1 MiB }
`,
  );
  gateway = await startGateway(join(folder, 'postern.yaml'), { log: silentLog });
});
afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Probe {
  readonly code: number | null;
  readonly said: string;
}

/** `say` is typed once the handshake is over; QUIT ends it. Bounded by ten seconds. */
function probe(listener: 'mx' | 'smtps', options: readonly string[], say = 'QUIT\n'): Promise<Probe> {
  const starttls = listener === 'mx' ? ['-starttls', 'smtp'] : [];
  // Level 0 lets the client offer what nobody should take.
  const child = spawn('openssl', ['s_client', '-connect', gateway.addresses[listener]!, ...starttls, ...options]);
  let said = '';
  let typed = false;
  const hear = (chunk: Buffer): void => {
    said += chunk.toString('latin1');
    if (typed || !/Verify return code: \d/.test(said)) return;
    typed = true;
    child.stdin.write(say);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.stdin.on('error', () => {});
  const timer = setTimeout(() => child.kill(), 10_000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, said });
    });
  });
}
const cipherOf = ({ said }: Probe): string => /^\s*(?:New, .*|)Cipher is (\S+)/m.exec(said)?.[1] ?? '(NONE)';
const weak = ['-cipher', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];

describe.each(['mx', 'smtps'] as const)('%s', (listener) => {
  test.each([['-tls1'], ['-tls1_1']])('refuses %s', async (version) => {
    const answer = await probe(listener, [version, ...weak]);
    expect(cipherOf(answer)).toBe('(NONE)');
    expect(answer.said).toMatch(/alert protocol version/);
  });

  test.each([
    ['-tls1_2', 'ec.test', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['-tls1_2', 'rsa.test', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['-tls1_3', 'ec.test', 'TLS_AES_128_GCM_SHA256'],
    ['-tls1_3', 'rsa.test', 'TLS_AES_128_GCM_SHA256'],
  ])('takes %s for %s, in our order of ciphers', async (version, name, cipher) => {
    const answer = await probe(listener, [version, '-servername', name, ...weak]);
    expect(cipherOf(answer)).toBe(cipher);
    expect(answer.said).toContain(`subject=CN = ${name}`);
    expect(answer.said).toMatch(/^Compression: NONE/m);
    expect(answer.said).toMatch(/^No ALPN negotiated/m);
  });

  test('tells how renegotiation is secured, and does none', async () => {
    const answer = await probe(listener, ['-tls1_2', '-servername', 'ec.test'], 'R\n');
    expect(answer.said).toMatch(/^Secure Renegotiation IS supported/m);
    expect(answer.said).toMatch(/RENEGOTIATING.*no renegotiation/s);
  });
});

/** Every suite of TLS 1.2 that this openssl can offer, one at a time. */
const suites = execFileSync('openssl', ['ciphers', '-s', '-tls1_2', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'])
  .toString()
  .trim()
  .split(':')
  .filter((name) => !name.startsWith('TLS_') && !/PSK|SRP/.test(name));

test('of all suites of TLS 1.2, those with forward secrecy and authenticated encryption are taken, no other', async () => {
  const taken: string[] = [];
  for (const suite of suites)
    for (const name of ['ec.test', 'rsa.test']) {
      const answer = await probe('smtps', ['-tls1_2', '-servername', name, '-cipher', `${suite}:@SECLEVEL=0`]);
      if (cipherOf(answer) !== '(NONE)') taken.push(suite);
    }
  expect(suites.length).toBeGreaterThan(40);
  expect(suites.join()).toMatch(/NULL/);
  expect(suites.join()).toMatch(/ADH|AECDH/);
  expect(taken.sort()).toEqual(
    ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305']
      .flatMap((end) => [`ECDHE-ECDSA-${end}`, `ECDHE-RSA-${end}`])
      .sort(),
  );
});

/** Hellos that this openssl cannot say any more: SSL 3.0, and suites of RC4, 3DES and EXPORT. */
test.each([
  ['SSL 3.0', 0x0300, [0x0035, 0x002f, 0x000a]],
  ['RC4', 0x0303, [0x0004, 0x0005, 0xc007, 0xc011]],
  ['3DES', 0x0303, [0x000a, 0x0016, 0xc008, 0xc012]],
  ['EXPORT', 0x0303, [0x0003, 0x0006, 0x0008, 0x0014]],
  ['anonymous', 0x0303, [0x0034, 0x003a, 0xc018, 0xc019]],
  ['NULL', 0x0303, [0x0001, 0x0002, 0x003b, 0xc006, 0xc010]],
])('%s gets an alert', async (_, version, ciphers) => {
  expect(await alertTo(helloOf(version, ciphers))).toBe(0x15);
});

/** A ClientHello without extensions (RFC 5246 §7.4.1.2). */
function helloOf(version: number, ciphers: readonly number[]): Buffer {
  const body = Buffer.concat([
    Buffer.of(version >> 8, version & 0xff),
    Buffer.alloc(32, 7),
    Buffer.of(0, 0, ciphers.length * 2),
    Buffer.from(ciphers.flatMap((cipher) => [cipher >> 8, cipher & 0xff])),
    Buffer.of(1, 0),
  ]);
  const handshake = Buffer.concat([Buffer.of(1, 0, 0, body.length), body]);
  return Buffer.concat([Buffer.of(0x16, 3, version & 0xff, 0, handshake.length), handshake]);
}

/** The type of the first record that comes back; 0 when the connection was closed without one. */
function alertTo(hello: Buffer): Promise<number> {
  const [host, port] = gateway.addresses.smtps!.split(':');
  const socket = connect(Number(port), host!);
  let first = 0;
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    first = chunk[0]!;
    socket.destroy();
  });
  socket.write(hello);
  return new Promise((resolve) => socket.once('close', () => resolve(first)));
}
