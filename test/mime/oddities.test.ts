/** Oddities at their edges: what is just one, and what is just none. */
import { expect, test } from 'vitest';
import { Walk } from '../../src/mime/walk.ts';
import { writtenFile } from '../../src/mime/written-files.ts';

function walked(text: string, cut = 65_536) {
  const octets = Buffer.from(text, 'latin1');
  const walk = new Walk();
  for (let at = 0; at < octets.length; at += cut) walk.write(octets.subarray(at, at + cut));
  return walk.end();
}
const names = (text: string, cut?: number): string[] => walked(text, cut).anomalies.map(({ name }) => name);
const file = (header: string, body: string): string => `MIME-Version: 1.0\r\n${header}\r\n\r\n${body}`;

test('a line is long from 999 octets on, wherever it begins', () => {
  for (const before of ['', 'a\r\n', `${'b'.repeat(700)}\r\n`])
    for (const cut of [1, 10, 999, 1000, 65_536]) {
      const with998 = `Subject: x\r\n\r\n${before}${'x'.repeat(998)}\r\ny\r\n`;
      expect(names(with998, cut)).not.toContain('long-line');
      expect(names(with998.replace('xx\r', 'xxx\r'), cut)).toContain('long-line');
    }
});

test.each([
  ['a program as a text', 'Content-Type: text/plain; name=a.txt', '\x7fELF\x02', true],
  ['a program whose name is none', 'Content-Type: application/octet-stream; name=a.pdf', '\x7fELF\x02', true],
  ['a program without a name', 'Content-Type: application/octet-stream', '\x7fELF\x02', false],
  ['a script as a text', 'Content-Type: text/plain; name=a.txt', '#!/bin/sh\r\n', false],
  ['a script as a picture', 'Content-Type: image/png; name=a.png', '#!/bin/sh\r\n', true],
])('%s', (_, header, body, disguised) => {
  expect(names(file(header, body)).includes('disguised-executable')).toBe(disguised);
});

test.each(['Content-Type: application/ms-tnef', 'Content-Type: application/octet-stream; name=winmail.dat'])(
  'winmail.dat is told by its type and by its name: %s',
  (header) => {
    expect(names(file(header, 'x'))).toContain('tnef');
  },
);

test('from a line that is no field on, a scanner is shown what follows as a body, too', () => {
  const text = file('Content-Type: application/octet-stream\r\nno field', 'body');
  expect(walked(text).regions).toEqual([
    { part: '1', reading: 'identity', start: text.indexOf('no field'), end: text.length },
  ]);
});

test('an encoding that nobody knows is read as it stands, and a scanner is shown the two that it may be', () => {
  const { parts, regions } = walked(
    file('Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: x-own', 'body'),
  );
  expect(parts).toMatchObject([{ reading: 'identity' }]);
  expect(regions.map(({ reading }) => reading).sort()).toEqual(['base64', 'quoted-printable']);
});

test('of two types that are no multipart the first one is followed', () => {
  expect(walked('Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\nx').parts).toMatchObject([
    { type: 'text/html' },
  ]);
});

test('in a digest a part that says nothing is a message (RFC 2046 §5.1.5)', () => {
  const { parts } = walked(
    file('Content-Type: multipart/digest; boundary=x', '--x\r\n\r\nSubject: x\r\n\r\ny\r\n--x--\r\n'),
  );
  expect(parts.map(({ path, type }) => [path, type])).toEqual([
    ['1', 'message/rfc822'],
    ['1.1', 'text/plain'],
  ]);
});

test('yEnc is decoded: 42 more than the octet, and 64 more behind an =', async () => {
  const octets = async function* () {
    yield Buffer.from('=ybegin line=128 size=3 name=a\r\n=ypart begin=1 end=3\r\n', 'latin1');
    yield Buffer.from('\x8b=}\x8d\r\n=yend size=3\r\n', 'latin1');
  };
  const found: Uint8Array[] = [];
  for await (const piece of writtenFile('yenc', octets())) found.push(piece);
  expect(Buffer.concat(found).toString('latin1')).toBe('a\x13c');
});
