/** `signing:` and `arc:`: every mistake has its place and its remedy; a key that must not sign is refused. */
import { describe, expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import type { KeyReading } from '../../src/config/signing-key.ts';
import { days } from '../../src/mail/time.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const rsa = (rsaBits: number): KeyReading => ({
  kind: 'read',
  facts: { algorithm: 'rsa-sha256', rsaBits, published: 'AAAA' },
});
const gone: KeyReading = { kind: 'failed', absent: true, why: 'there is no such file', remedy: 'make it' };

function load(lines: string, reading: KeyReading = rsa(2048)) {
  const text = `hostname: mx.example.com
listeners: { mx: { address: "127.0.0.1:25" } }
domains: { example.com: { route: r, recipients: any } }
routes: { r: { protocol: maildir, path: mail } }
${lines}`;
  const files = filesOf(
    { [FILE]: text, '/etc/postern/policies/inbound.yaml': 'policy: inbound\n' },
    {},
    { '/etc/postern/secrets/k.pem': reading },
  );
  const { installation, problems, notYet } = loadInstallation(FILE, files);
  const say = problems.map(({ place, message, remedy }) => `${place.line}:${place.column} ${message} → ${remedy}`);
  return { installation, say, notYet };
}
/** With `._domainkey.example.com` 253 octets. */
const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(38)}`;
const key = (more = '') => `{ selector: s2026, key_file: secrets/k.pem${more} }`;

test('keys are known by their domain, in the order they are written', () => {
  const { installation, say, notYet } = load(
    `signing:\n  EXAMPLE.com: [${key()}, { selector: Next.S1, key_file: /k, state: publish, expire: 14d }]\n`,
  );
  expect([say, notYet]).toEqual([[], []]);
  expect([...installation!.signing]).toEqual([
    [
      'example.com',
      [
        { selector: 's2026', keyFile: '/etc/postern/secrets/k.pem', state: 'active', expire: undefined },
        { selector: 'next.s1', keyFile: '/k', state: 'publish', expire: days(14) },
      ],
    ],
  ]);
  expect(installation!.seal).toBeUndefined();
  expect(load('').installation?.signing.size).toBe(0);
});

test.each<[string, string, KeyReading, string]>([
  ['a short key', `signing: { example.com: [${key()}] }`, rsa(1024), '5:55 its RSA key has 1024 bits → expected 2048'],
  ['a long one', `signing: { example.com: [${key()}] }`, rsa(8192), '5:55 its RSA key has 8192 bits → expected 2048'],
  ['no file', `signing: { example.com: [${key()}] }`, gone, '5:55 there is no such file → make it'],
  [
    'a key of another kind',
    `signing: { example.com: [${key()}] }`,
    { kind: 'read', facts: { algorithm: undefined, rsaBits: undefined, published: '' } },
    '5:55 it is a key of a kind that does not sign mail',
  ],
  ['no domain', `signing: { com: [${key()}] }`, rsa(2048), '5:12 "com" is not a domain'],
  [
    'a domain twice, in other letters',
    `signing:\n  bücher.example: [${key()}]\n  xn--bcher-kva.example: [${key()}]`,
    rsa(2048),
    '7:3 "xn--bcher-kva.example" names xn--bcher-kva.example a second time',
  ],
  [
    'no selector',
    `signing: { example.com: [${key().replace('s2026', 'a_b')}] }`,
    rsa(2048),
    '5:38 "a_b" is no selector',
  ],
  [
    'a selector twice',
    `signing:\n  example.com:\n    - ${key()}\n    - ${key()}`,
    rsa(2048),
    '8:19 "s2026" is there twice',
  ],
  [
    'a selector twice, in other letters',
    `signing:\n  example.com:\n    - ${key()}\n    - ${key().replace('s2026', 'S2026')}`,
    rsa(2048),
    '8:19 "S2026" is there twice',
  ],
  [
    'a name that is too long for DNS',
    `signing: { example.com: [${key().replace('s2026', `${LONG}x`)}] }`,
    rsa(2048),
    'makes a name that is too long for DNS',
  ],
  ['a state nobody knows', `signing: { example.com: [${key(', state: next')}] }`, rsa(2048), '5:77 "next" is not'],
  ['signatures that end too soon', `signing: { example.com: [${key(', expire: 1d')}] }`, rsa(2048), '5:78 '],
  [
    'a seal of a domain without keys',
    'arc: { seal: { domain: example.com } }',
    rsa(2048),
    '5:24 "example.com" does not',
  ],
  [
    'a seal by a key that is not active',
    `signing: { example.com: [${key(', state: retired')}] }\narc: { seal: { domain: example.com, selector: s2026 } }`,
    rsa(2048),
    '6:47 example.com has no active key "s2026" → there are: none',
  ],
])('%s is refused', (_, lines, reading, said) => {
  const { say } = load(lines, reading);
  expect(say).toHaveLength(1);
  expect(say[0]).toContain(said);
});

test('a name of 253 octets fits in DNS', () => {
  expect(load(`signing: { example.com: [${key().replace('s2026', LONG)}] }`).say).toEqual([]);
});

describe('a key that is retired', () => {
  test('may be gone from disk', () => {
    expect(load(`signing: { example.com: [${key(', state: retired')}] }`, gone).say).toEqual([]);
  });
  test('is sound where it is there', () => {
    const locked: KeyReading = { kind: 'failed', absent: false, why: 'the key is encrypted', remedy: 'write it plain' };
    expect(load(`signing: { example.com: [${key(', state: retired')}] }`, locked).say).toEqual([
      '5:55 the key is encrypted → write it plain',
    ]);
  });
});

test('a seal is by the key that is named, else by the first active one', () => {
  const signing = `signing: { example.com: [{ selector: a, key_file: /a, state: publish }, { selector: b, key_file: /b }, { selector: c, key_file: /c }] }\n`;
  expect(load(`${signing}arc: { seal: { domain: Example.com } }`).installation!.seal).toEqual({
    domain: 'example.com',
    selector: 'b',
    keyFile: '/b',
  });
  expect(load(`${signing}arc: { seal: { domain: example.com, selector: C } }`).installation!.seal?.keyFile).toBe('/c');
});
