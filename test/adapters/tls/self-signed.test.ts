/** The certificate of our own making, held against Node's own reader of certificates, and the file it is kept in. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { integer, objectIdentifier, tagged, time } from '../../../src/adapters/tls/der.ts';
import { keepSelfSigned, selfSigned } from '../../../src/adapters/tls/self-signed.ts';
import { days } from '../../../src/mail/time.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

const NOW = Date.UTC(2026, 10, 22, 10);
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

describe('a self-signed certificate', () => {
  test.each(['mx.example.com', 'localhost', `${'a'.repeat(60)}.${'b'.repeat(60)}.example`])('speaks for %s', (name) => {
    const text = selfSigned(name, NOW);
    const certificate = new X509Certificate(text);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(text))).toBe(true);
    expect(certificate.checkHost(name, { subject: 'never' })).toBe(name);
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(certificate.validFromDate.getTime()).toBe(NOW - 3_600_000);
    expect(certificate.validToDate.getTime()).toBe(NOW + days(3650));
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('may outlive the two digits of a year', () => {
    const certificate = new X509Certificate(selfSigned('mx.example.com', Date.UTC(2045, 0, 1)));
    expect(certificate.validToDate.getUTCFullYear()).toBe(2054);
  });
});

test('DER is written as X.690 says', () => {
  expect(hex(objectIdentifier('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
  expect(hex(integer(Buffer.of(0)))).toBe('020100');
  expect(hex(integer(Buffer.of(0, 0, 0x7f)))).toBe('02017f');
  expect(hex(integer(Buffer.of(0x80)))).toBe('02020080');
  expect(hex(tagged(4, Buffer.alloc(0x7f))).slice(0, 4)).toBe('047f');
  expect(hex(tagged(4, Buffer.alloc(0x80))).slice(0, 6)).toBe('048180');
  expect(hex(tagged(4, Buffer.alloc(0x1234))).slice(0, 8)).toBe('04821234');
  expect(Buffer.from(time(Date.UTC(2049, 11, 31, 23, 59, 59)).subarray(2)).toString()).toBe('491231235959Z');
  expect(Buffer.from(time(Date.UTC(2050, 0, 1)).subarray(2)).toString()).toBe('20500101000000Z');
});

describe('the file', () => {
  const file = (): string => join(temporaryFolder(), 'self-signed.pem');

  test('is made once, for its owner alone, and nothing else is left beside it', () => {
    const path = file();
    expect(keepSelfSigned(path, 'mx.example.com', NOW)).toBe('made');
    const first = readFileSync(path, 'utf8');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(keepSelfSigned(path, 'mx.example.com', NOW + days(3600))).toBe('kept');
    expect(readFileSync(path, 'utf8')).toBe(first);
    expect(readdirSync(join(path, '..'))).toEqual(['self-signed.pem']);
  });

  test.each([
    ['the host is called otherwise', 'mx2.example.com', NOW, undefined],
    ['its time is nearly over', 'mx.example.com', NOW + days(3630), undefined],
    ['it is none', 'mx.example.com', NOW, 'nonsense'],
  ])('is made anew when %s', (_, hostname, now, text) => {
    const path = file();
    keepSelfSigned(path, 'mx.example.com', NOW);
    if (text !== undefined) writeFileSync(path, text);
    const before = readFileSync(path, 'utf8');
    expect(keepSelfSigned(path, hostname, now)).toBe('made');
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(keepSelfSigned(path, hostname, now)).toBe('kept');
  });
});
