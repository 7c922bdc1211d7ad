/** Pairs as OpenSSL and ACME clients leave them on disk: what is read of them, and what is said of those that are none. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPair } from '../../../src/adapters/tls/read-pair.ts';
import { pairFaults } from '../../../src/config/certificate-pair.ts';
import { temporaryFolder } from '../../support/store-folder.ts';
import { makePair } from '../../support/tls.ts';

const made = (name: string): string => fileURLToPath(new URL(`../../support/certificates/${name}`, import.meta.url));
const read = (certificate: string, key = 'host.key') => readPair(made(certificate), made(key), Date.now());
const says = (certificate: string, key: string, name = 'localhost'): string =>
  pairFaults([name], readPair(certificate, key, Date.now()))
    .map(({ severity, message }) => `${severity}: ${message}`)
    .join('; ');

test('a certificate is read with its names, its time and its key', () => {
  expect(read('by-name.pem')).toMatchObject({
    kind: 'read',
    facts: {
      names: ['localhost'],
      notBefore: Date.UTC(2020, 0, 1),
      notAfter: Date.UTC(2126, 0, 1),
      time: 'valid',
      rsaBits: undefined,
      keyMatches: true,
    },
  });
  expect(read('by-address.pem')).toMatchObject({ facts: { names: [] } });
  expect(read('expired.pem')).toMatchObject({ facts: { time: 'expired' } });
  expect(read('by-name.pem')).toHaveProperty('context.context');
});

test('an RSA key of too few bits is told, and makes no context', () => {
  expect(read('weak.pem', 'weak.key')).toMatchObject({ facts: { rsaBits: 1024 }, context: undefined });
  expect(says(made('weak.pem'), made('weak.key'))).toContain('its RSA key has 1024 bits');
});

test('what is no pair is named by its file, and nothing of a key is told', () => {
  const folder = temporaryFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const { certificate, key } = makePair('localhost');
  const good = file('a.pem', certificate);
  const goodKey = file('a.key', key);
  mkdirSync(join(folder, 'd'));
  expect(says(good, goodKey)).toBe('');
  expect(says(join(folder, 'none'), goodKey)).toBe(`error: there is no file ${folder}/none`);
  expect(says(good, join(folder, 'd'))).toMatch(/^error: .*\/d cannot be read/);
  expect(says(goodKey, goodKey)).toBe('error: the file holds no certificate in PEM');
  expect(says(good, good)).toBe('error: the file holds no private key in PEM');
  expect(says(good, file('broken.key', key.slice(0, 80)))).toBe('error: the file holds no private key in PEM');
  expect(says(good, file('large.key', `${key}${'#'.repeat(1024 * 1024)}`))).toMatch(/larger than 1 MiB/);
  expect(says(good, file('b.key', makePair('localhost').key))).toBe(
    'error: the key does not belong to the certificate',
  );
  expect(says(good, goodKey, 'mx.example.com')).toBe('error: the certificate does not speak for "mx.example.com"');
  const locked =
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMFQwPwYJKoZIhvcNAQUNMDIw\n-----END ENCRYPTED PRIVATE KEY-----\n';
  expect(says(good, file('locked.key', locked))).toMatch(
    /^error: (?:the key is encrypted|the file holds no private key)/,
  );
  chmodSync(goodKey, 0o640);
  expect(says(good, goodKey)).toBe('');
  chmodSync(goodKey, 0o604);
  expect(says(good, goodKey)).toBe('error: every user of this machine may read the key');
});
