/** Keys on disk: which are taken, what takes the place of another, and that nothing of them is ever told. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { makeSigningKey } from '../../../src/adapters/signing/make-signing-key.ts';
import { readSigningKey } from '../../../src/adapters/signing/read-signing-key.ts';
import { KeyRing } from '../../../src/adapters/signing/signing-keys.ts';
import { keyFault } from '../../../src/config/signing-key.ts';
import { ed25519Key, rsaKey } from '../../support/signing.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

let file = '';
let said: string[] = [];
let changed: () => void = () => {};
const note = (name: string, data?: object) => void said.push(`${name} ${JSON.stringify(data)}`);
const watching = {
  watch: (_: string, tell: (reading: { kind: 'failed'; why: string }) => void) => {
    const news = () => tell({ kind: 'failed', why: 'not asked' });
    news();
    changed = news;
    return () => {
      changed = () => {};
    };
  },
};
beforeEach(() => {
  file = join(temporaryFolder(), 'k.pem');
  said = [];
});
const put = (text: string, mode = 0o600): void => {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode });
};
const opened = () => new KeyRing(watching, { event: note, warn: note, error: note });
const signed = async (ring: KeyRing) => Buffer.from(await ring.keyOf(file).sign(Buffer.from('x'))).toString('hex');
const faultOf = () => keyFault(readSigningKey(file).reading)?.why;

test('RSA of 2048 bits and Ed25519 are sound', () => {
  for (const key of [rsaKey(2048), ed25519Key()]) {
    put(key.privateKey);
    expect(faultOf()).toBeUndefined();
    const { reading } = readSigningKey(file);
    expect(reading.kind === 'read' && key.record.endsWith(`p=${reading.facts.published}`)).toBe(true);
  }
});

test('others are refused, each by its reason, and no reason tells of the key', () => {
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const locked = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const cases: readonly (readonly [string, RegExp])[] = [
    [rsaKey(1024).privateKey, /1024 bits/],
    [elliptic.export({ format: 'pem', type: 'pkcs8' }).toString(), /kind/],
    [locked.toString(), /encrypted/],
    ['-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n', /no private key/],
    ['', /no private key/],
  ];
  for (const [text, why] of cases) {
    put(text);
    expect(faultOf()).toMatch(why);
    const told = JSON.stringify(readSigningKey(file).reading);
    for (const line of text.split('\n').filter((one) => one.length > 20 && !one.includes('-----')))
      expect(told).not.toContain(line);
    expect(told).not.toContain('SECRET');
  }
  put(rsaKey(2048).privateKey);
  chmodSync(file, 0o644);
  expect(faultOf()).toBe('others may read it');
  rmSync(file);
  expect(faultOf()).toBe('there is no such file');
});

test('a file that changes takes over when it is sound, and otherwise the one before signs on, said once', async () => {
  put(ed25519Key().privateKey);
  const ring = opened();
  const before = await signed(ring);
  put('nothing');
  changed();
  changed();
  expect(await signed(ring)).toBe(before);
  expect(said).toEqual([expect.stringMatching(/^signing\.key\.refused .*no private key.*the one before stays/)]);
  put(rsaKey(1024).privateKey);
  changed();
  expect(await signed(ring)).toBe(before);
  put(ed25519Key().privateKey, 0o644);
  changed();
  expect(await signed(ring)).toBe(before);
  const next = ed25519Key();
  put(next.privateKey);
  changed();
  expect(await signed(ring)).not.toBe(before);
  expect(said.map((line) => line.split(' ')[0])).toEqual([
    'signing.key.refused',
    'signing.key.refused',
    'signing.key.refused',
    'signing.key.replaced',
  ]);
  const secret = next.privateKey.split('\n')[1]!;
  expect(said.join('\n')).not.toContain(secret);
  ring.stop();
});

test('the same key put back is told as mended, once', async () => {
  const { privateKey } = ed25519Key();
  put(privateKey);
  const ring = opened();
  const before = await signed(ring);
  put('nothing');
  changed();
  put(privateKey);
  changed();
  changed();
  expect(await signed(ring)).toBe(before);
  expect(said.map((line) => line.split(' ')[0])).toEqual(['signing.key.refused', 'signing.key.mended']);
  ring.stop();
});

test('a key of the old form that is encrypted is told as that', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  put(privateKey.export({ format: 'pem', type: 'pkcs1', cipher: 'aes-256-cbc', passphrase: 'x' }).toString());
  expect(readFileSync(file, 'utf8')).toContain('Proc-Type: 4,ENCRYPTED');
  expect(faultOf()).toBe('the key is encrypted');
});

test('keys of a configuration that is gone are forgotten, those of the next are looked at again', async () => {
  put(ed25519Key().privateKey);
  const ring = opened();
  const before = await signed(ring);
  put(ed25519Key().privateKey);
  ring.keep(new Set([file]));
  expect(await signed(ring)).not.toBe(before);
  ring.keep(new Set());
  rmSync(file);
  expect(() => ring.keyOf(file)).toThrow(/there is no such file/);
  ring.stop();
});

test('a key that is made lies in a file of its own, closed to others, and none is written over', async () => {
  const facts = await makeSigningKey(file, 'rsa', 2048);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readSigningKey(file).reading).toEqual({ kind: 'read', facts });
  const text = readFileSync(file, 'utf8');
  expect(await makeSigningKey(file, 'ed25519', 2048)).toBe('exists');
  expect(readFileSync(file, 'utf8')).toBe(text);
  const other = join(temporaryFolder(), 'deep/er/e.pem');
  expect(await makeSigningKey(other, 'ed25519', 2048)).toMatchObject({ algorithm: 'ed25519-sha256' });
});
