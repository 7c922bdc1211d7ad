/** `certificates:` and `tls:` of listeners: every mistake has its place and its remedy, and what is written nowhere is safe. */
import { describe, expect, test } from 'vitest';
import type { PairFacts, PairReading } from '../../src/config/certificate-pair.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { serverName, speaksFor } from '../../src/config/server-name.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const SOUND: PairFacts = {
  names: ['mx.example.com', '*.wild.example'],
  notBefore: Date.UTC(2026, 0, 1),
  notAfter: Date.UTC(2026, 2, 1),
  time: 'valid',
  rsaBits: undefined,
  keyMatches: true,
  keyExposed: false,
  forClients: true,
};
const pair = (more: Partial<PairFacts> = {}): PairReading => ({ kind: 'read', facts: { ...SOUND, ...more } });

function load(listener: string, certificates: string, reading: PairReading = pair()) {
  const text = `hostname: mx.example.com
listeners: { mx: { address: "127.0.0.1:25", ${listener} } }
domains: { example.com: { route: r, recipients: any } }
routes: { r: { protocol: maildir, path: mail } }
default_route: r
${certificates}`;
  const files = filesOf(
    { [FILE]: text, '/etc/postern/policies/inbound.yaml': 'policy: inbound\n' },
    { '/etc/postern/tls/a.pem': reading, '/etc/postern/tls/b.pem': pair() },
  );
  const { installation, problems, notYet } = loadInstallation(FILE, files);
  const say = problems.map(
    ({ place, severity, message, remedy }) =>
      `${place.line}:${place.column} ${severity === 'error' ? '' : `${severity}: `}${message} → ${remedy}`,
  );
  return { installation, say, notYet, tls: installation?.listeners[0]?.tls };
}
const one = (names = 'mx.example.com', file = 'a') =>
  `certificates: [{ names: [${names}], certificate: tls/${file}.pem, key: tls/${file}.key }]\n`;

test('a pair is known by its absolute paths and the names it is asked for', () => {
  const { installation, say, notYet } = load('', one('mx.example.com, "*.WILD.example"'));
  expect(say).toEqual([]);
  expect(notYet).toEqual([]);
  expect(installation?.certificates).toEqual([
    {
      names: ['mx.example.com', '*.wild.example'],
      certificate: '/etc/postern/tls/a.pem',
      key: '/etc/postern/tls/a.key',
    },
  ]);
});

test.each<[string, PairReading, string]>([
  [
    'a file that is not there',
    { kind: 'failed', file: 'certificate', why: 'there is no file tls/a.pem', remedy: 'name it' },
    '6:56 there is no file tls/a.pem → name it',
  ],
  [
    'a key that is no key',
    { kind: 'failed', file: 'key', why: 'the file holds no private key in PEM', remedy: 'name it' },
    '6:72 the file holds no private key in PEM → name it',
  ],
  [
    'a key that everybody may read',
    pair({ keyExposed: true }),
    '6:72 every user of this machine may read the key → chmod o-rwx it',
  ],
  [
    'another key',
    pair({ keyMatches: false }),
    '6:72 the key does not belong to the certificate → name the two files that were made together; the certificate of the server stands first in its file',
  ],
  [
    'a weak key',
    pair({ rsaBits: 1024 }),
    '6:56 its RSA key has 1024 bits → expected 2048 or more, or an ECDSA key on P-256',
  ],
  [
    'another name',
    pair({ names: ['a.example', '*.example.com'].slice(0, 1) }),
    '6:26 the certificate does not speak for "mx.example.com" → it speaks for a.example',
  ],
  [
    'no name',
    pair({ names: [] }),
    '6:26 the certificate does not speak for "mx.example.com" → its subjectAltName holds no DNS name',
  ],
  [
    'an expired one',
    pair({ time: 'expired' }),
    '6:56 warning: it expired on Sun, 1 Mar 2026 00:00:00 +0000 → renew it',
  ],
  [
    'one that is not valid yet',
    pair({ time: 'early' }),
    '6:56 warning: it is not valid before Thu, 1 Jan 2026 00:00:00 +0000 → wait, or set the clock',
  ],
])('%s is named at its place', (_, reading, said) => {
  const { say, installation } = load('', one(), reading);
  expect(say).toEqual([said]);
  // A gateway that does not start takes no mail at all.
  expect(installation === undefined).toBe(!said.includes('warning: '));
});

test.each([
  [
    'two entries for one name',
    `${one().trimEnd().slice(0, -1)}, { names: [MX.example.com.], certificate: tls/b.pem, key: k }]`,
    /"MX\.example\.com\." stands in certificates twice → entry 1 names it already/,
  ],
  ['one name twice', one('mx.example.com, mx.example.com'), /stands in certificates twice/],
  ['a name that is none', one('"mx example"'), /"mx example" is not a name of a server/],
  ['a star that speaks for everybody', one('"*.com"'), /"\*\.com" is not a name of a server/],
  ['a star inside', one('"mx.*.com"'), /is not a name of a server/],
  ['an empty list of names', one(''), /nothing stands here/],
])('%s is refused', (_, certificates, said) => {
  expect(load('', certificates).say.join('\n')).toMatch(said);
});

describe('tls of a listener', () => {
  test.each([
    ['', '', 'opportunistic'],
    ['', one(), 'opportunistic'],
    ['tls: none', one(), 'none'],
    ['tls: opportunistic', '', 'opportunistic'],
    ['tls: required', one(), 'required'],
    ['tls: implicit', one(), 'implicit'],
    ['trusted_networks: [10.0.0.0/24]', '', 'none'],
    ['trusted_networks: [10.0.0.0/24]', one(), 'opportunistic'],
    ['trusted_networks: [10.0.0.0/24]', 'certificates: []\n', 'none'],
    ['auth: required', one(), 'required'],
  ])('{ %s } with "%s" is as safe as it can be', (listener, certificates, tls) => {
    const loaded = load(listener, certificates);
    expect(loaded.say).toEqual([]);
    expect(loaded.tls).toBe(tls);
  });

  test.each(['tls: implicit', 'tls: required', 'tls: opportunistic, trusted_networks: [10.0.0.0/24]'])(
    '{ %s } without a certificate does not load',
    (listener) => {
      expect(load(listener, '').say).toEqual([
        expect.stringMatching(
          /^2:50 `tls: \w+` of this listener needs a certificate, and there is none → add `certificates:/,
        ),
      ]);
    },
  );

  test('is not blamed for a certificate that is written badly', () => {
    expect(load('tls: implicit', 'certificates: [{ names: [mx.example.com] }]\n').say.join()).not.toMatch(
      /needs a certificate/,
    );
  });
});

test('a name with a star speaks for one label, whole, in front', () => {
  expect(
    ['mx.example.com', '*.example.com', 'Bücher.example', '*.example', 'a_b.example', '*', ''].map(serverName),
  ).toEqual(['mx.example.com', '*.example.com', 'xn--bcher-kva.example', undefined, undefined, undefined, undefined]);
  const star = '*.example.com';
  expect(
    [star, 'a.example.com', 'a.b.example.com', 'example.com', '.example.com', '*.a.example.com'].map((name) =>
      speaksFor(star, name),
    ),
  ).toEqual([true, true, false, false, false, false]);
});
