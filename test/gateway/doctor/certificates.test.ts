/** Certificates as real listeners show them, and TLSA records held against them. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { installationFiles } from '../../../src/adapters/files/installation-files.ts';
import { silentLog } from '../../../src/adapters/system/log.ts';
import { readPair } from '../../../src/adapters/tls/read-pair.ts';
import { loadInstallation } from '../../../src/config/load-installation.ts';
import { examine, type Found } from '../../../src/gateway/doctor/examine.ts';
import type { Practice } from '../../../src/gateway/doctor/practice.ts';
import { compare } from '../../../src/gateway/doctor/tlsa.ts';
import { days } from '../../../src/mail/time.ts';
import { startGateway } from '../../../src/main/serve.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { practice, STATUS, WELL } from '../../support/practice.ts';
import { temporaryFolder } from '../../support/store-folder.ts';
import { type MadePair, makePair } from '../../support/tls.ts';

const NAME = 'mx1.example.com';
let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

interface Wanted {
  /** Undefined: a self-signed one is made. */
  readonly pair?: MadePair;
  readonly name?: string;
  readonly zones?: Zones;
}

/** A gateway that runs, and its doctor. */
async function gatewayWith({ pair, name = NAME, zones = {} }: Wanted): Promise<Practice> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'policies'));
  writeFileSync(join(folder, 'policies/inbound.yaml'), 'policy: inbound\nchecks: {}\nrules: {}\n');
  if (pair !== undefined) {
    writeFileSync(join(folder, 'c.pem'), pair.certificate);
    writeFileSync(join(folder, 'k.pem'), pair.key, { mode: 0o600 });
  }
  const config = join(folder, 'postern.yaml');
  const implicit = pair === undefined ? '' : '  smtps: { address: "127.0.0.1:0", tls: implicit }\n';
  const entry = `certificates: [{ names: [${name}], certificate: c.pem, key: k.pem }]\n`;
  writeFileSync(
    config,
    `hostname: ${NAME}
listeners:
  mx: { address: "127.0.0.1:0" }
${implicit}domains: { example.com: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: mail } }
store: { path: store, min_free: 1 MiB }
${pair === undefined ? '' : entry}`,
  );
  const gateway = await startGateway(config, { log: silentLog });
  stop = () => gateway.stop();
  const { installation } = loadInstallation(config, installationFiles(folder, Date.now, true));
  const listeners = installation!.listeners.map(({ name: listener }) => ({
    name: listener,
    address: gateway.addresses[listener]!,
    policy: 'inbound',
    sessions: 0,
  }));
  const well = await practice({ ...WELL, ...zones });
  return {
    ...well,
    installation: installation!,
    pair: (one) => readPair(one.certificate, one.key, Date.now()),
    gateway: { kind: 'answered', answer: { problems: [], status: { ...STATUS, listeners } } },
    now: Date.now(),
  };
}

const told = async (one: Practice, topic: string): Promise<readonly string[]> =>
  (await examine(one, false)).filter((found) => found.topic === topic).map(say);
const say = ({ level, saw }: Pick<Found, 'level' | 'saw'>): string => `${level} ${saw}`;

test('what listeners show over STARTTLS and implicit TLS is told once, with its age, and self-signed is a warning', async () => {
  const pair = makePair(NAME);
  const one = await gatewayWith({ pair });
  expect(await told(one, 'listener')).toEqual(['ok mx greets, TLS: opportunistic', 'ok smtps greets, TLS: implicit']);
  const valid = [expect.stringMatching(/^ok (mx, smtps|smtps, mx): valid for 36\d\d d more$/)];
  const selfSigned = [expect.stringMatching(/^warning .*: self-signed/)];
  expect(await told(one, 'certificate')).toEqual([...valid, ...selfSigned]);

  const ends = new X509Certificate(pair.certificate).validToDate.getTime();
  const left = async (span: number) => (await told({ ...one, now: ends - span }, 'certificate')).map(levelOf);
  // Of the file, of what is shown, of the signature.
  expect(await left(days(15))).toEqual(['ok', 'warning']);
  expect(await left(days(10))).toEqual(['warning', 'warning', 'warning']);
  expect(await left(days(2))).toEqual(['problem', 'problem', 'warning']);
  expect(await left(-days(1))).toContain('problem');
});
const levelOf = (text: string): string => text.split(' ')[0]!;

test('a certificate of another name, and one that is not in the files any more, are warnings', async () => {
  const one = await gatewayWith({ pair: makePair('mx.other.test'), name: 'mx.other.test' });
  expect(await told(one, 'certificate')).toContainEqual(
    expect.stringMatching(/^warning .*: it speaks for DNS:mx\.other\.test, not for mx1\.example\.com$/),
  );
  const facts = { names: [], notBefore: 1, notAfter: Number.POSITIVE_INFINITY, time: 'valid' } as const;
  const renewed = { ...facts, rsaBits: undefined, keyMatches: true, keyExposed: false, forClients: true };
  const pair: Practice['pair'] = () => ({ kind: 'read', facts: renewed });
  expect(await told({ ...one, pair }, 'certificate')).toContainEqual(
    expect.stringMatching(/^warning .*: it is none of those in the files$/),
  );
});

test('the certificate of our own making is shown, and leads to docs/tls.md', async () => {
  const one = await gatewayWith({});
  const found = (await examine(one, true)).find(({ saw }) => saw.includes('self-signed'));
  expect(found).toMatchObject({ level: 'warning', remedy: expect.stringContaining('docs/tls.md') });
});

test('a listener that does not answer is a problem of a gateway that runs, a warning before', async () => {
  const one = await gatewayWith({});
  const dial: Practice['dial'] = async () => ({ kind: 'failed', why: 'ECONNREFUSED' });
  expect(await told({ ...one, dial }, 'listener')).toEqual(['problem mx: ECONNREFUSED']);
  const gateway = { kind: 'stopped', why: 'no socket' } as const;
  const listeners = one.installation.listeners.map((listener) => ({ ...listener, port: 2525 }));
  const before = { ...one, dial, gateway, installation: { ...one.installation, listeners } };
  expect(await told(before, 'listener')).toEqual(['warning mx: ECONNREFUSED']);
});

const keyDigest = (pair: MadePair): string =>
  createHash('sha256')
    .update(new X509Certificate(pair.certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
const tlsa = (data: string, secure = true): Zones => ({
  [`_25._tcp.${NAME}`]: [{ TLSA: [3, 1, 1, data] }, { AD: secure }] as never,
});

test('TLSA records fit the certificate that is shown, or are a problem; unsigned ones are a warning', async () => {
  const pair = makePair(NAME);
  const one = await gatewayWith({ pair, zones: tlsa(keyDigest(pair)) });
  expect(await told(one, 'tlsa')).toEqual([`ok ${NAME}: 3 1 1 fits what is shown`]);

  const over = async (zones: Zones) =>
    told({ ...one, resolver: (await practice({ ...WELL, ...zones })).resolver }, 'tlsa');
  expect(await over(tlsa('ab'.repeat(32)))).toEqual([
    `problem ${NAME}: 3 1 1 does not fit the certificate that is shown`,
  ]);
  expect(await over(tlsa(keyDigest(pair), false))).toEqual([
    `warning ${NAME}: the answer is not signed (no AD), so that nobody heeds it`,
    `ok ${NAME}: 3 1 1 fits what is shown`,
  ]);
  expect(await over({})).toEqual([`info ${NAME} has none: senders are free to encrypt or not`]);
  expect(await over({ [`_25._tcp.${NAME}`]: ['SERVFAIL'] })).toEqual([expect.stringMatching(/^warning the question/)]);
});

test('an issuer that is sent along is held against TLSA records of usage 2, and one that nobody here knows is told', async () => {
  const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../support/certificates', name), 'utf8');
  const pair = { certificate: pem('by-name.pem') + pem('authority.pem'), key: pem('host.key') };
  const digest = createHash('sha256')
    .update(new X509Certificate(pem('authority.pem')).raw)
    .digest('hex');
  const zones = { [`_25._tcp.${NAME}`]: [{ TLSA: [2, 0, 1, digest] }, { AD: true }] as never };
  const one = await gatewayWith({ pair, name: 'localhost', zones });
  expect(await told(one, 'tlsa')).toEqual([`ok ${NAME}: 2 0 1 fits what is shown`]);
  expect(await told(one, 'certificate')).toContainEqual(
    expect.stringMatching(/^warning .*: this machine does not trust it \(\w+\)$/),
  );
});

test('each kind of TLSA record is compared, or said not to be', () => {
  const [server, issuer] = [makePair('a.test'), makePair('b.test')];
  const der = (pair: MadePair): Buffer => new X509Certificate(pair.certificate).raw;
  const hash = (name: string, octets: Uint8Array): string => createHash(name).update(octets).digest('hex');
  const record = (usage: number, selector: number, matching: number, data: string) => ({
    usage,
    selector,
    matching,
    data,
  });
  const chain = [der(server), der(issuer)];
  const levels = (records: Parameters<typeof compare>[1], shown: readonly Uint8Array[] = chain) =>
    compare('mx.test', records, shown).map(({ level }) => level);
  for (const good of [
    record(3, 0, 1, hash('sha256', der(server)).toUpperCase()),
    record(3, 0, 2, hash('sha512', der(server))),
    record(3, 0, 0, der(server).toString('hex')),
    record(2, 0, 1, hash('sha256', der(issuer))),
    record(2, 1, 1, keyDigest(issuer)),
  ])
    expect(levels([good])).toEqual(['ok']);
  expect(levels([record(2, 0, 1, hash('sha256', der(server)))])).toEqual(['problem']);
  expect(levels([record(3, 1, 1, keyDigest(issuer))])).toEqual(['problem']);
  expect(levels([record(2, 0, 1, hash('sha256', der(issuer)))], [der(server)])).toEqual(['info']);
  expect(levels([record(1, 1, 1, keyDigest(server))])).toEqual(['info']);
  expect(levels([record(3, 1, 1, keyDigest(server)), record(3, 1, 1, 'ab'), record(0, 0, 1, 'ab')])).toEqual([
    'ok',
    'info',
  ]);
  // The next key's record stands beside it.
  expect(levels([record(3, 1, 1, keyDigest(issuer)), record(3, 1, 1, keyDigest(server))])).toEqual(['ok']);
});
