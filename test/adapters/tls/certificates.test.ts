/** Certificates in use: which one a server name gets, what takes the place of another, and what is said when it must not. */

import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Certificates,
  type CertificatesWanted,
  openCertificates,
} from '../../../src/adapters/tls/certificates.ts';
import type { Listener } from '../../../src/config/installation.ts';
import { days, hours } from '../../../src/mail/time.ts';
import { temporaryFolder } from '../../support/store-folder.ts';
import { type MadePair, makePair } from '../../support/tls.ts';

let folder = '';
let said: string[] = [];
let told: Map<string, () => void>;
let open: Certificates | undefined;
let now = Date.now();
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);

beforeEach(() => {
  folder = temporaryFolder();
  said = [];
  told = new Map();
  now = Date.now();
});
afterEach(() => open?.stop());

function write(name: string, { certificate, key }: MadePair): void {
  writeFileSync(join(folder, `${name}.new`), certificate);
  writeFileSync(join(folder, `${name}.key.new`), key, { mode: 0o600 });
  renameSync(join(folder, `${name}.new`), join(folder, `${name}.pem`));
  renameSync(join(folder, `${name}.key.new`), join(folder, `${name}.key`));
}
const entry = (file: string, ...names: string[]) => ({
  names,
  certificate: join(folder, `${file}.pem`),
  key: join(folder, `${file}.key`),
});
const wanting = (certificates: CertificatesWanted['certificates'], hostname = 'mx.test'): CertificatesWanted => ({
  hostname,
  certificates,
  listeners: [{ tls: 'opportunistic' } as Listener],
  store: { path: folder, minFreeBytes: 0 },
});
function opened(wanted: CertificatesWanted): Certificates {
  open = openCertificates(wanted, {
    files: {
      watch: (path, tell) => {
        tell({ kind: 'failed', why: 'not asked' });
        told.set(path, () => tell({ kind: 'failed', why: 'not asked' }));
        return () => void told.delete(path);
      },
    },
    log: { event: note, warn: note, error: note },
    now: () => now,
  });
  return open!;
}
const changed = (file: string): void => told.get(join(folder, file))!();

/** The certificate that a handshake in this context shows. */
async function shows(context: SecureContext): Promise<X509Certificate> {
  const [ours, theirs] = duplexPair();
  const server = new TLSSocket(ours, { isServer: true, secureContext: context });
  const client = connectTls({ socket: theirs, rejectUnauthorized: false });
  await new Promise((resolve, reject) => client.once('secureConnect', resolve).once('error', reject));
  const shown = client.getPeerX509Certificate()!;
  client.destroy();
  server.destroy();
  return shown;
}
const named = async (certificates: Certificates, name: string): Promise<string> =>
  (await shows(certificates.contextFor(name))).subject.replace('CN=', '');

describe('a server name', () => {
  test('gets the certificate that names it, one with a star after one without, and any other the host’s own', async () => {
    write('other', makePair('other.test'));
    write('mx', makePair('mx.test'));
    write('wild', makePair('*.wild.test'));
    write('exact', makePair('a.wild.test'));
    const certificates = opened(
      wanting([
        entry('other', 'other.test'),
        entry('wild', '*.wild.test'),
        entry('exact', 'a.wild.test'),
        entry('mx', 'mx.test'),
      ]),
    );
    const asked = [
      'other.test',
      'OTHER.test.',
      'a.wild.test',
      'b.wild.test',
      'a.b.wild.test',
      'wild.test',
      'nobody.test',
      '',
    ];
    expect(await Promise.all(asked.map((name) => named(certificates, name)))).toEqual([
      'other.test',
      'other.test',
      'a.wild.test',
      '*.wild.test',
      'mx.test',
      'mx.test',
      'mx.test',
      'mx.test',
    ]);
    expect(said).toEqual([]);
  });

  test('that nobody names gets the first certificate where the host has none', async () => {
    write('a', makePair('a.test'));
    write('b', makePair('b.test'));
    expect(await named(opened(wanting([entry('a', 'a.test'), entry('b', 'b.test')])), 'c.test')).toBe('a.test');
  });
});

describe('a pair whose files change', () => {
  const fingerprint = async (): Promise<string> => (await shows(open!.contextFor('mx.test'))).fingerprint256;
  const events = (): string[] => said.map((line) => line.split(' ')[0]!);

  test('is taken for new handshakes', async () => {
    write('mx', makePair('mx.test'));
    opened(wanting([entry('mx', 'mx.test')]));
    const next = makePair('mx.test');
    write('mx', next);
    changed('mx.pem');
    expect(await fingerprint()).toBe(new X509Certificate(next.certificate).fingerprint256);
    changed('mx.key');
    expect(events()).toEqual(['certificate.replaced']);
  });

  test.each<[string, () => void, RegExp]>([
    ['expired', () => write('mx', makePair('mx.test', 'expired')), /it expired on/],
    ['early', () => write('mx', makePair('mx.test', 'early')), /it is not valid before/],
    [
      'for another name',
      () => write('mx', makePair('mx.example')),
      /does not speak for \\"mx\.test\\" \(it speaks for mx\.example\)/,
    ],
    [
      'mismatched',
      () => writeFileSync(join(folder, 'mx.key'), makePair('mx.test').key),
      /does not belong to the certificate/,
    ],
    [
      'half written',
      () => writeFileSync(join(folder, 'mx.pem'), makePair('mx.test').certificate.slice(0, 300)),
      /no certificate in PEM/,
    ],
    ['without key', () => writeFileSync(join(folder, 'mx.key'), ''), /no private key in PEM/],
    ['gone', () => rmSync(join(folder, 'mx.pem')), /there is no file/],
    [
      'open to everybody',
      () => chmodSync(join(folder, 'mx.key'), 0o644),
      /every user of this machine may read the key/,
    ],
  ])('and is %s then is refused once, by name, and the one before stays', async (_, change, why) => {
    const first = makePair('mx.test');
    write('mx', first);
    opened(wanting([entry('mx', 'mx.test')]));
    change();
    for (const file of ['mx.pem', 'mx.key', 'mx.pem']) changed(file);
    expect(await fingerprint()).toBe(new X509Certificate(first.certificate).fingerprint256);
    expect(events()).toEqual(['certificate.refused']);
    expect(said[0]).toMatch(why);
    expect(said.join()).not.toContain(first.key.split('\n')[1]);
    const next = makePair('mx.test');
    write('mx', next);
    changed('mx.pem');
    expect(await fingerprint()).toBe(new X509Certificate(next.certificate).fingerprint256);
    expect(events()).toEqual(['certificate.refused', 'certificate.replaced']);
  });

  test('is taken when its time comes, and is told of before its time is over, once a day', () => {
    write('mx', makePair('mx.test'));
    const certificates = opened(wanting([entry('mx', 'mx.test')]));
    const wanted = wanting([entry('mx', 'mx.test')]);
    write('mx', makePair('mx.test', 'early'));
    changed('mx.pem');
    now += days(366);
    certificates.take(wanted);
    expect(events()).toEqual(['certificate.refused', 'certificate.replaced']);
    now = Date.now() + days(365 + 3650 - 13);
    for (let n = 0; n < 3; n++) certificates.take(wanted);
    now += days(1);
    certificates.take(wanted);
    now += days(20);
    certificates.take(wanted);
    expect(events().slice(2)).toEqual(['certificate.expires', 'certificate.expires', 'certificate.expired']);
  });
});

test('a certificate that has expired before we start is used, loudly', async () => {
  write('mx', makePair('mx.test', 'expired'));
  expect(await named(opened(wanting([entry('mx', 'mx.test')])), '')).toBe('mx.test');
  expect(said).toEqual([expect.stringMatching(/^certificate\.expired .*mx\.pem/)]);
});

test('ticket keys do not outlive an hour: contexts are others after it', async () => {
  write('mx', makePair('mx.test'));
  const certificates = opened(wanting([entry('mx', 'mx.test')]));
  const before = certificates.contextFor('');
  expect(certificates.contextFor('')).toBe(before);
  now += hours(1);
  certificates.take(wanting([entry('mx', 'mx.test')]));
  expect(certificates.contextFor('')).not.toBe(before);
});

describe('a new installation', () => {
  test('brings certificates, watches their files and leaves the others', async () => {
    write('a', makePair('mx.test'));
    write('b', makePair('b.test'));
    const certificates = opened(wanting([entry('a', 'mx.test')]));
    certificates.take(wanting([entry('b', 'b.test'), entry('a', 'mx.test')]));
    expect(await named(certificates, 'b.test')).toBe('b.test');
    expect(await named(certificates, '')).toBe('mx.test');
    certificates.take(wanting([entry('b', 'b.test')]));
    expect(await named(certificates, 'mx.test')).toBe('b.test');
    expect([...told.keys()]).toEqual([join(folder, 'b.pem'), join(folder, 'b.key')]);
  });

  test('with a pair that is none leaves all as it was', async () => {
    write('a', makePair('mx.test'));
    const certificates = opened(wanting([entry('a', 'mx.test')]));
    certificates.take(wanting([entry('missing', 'b.test')]));
    expect(await named(certificates, 'b.test')).toBe('mx.test');
    expect(said).toEqual([expect.stringMatching(/^certificate\.refused .*missing\.pem/)]);
  });
});

describe('without certificates', () => {
  test('one is made for the host, kept, and said so', async () => {
    expect(await named(opened(wanting([])), 'anything.test')).toBe('mx.test');
    expect(said).toEqual([expect.stringMatching(/^certificate\.self-signed .*"done":"made"/)]);
    const kept = readFileSync(join(folder, 'self-signed.pem'), 'utf8');
    open?.stop();
    opened(wanting([]));
    expect(said[1]).toMatch(/"done":"kept"/);
    expect(readFileSync(join(folder, 'self-signed.pem'), 'utf8')).toBe(kept);
  });

  test('none is made where no listener speaks TLS', () => {
    expect(opened({ ...wanting([]), listeners: [{ tls: 'none' } as Listener] })).toBeUndefined();
    expect(existsSync(join(folder, 'self-signed.pem'))).toBe(false);
  });

  test('the first that is configured takes its place', async () => {
    const certificates = opened(wanting([]));
    write('mx', makePair('other.test'));
    certificates.take(wanting([entry('mx', 'other.test')]));
    expect(await named(certificates, '')).toBe('other.test');
  });
});
